//! Figures and tables of comparisons and histories.

use faaslens_report::{Answer, ComparisonAnswer, Options, OutputFile, comparison_sheet, render_answer};
use faaslens_schemas::tables::{Comparison, Distribution, Trend};
use resvg::usvg::roxmltree::Document;

/// A row with its ratio and both intervals; hand-made.
fn row(name: &str, verdict: &str, [ratio, own_low, own_high, low, high]: [f64; 5]) -> Comparison {
    Comparison {
        measure: "execution duration".into(),
        name: name.into(),
        provider: Some("aws".into()),
        verdict: verdict.into(),
        regression: verdict == "slower",
        runs_a: 1,
        runs_b: 1,
        n_a: 400,
        n_b: 390,
        median_a_ms: Some(10.0),
        median_b_ms: Some(10.0 * ratio),
        ratio: Some(ratio),
        ratio_low: Some(own_low),
        ratio_high: Some(own_high),
        decisive_low: Some(low),
        decisive_high: Some(high),
        evidence: Some("family".into()),
        p: Some(0.001),
        p_holm: Some(0.005),
        detectable_pct: Some(8.0),
        a12: Some(0.6),
        complete: true,
        ..Comparison::default()
    }
}

fn comparisons() -> Vec<Comparison> {
    vec![
        row("checkout", "slower", [1.10, 1.08, 1.12, 1.06, 1.14]),
        row("<b>&\u{202e}", "no evidence", [1.02, 0.95, 1.09, 0.60, 1.80]),
        row("currency", "equivalent", [1.01, 1.00, 1.02, 0.98, 1.04]),
        row("payment", "faster", [0.90, 0.89, 0.91, 0.86, 0.94]),
        Comparison { p: None, decisive_low: None, ..row("email", "not compared", [1.0, 1.0, 1.0, 1.0, 1.0]) },
    ]
}

fn distributions(rows: &[Comparison]) -> Vec<Distribution> {
    let curve = |row: &Comparison, side: &str, median: Option<f64>| -> Vec<Distribution> {
        let point = |percent: i32| Distribution {
            measure: row.measure.clone(),
            name: row.name.clone(),
            provider: row.provider.clone(),
            side: side.into(),
            share: f64::from(percent) / 100.0,
            value_ms: median.unwrap_or(1.0) * (1.0 + f64::from(percent - 50) / 100.0),
        };
        (0..=100).step_by(10).map(point).collect()
    };
    let both = |row: &Comparison| [curve(row, "A", row.median_a_ms), curve(row, "B", row.median_b_ms)].concat();
    rows.iter().flat_map(both).collect()
}

fn history() -> Vec<Trend> {
    let point = |name: &str, position: i64, median: f64| Trend {
        measure: "root".into(),
        name: name.into(),
        position,
        point: format!("run-{position}").as_str().into(),
        runs: 1,
        n: 100,
        median_ms: Some(median),
        low_ms: Some(median * 0.95),
        high_ms: Some(median * 1.05),
        change: name == "GET /cart" && position == 4,
        complete: true,
        ..Trend::default()
    };
    let series = |name: &'static str, medians: [f64; 6]| {
        medians.into_iter().enumerate().map(move |(i, median)| point(name, i64::try_from(i + 1).expect("few"), median))
    };
    let steady = series("GET /", [20.0, 21.0, 20.5, 20.2, 20.8, 20.1]);
    steady.chain(series("GET /cart", [50.0, 51.0, 50.5, 70.0, 71.0, 69.0])).collect()
}

fn files(answer: &Answer<'_>) -> Vec<OutputFile> {
    render_answer(answer, &["A: one; B: two".to_owned()], &Options::default()).expect("an answer")
}

fn all_files() -> Vec<OutputFile> {
    let rows = comparisons();
    let distributions = distributions(&rows);
    let comparison = ComparisonAnswer { rows: &rows, distributions: &distributions, margin: 0.05 };
    [files(&Answer::Comparison(comparison)), files(&Answer::Trend(&history()))].concat()
}

