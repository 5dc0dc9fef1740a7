//! The page.

use faaslens_report::{ImageFormat, Options, ReportInput, render};
use faaslens_schemas::manifest::State;
use faaslens_schemas::tables::Completeness;

use crate::sample;

fn page(input: &ReportInput) -> String {
    let options = Options { formats: vec![ImageFormat::Svg], ..Options::default() };
    let files = render(input, &options).expect("report");
    let page = files.iter().find(|file| file.path == "index.html").expect("page");
    String::from_utf8(page.bytes.clone()).expect("UTF-8")
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = page(&sample::small());
    assert!(page.contains("Content-Security-Policy"));
    assert!(!page.contains("<script") && !page.contains("src="));
    let addresses = page.match_indices("http").filter(|(at, _)| !page[*at..].starts_with("http://www.w3.org/2000/svg"));
    assert_eq!(addresses.filter(|(at, _)| !page[*at..].starts_with("http-equiv")).count(), 0);
}

#[test]
fn every_link_leads_to_a_file_of_the_report() {
    let mut input = sample::small();
    "a run/1".clone_into(&mut input.runs[0].manifest.run);
    let options = Options { formats: vec![ImageFormat::Svg], ..Options::default() };
    let files = render(&input, &options).expect("report");
    let page = page(&input);
    let links: Vec<String> =
        page.split("href=\"").skip(1).map(|rest| rest.split('"').next().expect("end").replace("%25", "%")).collect();
    assert!(links.len() > 20);
    for link in links {
        assert!(files.iter().any(|file| file.path == link), "{link} leads nowhere");
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
fn the_numbers_at_the_top_are_those_of_the_tables() {
    let page = page(&sample::small());
    // 41 of 4.1 + 41 + 6.2 + 3 ms is 75.5 %; 12 of 240 invocations were cold.
    for part in ["<b>76 % network</b>", "<b>5 %</b>", "12 of 240 invocations"] {
        assert!(page.contains(part), "{part:?} is missing");
    }
}
