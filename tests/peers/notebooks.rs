//! The notebooks run on the committed examples; each asserts that what it shows is what `faaslens table` prints.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::session::{SESSION, faaslens, interpreter, project};

const NOTEBOOKS: [&str; 5] =
    ["befaas-figures", "benchfaas-results", "compare-versions", "start-here", "trigger-delays"];

/// A store of every committed example, as `scripts/render-notebooks` makes it.
fn store() -> PathBuf {
    let store = SESSION.join("notebooks-store");
    let runs = [
        ("webservice-1", "examples/befaas-webservice"),
        ("webservice-2", "tests/data/runs/webservice-2"),
        ("smartFactory", "tests/data/runs/smartFactory"),
    ];
    for (run, logs) in runs {
        faaslens(&[&"collect", &"befaas", &project(logs), &"--run", &run, &"--store", &store]).exits(0);
    }
    let results = fs::read_dir(project("examples/benchfaas-jmeter")).expect("the example");
    let mut results: Vec<PathBuf> = results.map(|entry| entry.expect("an entry").path()).collect();
    results.retain(|path| path.extension().is_some_and(|extension| extension == "zst"));
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"collect", &"jmeter", &"--store", &store];
    arguments.extend(results.iter().map(|path| path as &dyn AsRef<OsStr>));
    faaslens(&arguments).exits(0);
    faaslens(&[&"analyze", &"--store", &store, &"--functions", &"addcartitem,cartkvstorage"]).exits(0);
    store
}

#[test]
fn all_notebooks_run_on_the_examples_and_show_what_faaslens_prints() {
    let (python, store) = (interpreter("notebooks"), store());
    let begun = Instant::now();
    let output = Command::new(python)
        .args(["-m", "pytest", "--nbmake", "--nbmake-timeout=120", "--quiet", "-p", "no:cacheprovider"])
        .args(NOTEBOOKS.map(|name| format!("{name}.ipynb")))
        .current_dir(project("notebooks"))
        .env("FAASLENS", env!("CARGO_BIN_EXE_faaslens"))
        .env("FAASLENS_STORE", store)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("5 passed"), "{said}");
    assert!(begun.elapsed() < Duration::from_mins(3), "together they took {:?}", begun.elapsed());
}

#[test]
fn notebooks_are_committed_without_results_and_are_all_run() {
    let mut found = Vec::new();
    for entry in fs::read_dir(project("notebooks")).expect("the notebooks") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "ipynb") {
            continue;
        }
        let notebook: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).expect("a notebook")).expect("a notebook is JSON");
        for cell in notebook["cells"].as_array().expect("cells") {
            if cell["cell_type"] == "code" {
                let empty = cell["outputs"] == serde_json::json!([]) && cell["execution_count"].is_null();
                assert!(empty, "{}: strip the outputs before committing", path.display());
            }
        }
        found.push(path.file_stem().and_then(OsStr::to_str).expect("a name").to_owned());
    }
    found.sort();
    assert_eq!(found, NOTEBOOKS);
}