fn text(files: &[OutputFile], path: &str) -> String {
    let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(file.bytes.clone()).expect("UTF-8")
}

#[test]
fn every_answer_figure_is_drawn_in_every_format_with_caption_and_values() {
    let files = all_files();
    for figure in faaslens_report::figures::ANSWER_FIGURES {
        for extension in ["svg", "png", "pdf", "csv", "txt"] {
            let path = format!("figures/{}.{extension}", figure.name);
            assert!(files.iter().any(|file| file.path == path), "{path}");
        }
        let caption = text(&files, &format!("figures/{}.txt", figure.name));
        for part in ["n = ", "unit: ", "Method: ", "Completeness: ", "Note: A: one; B: two"] {
            assert!(caption.contains(part), "{part} in {caption}");
        }
    }
}

#[test]
fn answer_figures_of_the_sample_look_as_they_did() {
    let files = all_files();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for figure in faaslens_report::figures::ANSWER_FIGURES {
        let drawn = text(&files, &format!("figures/{}.svg", figure.name));
        let path = folder.join(format!("{}.svg", figure.name));
        if std::env::var_os("FAASLENS_ACCEPT").is_some() {
            std::fs::write(&path, &drawn).expect("golden file");
        }
        let golden = std::fs::read_to_string(&path).expect("golden file; FAASLENS_ACCEPT=1 writes it: look at it");
        assert!(drawn == golden, "{} looks different; look at it, then run with FAASLENS_ACCEPT=1", figure.name);
    }
}

#[test]
fn the_margin_is_drawn_to_scale_and_texts_are_escaped() {
    let svg = text(&all_files(), "figures/forest.svg");
    let document = Document::parse(&svg).expect("XML, whatever the names are");
    let band = document.descendants().find(|node| node.attribute("fill") == Some("#ececec")).expect("the margin");
    let width: f64 = band.attribute("width").expect("a width").parse().expect("a number");
    let labels: Vec<(f64, f64)> = document
        .descendants()
        .filter_map(|node| {
            let value: f64 = node.text()?.replace('−', "-").parse().ok()?;
            Some((value, node.attribute("x")?.parse().ok()?))
        })
        .collect();
    let (first, last) = (labels.first().expect("an axis"), labels.last().expect("an axis"));
    let per_percent = (last.1 - first.1) / (last.0 - first.0);
    // From 1 / 1.05 to 1.05: 4.76 % below and 5 % above.
    assert!((width - per_percent * (5.0 + 100.0 * (1.0 - 1.0 / 1.05))).abs() < 0.05, "{width}");
}

#[test]
fn the_table_for_people_marks_regressions_and_leaves_out_what_was_not_compared() {
    let sheet = comparison_sheet(&comparisons());
    assert_eq!(sheet.rows.len(), 4);
    let first: Vec<String> = sheet.rows[0].iter().map(faaslens_report::tables::Cell::exact).collect();
    assert_eq!(
        first,
        [
            "REGRESSION",
            "execution duration",
            "checkout (aws)",
            "1+1",
            "400+390",
            "10",
            "11",
            "1.100 [1.060, 1.140]",
            "0.005",
            "0.60",
            "8 %",
            "family"
        ]
    );
    let csv = text(&all_files(), "tables/comparisons.csv");
    assert_eq!(csv.lines().count(), 6, "the full table has all of them");
}

#[test]
fn an_empty_answer_has_tables_with_headers_and_no_figures() {
    let comparison = ComparisonAnswer { rows: &[], distributions: &[], margin: 0.05 };
    for answer in [Answer::Comparison(comparison), Answer::Trend(&[])] {
        let files = files(&answer);
        assert!(files.iter().all(|file| file.path.starts_with("tables/")), "{files:?}");
        assert!(!files.is_empty());
    }
}
