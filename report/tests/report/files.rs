//! The files of a report.

use std::collections::BTreeSet;

use faaslens_report::figures::{FIGURES, Scope};
use faaslens_report::{ImageFormat, Length, Options, OutputFile, Palette, ReportInput, render};

use crate::sample;

fn paths(files: &[OutputFile]) -> Vec<&str> {
    files.iter().map(|file| file.path.as_str()).collect()
}

fn with_extension<'a>(files: &'a [OutputFile], extension: &'a str) -> impl Iterator<Item = &'a OutputFile> {
    files.iter().filter(move |file| file.path.rsplit('.').next() == Some(extension))
}

#[test]
fn every_figure_is_drawn_from_the_sample_in_every_format() {
    let files = render(&sample::small(), &Options::default()).expect("report");
    let paths = paths(&files);
    for figure in FIGURES {
        let folder = if figure.scope == Scope::Run { "figures/webservice-1" } else { "figures" };
        for extension in ["svg", "png", "pdf", "csv", "txt"] {
            let path = format!("{folder}/{}.{extension}", figure.name);
            assert!(paths.contains(&path.as_str()), "{path} is missing");
        }
    }
}

#[test]
fn figures_have_unique_names_and_say_what_they_are() {
    let names: BTreeSet<&str> = FIGURES.iter().map(|figure| figure.name).collect();
    assert_eq!(names.len(), FIGURES.len());
    for figure in FIGURES {
        assert!(
            figure.description.len() > 10 && figure.method.len() > 40 && !figure.needs.is_empty(),
            "{}",
            figure.name
        );
        for table in figure.needs.iter().chain(figure.table.iter()) {
            assert!(faaslens_schemas::tables::by_name(table).is_some(), "{}: no table {table}", figure.name);
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_on_one_thread_and_on_many() {
    // PNG comes from the same drawing as PDF, without objects to order.
    let formats = vec![ImageFormat::Svg, ImageFormat::Pdf];
    let options = Options { formats, ..Options::default() };
    let once = render(&sample::small(), &options).expect("report");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("pool");
    let alone = pool.install(|| render(&sample::small(), &options)).expect("report");
    let again = pool.install(|| render(&sample::small(), &options)).expect("report");
    let differing = once.iter().zip(&alone).chain(alone.iter().zip(&again)).filter(|(a, b)| a != b);
    assert_eq!(differing.map(|(a, _)| a.path.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(once.len(), alone.len());
}

#[test]
fn paths_are_relative_sorted_and_unique_whatever_the_run_is_called() {
    let names = ["../../etc", "a/b", "C:\\x", ".hidden", "", "été"];
    let runs = names.map(|name| {
        let mut run = sample::input().runs.remove(0);
        name.clone_into(&mut run.manifest.run);
        run
    });
    let options = Options { formats: vec![ImageFormat::Svg], ..Options::default() };
    let files = render(&ReportInput { runs: runs.into(), ..ReportInput::default() }, &options).expect("report");
    let paths = paths(&files);
    assert!(paths.windows(2).all(|pair| pair[0] < pair[1]));
    let unsafe_part = |part: &str| part.is_empty() || part.starts_with('.') || part.contains([':', '\\']);
    assert!(paths.iter().all(|path| !path.split('/').any(unsafe_part)), "{paths:?}");
}

#[test]
fn a_png_has_300_dots_an_inch_and_says_so() {
    let options = Options {
        figures: vec!["cold-phases".to_owned()],
        formats: vec![ImageFormat::Png],
        width: Some("3.5in".parse::<Length>().expect("length")),
        ..Options::default()
    };
    let files = render(&sample::small(), &options).expect("report");
    let png = &with_extension(&files, "png").next().expect("png").bytes;
    let reader = png::Decoder::new(png.as_slice()).read_info().expect("a PNG");
    assert_eq!(reader.info().width, 1050);
    // 300 / 0.0254 = 11811.02 dots a metre.
    assert_eq!(reader.info().pixel_dims.map(|dims| (dims.xppu, dims.yppu)), Some((11_811, 11_811)));
}

#[test]
fn a_pdf_page_has_the_width_asked_for_and_holds_its_font() {
    let options = Options {
        figures: vec!["triggers".to_owned()],
        formats: vec![ImageFormat::Pdf],
        width: Some(Length(400.0)),
        ..Options::default()
    };
    let files = render(&sample::small(), &options).expect("report");
    let pdf = &with_extension(&files, "pdf").next().expect("pdf").bytes;
    assert!(pdf.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(pdf);
    let media = text.split("/MediaBox [").nth(1).and_then(|rest| rest.split(']').next()).expect("page size");
    let sides: Vec<f64> = media.split_whitespace().map(|side| side.parse().expect("number")).collect();
    assert!((sides[2] - 400.0).abs() < 0.01, "{media}");
    assert!(text.contains("FaaslensSans"), "no embedded font");
}

#[test]
fn only_figures_and_formats_asked_for_are_written() {
    let options = Options {
        figures: vec!["throughput".to_owned()],
        formats: vec![ImageFormat::Svg],
        palette: Palette::Grey,
        ..Options::default()
    };
    let files = render(&sample::small(), &options).expect("report");
    let figures: Vec<&str> = paths(&files).into_iter().filter(|path| path.starts_with("figures/")).collect();
    assert_eq!(figures, ["figures/throughput.csv", "figures/throughput.svg", "figures/throughput.txt"]);
}

#[test]
fn a_run_without_results_gives_a_page_that_names_every_figure_not_drawn() {
    let input = ReportInput { runs: vec![sample::run("empty")], ..ReportInput::default() };
    let files = render(&input, &Options::default()).expect("report");
    let page = files.iter().find(|file| file.path == "index.html").expect("page");
    let page = String::from_utf8_lossy(&page.bytes);
    for figure in FIGURES {
        assert!(page.contains(&format!("<li>{} (", figure.name)), "{} is not named", figure.name);
    }
    assert!(!paths(&files).iter().any(|path| path.starts_with("figures/")));
}

#[test]
fn a_caption_states_n_unit_method_and_completeness() {
    let options = Options { formats: Vec::new(), ..Options::default() };
    let files = render(&sample::small(), &options).expect("report");
    for caption in with_extension(&files, "txt") {
        let text = String::from_utf8_lossy(&caption.bytes);
        for part in ["n = ", "unit: ", "Method: ", "Completeness: "] {
            assert!(text.contains(part), "{}: no {part:?} in {text}", caption.path);
        }
    }
}
