//! What is drawn lies where the values put it.

use faaslens_report::{ImageFormat, Options, ReportInput, RunTables, Scale, render};
use faaslens_schemas::tables::{Outlier, Throughput, TukeyBox};
use resvg::usvg::roxmltree::Document;

use crate::sample;

fn svg(input: &ReportInput, name: &str, options: &Options) -> String {
    let options = Options { formats: vec![ImageFormat::Svg], figures: vec![name.to_owned()], ..options.clone() };
    let files = render(input, &options).expect("report");
    let file = files.iter().find(|file| file.path.ends_with(&format!("{name}.svg"))).expect("figure");
    String::from_utf8(file.bytes.clone()).expect("UTF-8")
}

fn number(node: &resvg::usvg::roxmltree::Node, name: &str) -> f64 {
    node.attribute(name).expect("attribute").parse().expect("number")
}

/// Left, top, right and bottom of the plot, from its two axis lines.
fn plot(document: &Document) -> [f64; 4] {
    let is_spine = |d: &str| {
        let numbers: Vec<f64> = d.split(['M', 'L', ' ']).filter_map(|part| part.parse().ok()).collect();
        match numbers.as_slice() {
            [a, top, b, bottom, right, c] if (a - b).abs() + (bottom - c).abs() < 1e-9 => {
                Some([*a, *top, *right, *bottom])
            }
            _ => None,
        }
    };
    document.descendants().find_map(|node| node.attribute("d").and_then(is_spine)).expect("axis lines")
}

fn one_box(scale: Scale) -> (Document<'static>, Options) {
    let tukey = TukeyBox {
        measure: "execution_duration".into(),
        provider: "aws".into(),
        function: Some("checkout".into()),
        n: 9,
        min_ms: 2.0,
        whisker_low_ms: 2.0,
        q1_ms: 20.0,
        median_ms: 40.0,
        q3_ms: 200.0,
        whisker_high_ms: 400.0,
        max_ms: 2000.0,
        mean_ms: 300.0,
        peer: None,
        complete: true,
    };
    let outlier = Outlier {
        measure: "execution_duration".into(),
        provider: "aws".into(),
        peer: None,
        function: Some("checkout".into()),
        value_ms: 2000.0,
    };
    let run = RunTables { boxes: vec![tukey], outliers: vec![outlier], ..sample::run("one") };
    let options = Options { scale: Some(scale), ..Options::default() };
    let svg = svg(&ReportInput { runs: vec![run], ..ReportInput::default() }, "execution-duration", &options);
    (Document::parse(Box::leak(svg.into_boxed_str())).expect("XML"), options)
}

fn filled_rect<'a>(document: &'a Document) -> resvg::usvg::roxmltree::Node<'a, 'a> {
    document.descendants().find(|node| node.attribute("fill") == Some("#e69f00")).expect("the box")
}

#[test]
fn a_box_on_a_log_axis_lies_where_its_logarithms_are() {
    let (document, _) = one_box(Scale::Log);
    let [_, top, _, bottom] = plot(&document);
    // The axis runs from 2 to 2000: three decades over the plot's height.
    let y = |value: f64| bottom - (value / 2.0).log10() / 3.0 * (bottom - top);
    let rect = filled_rect(&document);
    assert!((number(&rect, "y") - y(200.0)).abs() < 0.011);
    assert!((number(&rect, "height") - (y(20.0) - y(200.0))).abs() < 0.011);
}

#[test]
fn a_box_on_a_linear_axis_lies_in_proportion() {
    let (document, _) = one_box(Scale::Linear);
    let [_, top, _, bottom] = plot(&document);
    let y = |value: f64| bottom - value / 2000.0 * (bottom - top);
    let rect = filled_rect(&document);
    assert!((number(&rect, "y") - y(200.0)).abs() < 0.011);
    assert!((number(&rect, "height") - (y(20.0) - y(200.0))).abs() < 0.011);
}

#[test]
fn stacked_bars_are_as_long_as_their_means() {
    let document = svg(&sample::small(), "time-shares", &Options::default());
    let document = Document::parse(&document).expect("XML");
    let [left, _, right, _] = plot(&document);
    let network: Vec<f64> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.attribute("fill") == Some("#e69f00"))
        .filter(|node| number(node, "x") > left)
        .map(|node| number(&node, "width"))
        .collect();
    // Longest bar: 8.5 + 92 + 14 + 12 = 126.5 ms, so the axis ends at 150 ms. Network means as in the sample.
    for (width, mean) in network.iter().zip([41.0, 30.0, 38.5, 92.0]) {
        assert!((width - mean / 150.0 * (right - left)).abs() < 0.011, "{width} for {mean} ms");
    }
    assert_eq!(network.len(), 4);
}

#[test]
fn the_length_of_a_chain_is_not_taken_for_threads() {
    let row = |test: &str, parameter: &str, threads| Throughput {
        test: Some(test.into()),
        parameter: Some(parameter.into()),
        threads: Some(threads),
        ok_per_s: Some(10.0),
        ..Throughput::default()
    };
    let throughput = vec![
        row("chains_client", "5", 1),
        row("chains_client", "20", 1),
        row("scalability_30", "20", 20),
        row("scalability_30", "60", 60),
    ];
    let run = RunTables { throughput, ..sample::run("one") };
    let drawn = svg(&ReportInput { runs: vec![run], ..ReportInput::default() }, "throughput", &Options::default());
    assert!(drawn.contains("scalability_30") && !drawn.contains("chains_client"));
}

#[test]
fn nothing_is_drawn_outside_of_a_figure() {
    for name in faaslens_report::figures::names() {
        let svg = svg(&sample::small(), name, &Options::default());
        let options = resvg::usvg::Options::default();
        let tree = resvg::usvg::Tree::from_str(&svg, &options).expect("SVG");
        let (size, drawn) = (tree.size(), tree.root().abs_stroke_bounding_box());
        assert!(
            drawn.left() >= -0.5
                && drawn.top() >= -0.5
                && drawn.right() <= size.width() + 0.5
                && drawn.bottom() <= size.height() + 0.5,
            "{name}: {drawn:?} in {size:?}"
        );
    }
}

#[test]
fn figures_of_the_sample_look_as_they_did() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for name in faaslens_report::figures::names() {
        let drawn = svg(&sample::small(), name, &Options::default());
        let path = folder.join(format!("{name}.svg"));
        if std::env::var_os("FAASLENS_ACCEPT").is_some() {
            std::fs::write(&path, &drawn).expect("golden file");
        }
        let golden = std::fs::read_to_string(&path).expect("golden file; FAASLENS_ACCEPT=1 writes it: look at it");
        assert!(
            drawn == golden,
            "{name} looks different; compare with {}, then run with FAASLENS_ACCEPT=1",
            path.display()
        );
    }
}
