//! The commands, their outputs and what they refuse.

use super::binary::{Served, faaslens, text};

#[test]
fn a_profile_is_planned_driven_and_its_records_are_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = format!("gateway=http://127.0.0.1:{}", Served::start().port);
    let profile = "config:\n  target: ' '\n  phases: [{duration: 1, arrivalRate: 20}]\nscenarios:\n  - name: s\n    flow:\n      - post: {url: '{{ gateway }}/f', json: {a: 1}}\n";
    std::fs::write(folder.path().join("p.yml"), profile).expect("a profile");
    let plan = faaslens(&["loadgen", "plan", "p.yml", "-v", &gateway], folder.path());
    assert!(text(&plan).contains("20 arrivals, 20 requests, 1.0 s"), "{}", text(&plan));
    let refused = faaslens(&["loadgen", "p.yml", "--out", "run", "-v", &gateway], folder.path());
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("--allow-host 127.0.0.1:"), "{}", text(&refused));
    let driven =
        faaslens(&["loadgen", "p.yml", "--out", "run", "-v", &gateway, "--allow-host", "127.0.0.1"], folder.path());
    assert!(text(&driven).contains("outcomes: ok 20"), "{}", text(&driven));
    let again =
        faaslens(&["loadgen", "p.yml", "--out", "run", "-v", &gateway, "--allow-host", "127.0.0.1"], folder.path());
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    assert!(text(&again).contains("run has the records of an earlier load: another --out, or --replace"));
    let query = "SELECT COUNT(*), COUNT(DISTINCT context_id), SUM(class = 'ok') FROM client_requests";
    let rows = faaslens(&["query", query, "--store", "run/store", "--format", "csv"], folder.path());
    assert!(text(&rows).contains("20,20,20"), "{}", text(&rows));
    let console = folder.path().join("run/artillery.log");
    let collected = faaslens(
        &[
            "collect",
            "befaas",
            &console.display().to_string(),
            "--provider",
            "client",
            "--store",
            "other",
            "--run",
            "r",
        ],
        folder.path(),
    );
    assert!(text(&collected).contains("40"), "{}", text(&collected));
}

#[test]
fn rejected_profiles_and_bounds_name_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("phases: [{duration: 1, rate: x}]\nscenarios: [{flow: []}]\n", "p.yml:1: rate: expected a number"),
        ("config:\n  phases: []\n  plugins: {x: {}}\nscenarios: []\n", "p.yml:3: plugins: plugins are not supported"),
        (
            "phases: [{duration: 1, rate: 1}]\nscenarios: [{flow: [{get: {url: 'http://b:81/'}}]}]\n",
            "--allow-host: expected a host that the profile names (b:81), found a",
        ),
        ("phases: [{duration: 9, rate: 20000}]\nscenarios: [{flow: [{get: {url: 'http://a/'}}]}]\n", "(--max-rate)"),
    ];
    for (profile, wanted) in cases {
        std::fs::write(folder.path().join("p.yml"), profile).expect("a profile");
        let output = faaslens(&["loadgen", "p.yml", "--out", "run", "--allow-host", "a"], folder.path());
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(wanted), "{}", text(&output));
    }
}
