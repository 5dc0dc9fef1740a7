//! JSON: an array of objects, one a line.

use super::sheet::{Cell, Sheet};

pub(super) fn write(sheet: &Sheet, first: bool, last: bool) -> String {
    let names: Vec<String> = sheet.headings.iter().map(|heading| quoted(&heading.name)).collect();
    let mut out = String::from(if first { "[" } else { "" });
    for (i, row) in sheet.rows.iter().enumerate() {
        out.push_str(if first && i == 0 { "\n{" } else { ",\n{" });
        for (column, (name, cell)) in names.iter().zip(row).enumerate() {
            if column > 0 {
                out.push_str(", ");
            }
            out.push_str(name);
            out.push_str(": ");
            out.push_str(&value(cell));
        }
        out.push('}');
    }
    out.push_str(if last { "\n]\n" } else { "" });
    out
}

fn value(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Float(value) if !value.is_finite() => "null".to_owned(),
        Cell::Text(text) => quoted(text),
        Cell::Within { .. } => quoted(&cell.exact()),
        Cell::Bool(_) | Cell::Digits(_) | Cell::Float(_) => cell.exact(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
