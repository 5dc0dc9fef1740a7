//! Figures against seaborn's, and figures that a file asks for.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::session::{FACTORY, JMETER, Recorded, SHOP, faaslens, python};

/// Writes the figures of a file into a folder; gives its files by name.
fn draw(run: &Recorded, plan: &str, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let (store, file, out) = (run.store(), run.folder().join(format!("{folder}.toml")), run.folder().join(folder));
    fs::write(&file, plan).expect("a file");
    faaslens(&[&"report", &"--store", &store, &"--figures-from", &file, &"--out", &out]).exits(0);
    let mut files = Vec::new();
    let mut open = vec![out.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(&out).expect("below the folder").to_owned();
                files.push((name, fs::read(&path).expect("a file")));
            }
        }
    }
    files.sort();
    files
}

/// Draws figures of a run and compares them with those that seaborn draws from the rows of its tables.
fn compare_with_seaborn(run: &Recorded, figures: &[&str]) {
    let asked: Vec<String> = figures.iter().map(|name| format!("[[figure]]\nname = \"{name}\"\n")).collect();
    let plan = format!("[defaults]\nformat = \"png\"\n{}", asked.concat());
    draw(run, &plan, "figures");
    let (tables, drawn, out) = (run.tables(), run.folder().join("figures"), run.folder().join("seaborn"));
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&tables, &drawn, &out];
    arguments.extend(figures.iter().map(|name| name as &dyn AsRef<OsStr>));
    let said = python("tests/figures", "seaborn_peer.py", &arguments);
    assert_eq!(said.lines().count(), figures.len(), "{said}");
}

#[test]
fn seaborn_draws_the_same_figures_from_the_invocations_of_a_web_shop() {
    let figures = [
        "execution-duration",
        "route-duration",
        "time-shares",
        "what-if",
        "cold-phases",
        "network",
        "completeness",
        "clock-offsets",
    ];
    compare_with_seaborn(&SHOP, &figures);
}

#[test]
fn seaborn_draws_the_same_figures_from_the_events_of_a_factory() {
    compare_with_seaborn(
        &FACTORY,
        &["execution-duration", "publish-network", "triggers", "time-shares", "cold-phases"],
    );
}

#[test]
fn seaborn_draws_the_same_figures_from_the_results_of_jmeter() {
    compare_with_seaborn(&JMETER, &["throughput", "chains"]);
}

