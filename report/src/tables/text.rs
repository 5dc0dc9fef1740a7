//! Aligned columns for the terminal.

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::sheet::Sheet;
use crate::escape;

pub(super) fn write(sheet: &Sheet) -> String {
    let mut table = Table::new();
    // No rules between rows: a screen holds twice as many.
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(sheet.headings.iter().map(|heading| escape::visible(&heading.name).into_owned()));
    for row in sheet.rounded() {
        table.add_row(row.iter().map(|cell| escape::visible(cell).into_owned()));
    }
    for (column, heading) in table.column_iter_mut().zip(&sheet.headings) {
        if heading.numeric {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n", table.trim_fmt())
}
