//! CSV after RFC 4180, line ends LF.

use super::sheet::Sheet;

pub(super) fn write(sheet: &Sheet, header: bool) -> String {
    let mut out = String::new();
    if header {
        line(&mut out, sheet.headings.iter().map(|heading| heading.name.clone()));
    }
    for row in &sheet.rows {
        line(&mut out, row.iter().map(super::Cell::exact));
    }
    out
}

fn line(out: &mut String, fields: impl ExactSizeIterator<Item = String>) {
    let single = fields.len() == 1;
    for (i, field) in fields.enumerate() {
        if i > 0 {
            out.push(',');
        }
        // A lone empty field would be an empty line, which readers skip.
        if field.contains([',', '"', '\n', '\r']) || (single && field.is_empty()) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&field);
        }
    }
    out.push('\n');
}