#[test]
fn seaborn_draws_the_same_distributions_ratios_and_history_of_two_versions() {
    let folder = crate::session::SESSION.join("versions");
    let (store, tables, out) = (folder.join("store"), folder.join("tables"), folder.join("out"));
    for (run, logs) in [("a", "examples/befaas-webservice"), ("b", "tests/data/runs/webservice-2")] {
        let logs = crate::session::project(logs);
        let label = "experiment=webservice";
        faaslens(&[&"collect", &"befaas", &logs, &"--run", &run, &"--label", &label, &"--store", &store]).exits(0);
    }
    faaslens(&[&"analyze", &"--store", &store]).exits(0);
    faaslens(&[&"compare", &"a", &"b", &"--store", &store, &"--out", &out, &"--figure-format", &"svg"]).exits(0);
    let trend = folder.join("trend");
    faaslens(&[&"trend", &"--by", &"date", &"--store", &store, &"--out", &trend, &"--figure-format", &"svg"]).exits(0);
    fs::create_dir_all(&tables).expect("a folder");
    let printed = faaslens(&[&"table", &"invocations", &"--store", &store, &"--format", &"json"]).exits(0);
    fs::write(tables.join("invocations.json"), printed.stdout).expect("a table");
    let figures = out.join("figures");
    let seaborn = folder.join("seaborn");
    let said = python("tests/figures", "seaborn_peer.py", &[&tables, &figures, &seaborn, &"ecdf", &"forest"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    let said = python("tests/figures", "seaborn_peer.py", &[&tables, &trend.join("figures"), &seaborn, &"history"]);
    assert_eq!(said.lines().count(), 1, "{said}");
}

const PLAN: &str = r#"
[defaults]
format = ["svg", "pdf", "png"]
width = "3.5in"
palette = "grey"

[[figure]]
name = "execution-duration"
file = "paper/fig-9"
order = ["frontend", "checkout"]
where = "provider = 'aws' AND n >= 30"
title = "On AWS"

[[figure]]
name = "time-shares"
order = "median"
font_size = 9
"#;

#[test]
fn a_file_of_figures_gives_the_same_bytes_from_another_store_of_the_same_logs() {
    let once = draw(&SHOP, PLAN, "plan-1");
    let names: Vec<&str> = once.iter().filter_map(|(path, _)| path.to_str()).collect();
    assert!(names.contains(&"paper/fig-9.pdf") && names.contains(&"time-shares.csv"), "{names:?}");
    let second = SHOP.folder().join("second");
    let logs = crate::session::project("examples/befaas-webservice");
    faaslens(&[&"collect", &"befaas", &logs, &"--run", &"shop", &"--store", &second]).exits(0);
    let out = SHOP.folder().join("plan-2");
    let plan = SHOP.folder().join("plan-1.toml");
    faaslens(&[&"report", &"--store", &second, &"--figures-from", &plan, &"--out", &out]).exits(0);
    for (name, bytes) in once {
        assert!(fs::read(out.join(&name)).expect("the same file") == bytes, "{}", name.display());
    }
}

#[test]
fn order_rows_and_title_are_those_asked_for() {
    let files = draw(&SHOP, PLAN, "plan-3");
    let text = |name: &str| {
        let (_, bytes) = files.iter().find(|(path, _)| path == Path::new(name)).expect(name);
        String::from_utf8(bytes.clone()).expect("UTF-8")
    };
    let csv = text("paper/fig-9.csv");
    let functions: Vec<&str> = csv
        .lines()
        .skip(1)
        .filter(|line| !line.contains(",,,,,,,"))
        .filter_map(|line| line.split(',').nth(3))
        .collect();
    assert_eq!(functions, ["frontend", "checkout", "cartkvstorage", "emptycart", "getcart", "shiporder"]);
    let svg = text("paper/fig-9.svg");
    assert!(svg.contains(">On AWS<") && svg.contains(r#"width="252pt""#));
    let caption = text("paper/fig-9.txt");
    assert!(caption.contains("Rows: only those where provider = 'aws' AND n >= 30."), "{caption}");
}

#[test]
fn a_file_that_asks_for_what_does_not_exist_is_refused_by_name() {
    let refusals = [
        ("[[figure]]\nname = \"pie\"\n", "figure 1 (pie)"),
        ("[[figure]]\nname = \"triggers\"\n", "nothing to draw"),
        ("[[figure]]\nname = \"time-shares\"\npalete = \"grey\"\n", "palete"),
        ("[[figure]]\nname = \"time-shares\"\nwhere = \"1; DROP TABLE shares\"\n", "condition"),
        ("[[figure]]\nname = \"time-shares\"\nruns = \"nope\"\n", "no complete run"),
        ("[[figure]]\nname = \"time-shares\"\n[[figure]]\nname = \"time-shares\"\n", "two figures"),
        ("figure = 1\n", "figure"),
    ];
    let (store, plan, out) = (SHOP.store(), SHOP.folder().join("refused.toml"), SHOP.folder().join("refused"));
    for (text, said) in refusals {
        fs::write(&plan, text).expect("a file");
        let ended = faaslens(&[&"report", &"--store", &store, &"--figures-from", &plan, &"--out", &out]).exits(2);
        assert!(ended.stderr.contains("refused.toml") && ended.stderr.contains(said), "{text}: {}", ended.stderr);
    }
    fs::write(&plan, "[[figure]]\nname = \"time-shares\"\nfile = \"../escaped\"\n").expect("a file");
    faaslens(&[&"report", &"--store", &store, &"--figures-from", &plan, &"--out", &out]).exits(3);
    assert!(!SHOP.folder().join("escaped.svg").exists());
}
