//! Typst tables.

use super::sheet::Sheet;
use crate::escape;

pub(super) fn write(sheet: &Sheet) -> String {
    let alignments: Vec<&str> =
        sheet.headings.iter().map(|heading| if heading.numeric { "right" } else { "left" }).collect();
    let header: Vec<String> = sheet.headings.iter().map(|heading| content(&heading.name)).collect();
    let mut out = format!(
        "#table(\n  columns: {},\n  align: ({},),\n  stroke: none,\n  table.hline(),\n  table.header({}),\n  table.hline(),\n",
        sheet.headings.len(),
        alignments.join(", "),
        header.join(", ")
    );
    for row in sheet.rounded() {
        let cells: Vec<String> = row.iter().map(|cell| content(cell)).collect();
        out.extend(["  ", &cells.join(", "), ",\n"]);
    }
    out.push_str("  table.hline(),\n)\n");
    out
}

fn content(text: &str) -> String {
    format!("[{}]", escape::typst(text))
}
