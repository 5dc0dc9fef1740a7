//! Table I of BenchFaaS: median and IQR of the response time, networks across.
//!
//! Source: Carpio et al., "BenchFaaS: Benchmarking Serverless Functions in an Edge Computing Network Testbed".

use std::collections::BTreeMap;

use faaslens_schemas::tables::Response;

use super::sheet::{Cell, Heading, Sheet};
use crate::number;

/// Network scenarios in the order of the published table; others follow by name.
const NETWORKS: [&str; 5] = ["lcl", "cld", "bad", "typ", "opt"];

/// What a line of the table stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    test: String,
    /// Orders `1KB` before `10KB` before `1MB`.
    parameter: (u64, String),
    nodes: Option<i64>,
    hardware: String,
    label: String,
}

/// One line for every test, parameter, node count, hardware and label; a cell is `median - IQR` in whole
/// milliseconds, ties to the even digit.
///
/// Rows without a network are left out: they belong to no column. The label's column is there only when some line
/// would be ambiguous without it. No rows give a table without lines.
pub fn sheet(responses: &[Response]) -> Sheet {
    let mut lines: BTreeMap<Line, BTreeMap<&str, String>> = BTreeMap::new();
    for response in responses {
        let Some(network) = response.network.as_deref() else { continue };
        lines.entry(line_of(response)).or_default().insert(network, cell_of(response));
    }
    let mut networks: Vec<&str> = NETWORKS.to_vec();
    let others: std::collections::BTreeSet<&str> = lines.values().flat_map(|cells| cells.keys().copied()).collect();
    networks.extend(others.into_iter().filter(|network| !NETWORKS.contains(network)));
    let labelled = has_twins(lines.keys());

    let mut sheet = Sheet::new(&["test", "parameter", "#nodes", "hardware"]);
    if labelled {
        sheet.headings.push(Heading { name: "label".to_owned(), numeric: false });
    }
    sheet.headings.extend(networks.iter().map(|network| Heading { name: (*network).to_owned(), numeric: true }));
    for (line, cells) in &lines {
        let mut row = vec![
            Cell::Text(line.test.clone()),
            if line.parameter.1.is_empty() { Cell::Null } else { Cell::Text(line.parameter.1.clone()) },
            line.nodes.map_or(Cell::Null, Cell::count),
            Cell::Text(line.hardware.clone()),
        ];
        if labelled {
            row.push(Cell::Text(line.label.clone()));
        }
        row.extend(networks.iter().map(|network| Cell::text(cells.get(network).map(String::as_str))));
        sheet.rows.push(row);
    }
    sheet
}

fn has_twins<'a>(lines: impl Iterator<Item = &'a Line>) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    lines.into_iter().any(|line| !seen.insert((&line.test, &line.parameter, line.nodes, &line.hardware)))
}

fn line_of(response: &Response) -> Line {
    let text = |value: &Option<faaslens_schemas::table::Label>| value.as_deref().unwrap_or_default().to_owned();
    let parameter = text(&response.parameter);
    Line {
        test: text(&response.test),
        parameter: (magnitude(&parameter), parameter),
        nodes: response.nodes,
        hardware: text(&response.hardware),
        label: text(&response.label),
    }
}

fn cell_of(response: &Response) -> String {
    match (response.median_ms, response.iqr_ms) {
        (Some(median), Some(iqr)) => format!("{} - {}", number::fixed(median, 0), number::fixed(iqr, 0)),
        _ => "n/a".to_owned(),
    }
}

/// The number that a parameter begins with, times its unit: 1 for `1`, 10,000 for `10KB`; 0 without one.
pub fn magnitude(parameter: &str) -> u64 {
    let digits: String = parameter.chars().take_while(char::is_ascii_digit).collect();
    let unit = match parameter.get(digits.len()..).unwrap_or_default().to_ascii_uppercase().as_str() {
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        _ => 1,
    };
    digits.parse::<u64>().unwrap_or(0).saturating_mul(unit)
}
