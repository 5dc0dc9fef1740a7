//! Markdown pipe tables, aligned as text too.

use super::sheet::Sheet;
use crate::escape;

pub(super) fn write(sheet: &Sheet) -> String {
    let header: Vec<String> = sheet.headings.iter().map(|heading| escape::markdown(&heading.name)).collect();
    let rows: Vec<Vec<String>> =
        sheet.rounded().iter().map(|row| row.iter().map(|cell| escape::markdown(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&header).chain(&rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).zip(&sheet.headings).map(|((cell, &width), heading)| {
            if heading.numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = sheet.headings.iter().zip(&widths).map(|(heading, &width)| {
        let dashes = "-".repeat(width - 1);
        if heading.numeric { format!("{dashes}:") } else { format!(":{dashes}") }
    });
    let rule = format!("| {} |\n", rule.collect::<Vec<_>>().join(" | "));
    line(&header) + &rule + &rows.iter().map(|row| line(row)).collect::<String>()
}
