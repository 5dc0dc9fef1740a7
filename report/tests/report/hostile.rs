//! Texts and numbers out of logs cannot break what is made of them.

use faaslens_report::{ImageFormat, Options, OutputFile, ReportInput, RunTables, render};
use faaslens_schemas::table::Label;
use faaslens_schemas::tables::{Duration, Outlier, PhasePoint, TukeyBox};
use proptest::prelude::*;

use crate::page::markup;
use crate::sample;

const NAME: &str = "</script><img src=x onerror=alert(1)>\u{202e}&\"'\\input{/etc/passwd}\0";

fn named(name: &str) -> ReportInput {
    let mut run = sample::input().runs.remove(0);
    name.clone_into(&mut run.manifest.run);
    run.manifest.labels.insert(name.to_owned(), name.to_owned());
    run.manifest.sources[0].rejected.insert(name.to_owned(), 3);
    let label = Label::from(name);
    for tukey in &mut run.boxes {
        tukey.provider.clone_from(&label);
        tukey.function = Some(label.clone());
    }
    for share in run.shares.iter_mut().filter(|share| &*share.scope == "route") {
        share.name.clone_from(&label);
    }
    for row in &mut run.throughput {
        row.test = Some(label.clone());
        row.network = Some(label.clone());
    }
    for chain in &mut run.chains {
        chain.hardware = Some(label.clone());
        chain.parameter = Some(label.clone());
    }
    run.durations = vec![Duration { function: label, n: 1, ..Duration::default() }];
    ReportInput { runs: vec![run], ..ReportInput::default() }
}

fn texts(files: &[OutputFile], extension: &str) -> Vec<String> {
    let chosen = files.iter().filter(|file| file.path.ends_with(extension));
    chosen.map(|file| String::from_utf8(file.bytes.clone()).expect("UTF-8")).collect()
}

#[test]
fn hostile_names_are_escaped_in_svg_page_and_latex() {
    let files =
        render(&named(NAME), &Options { formats: vec![ImageFormat::Svg], ..Options::default() }).expect("report");
    let svgs = texts(&files, ".svg");
    assert!(svgs.len() >= 6);
    for svg in svgs.iter().chain(&texts(&files, ".html").iter().map(|page| markup(page)).collect::<Vec<_>>()) {
        for forbidden in ["<img", "</script", "\u{202e}", "\0"] {
            assert!(!svg.contains(forbidden), "{forbidden:?}");
        }
    }
    for svg in &svgs {
        resvg::usvg::roxmltree::Document::parse(svg).expect("well-formed");
    }
    for tex in texts(&files, ".tex") {
        assert!(!tex.contains("\\input{"), "{tex}");
    }
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(0.0),
        Just(-1.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(1e300),
        Just(1e-300),
        0.001..1e6f64
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_numbers_and_names_give_readable_drawings(
        values in prop::collection::vec(numbers(), 8..40),
        names in prop::collection::vec(".{0,12}", 1..4),
        linear: bool,
    ) {
        let name = |i: usize| Label::from(names[i % names.len()].as_str());
        let boxes = values.chunks_exact(8).enumerate().map(|(i, v)| TukeyBox {
            measure: "execution_duration".into(),
            provider: name(i),
            function: Some(name(i + 1)),
            whisker_low_ms: v[0],
            q1_ms: v[1],
            median_ms: v[2],
            q3_ms: v[3],
            whisker_high_ms: v[4],
            ..TukeyBox::default()
        });
        let outliers = values.iter().enumerate().map(|(i, &value_ms)| Outlier {
            measure: "execution_duration".into(),
            provider: name(i),
            function: Some(name(i + 1)),
            value_ms,
            ..Outlier::default()
        });
        let phases = values.chunks_exact(2).map(|v| PhasePoint { since_load_s: v[0], duration_ms: v[1], ..PhasePoint::default() });
        let mut shares = vec![sample::share("overall", "all", "compute", 3.0)];
        shares.extend(values.iter().enumerate().map(|(i, &v)| sample::share("route", &name(i), "network", v)));
        let run = RunTables {
            boxes: boxes.collect(),
            outliers: outliers.collect(),
            phases: phases.collect(),
            shares,
            ..sample::run(&names[0])
        };
        let scale = if linear { faaslens_report::Scale::Linear } else { faaslens_report::Scale::Log };
        let options = Options { formats: vec![ImageFormat::Svg], scale: Some(scale), ..Options::default() };
        let files = render(&ReportInput { runs: vec![run], ..ReportInput::default() }, &options).expect("report");
        for svg in texts(&files, ".svg") {
            prop_assert!(resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).is_ok());
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf "));
        }
    }
}
