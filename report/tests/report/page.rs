//! The page.

use faaslens_report::{ImageFormat, Options, ReportInput, render};
use faaslens_schemas::manifest::State;
use faaslens_schemas::tables::{Completeness, Throughput};

use crate::sample;

fn page(input: &ReportInput) -> String {
    let options = Options { formats: vec![ImageFormat::Svg], ..Options::default() };
    let files = render(input, &options).expect("report");
    let page = files.iter().find(|file| file.path == "index.html").expect("page");
    String::from_utf8(page.bytes.clone()).expect("UTF-8")
}

/// The page without its own scripts, styles and blocks of frames.
pub(crate) fn markup(page: &str) -> String {
    let mut rest = page;
    let mut text = String::new();
    for name in ["style", "script"] {
        let (open, close) = (format!("<{name}"), format!("</{name}>"));
        while let Some(at) = rest.find(&open) {
            text.push_str(&rest[..at]);
            let end = rest[at..].find(&close).expect("an end") + at + close.len();
            rest = &rest[end..];
        }
    }
    text + rest
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = page(&sample::small());
    let markup = markup(&page);
    assert!(!markup.contains("src=") && !markup.contains(" style="));
    let is_handler = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).starts_with('=');
    assert!(!markup.split(" on").skip(1).any(is_handler), "an inline handler");
    let addresses =
        markup.match_indices("http").filter(|(at, _)| !markup[*at..].starts_with("http://www.w3.org/2000/svg"));
    assert_eq!(addresses.filter(|(at, _)| !markup[*at..].starts_with("http-equiv")).count(), 0);
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).and_then(|rest| rest.split('"').next());
    let policy = policy.expect("a policy").replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    assert!(!policy.contains("unsafe") && !policy.contains("connect-src"));
}

#[test]
fn without_what_it_shows_the_page_is_below_400_kb() {
    let empty = ReportInput { runs: vec![sample::run("webservice-1")], ..ReportInput::default() };
    assert!(page(&empty).len() < 400_000, "{}", page(&empty).len());
}

#[test]
fn every_link_leads_to_a_file_of_the_report() {
    let mut input = sample::small();
    "a run/1".clone_into(&mut input.runs[0].manifest.run);
    let options = Options { formats: vec![ImageFormat::Svg], ..Options::default() };
    let files = render(&input, &options).expect("report");
    let page = page(&input);
    let links: Vec<String> = markup(&page)
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().expect("end").replace("%25", "%"))
        .collect();
    assert!(links.len() > 20);
    for link in links.iter().filter(|link| *link != "data:,") {
        if let Some(anchor) = link.strip_prefix('#') {
            assert!(page.contains(&format!("id=\"{anchor}\"")), "{link} leads nowhere");
            continue;
        }
        assert!(files.iter().any(|file| file.path == *link), "{link} leads nowhere");
    }
}

#[test]
fn the_verdict_names_what_is_missing_and_what_to_do() {
    let mut input = sample::small();
    let run = &mut input.runs[0];
    run.manifest.state = State::Unfinished;
    run.manifest.sources[0].rejected.insert("no valid JSON after the marker".to_owned(), 12);
    run.manifest.sources[0].cut_short = Some("unexpected end of the zstd frame".to_owned());
    run.completeness.push(Completeness {
        provider: "azure".into(),
        verdict: Some("lossy".into()),
        calls_made: 1_500,
        callees_found: 1_200,
        ..Completeness::default()
    });
    let page = page(&input);
    for part in [
        "Not complete",
        "the collection did not finish",
        "12 pieces refused: no valid JSON after the marker",
        "aws.log was not read to its end: unexpected end of the zstd frame",
        "azure: 300 calls without their callees",
        "the provider&#39;s limit on log lines a second",
    ] {
        assert!(page.contains(part), "{part:?} is missing");
    }
}

#[test]
fn a_load_without_call_trees_has_its_rate_and_its_failures_at_the_top() {
    let mut input = sample::small();
    for run in &mut input.runs {
        run.shares.clear();
        run.cold_starts.clear();
        run.boxes.clear();
        let row = |ok_per_s: f64, errors: i64| Throughput {
            n: 200,
            errors,
            ok_per_s: Some(ok_per_s),
            ..Throughput::default()
        };
        run.throughput = vec![row(41.0, 3), row(87.0, 5)];
    }
    let page = page(&input);
    // 8 of 400 requests of every run.
    for part in ["<b>87 /s</b>", "<b>2 %</b>"] {
        assert!(page.contains(part), "{part:?} is missing");
    }
}

#[test]
fn the_numbers_at_the_top_are_those_of_the_tables() {
    let page = page(&sample::small());
    // 41 of 4.1 + 41 + 6.2 + 3 ms is 75.5 %; 12 of 240 invocations were cold.
    for part in ["<b>76 % network</b>", "<b>5 %</b>", "12 of 240 invocations"] {
        assert!(page.contains(part), "{part:?} is missing");
    }
}
