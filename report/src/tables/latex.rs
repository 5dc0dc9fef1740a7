//! LaTeX `tabular` with booktabs rules; no other package is needed.

use super::sheet::Sheet;
use crate::escape;

pub(super) fn write(sheet: &Sheet) -> String {
    let columns: String = sheet.headings.iter().map(|heading| if heading.numeric { 'r' } else { 'l' }).collect();
    let header: Vec<String> = sheet.headings.iter().map(|heading| escape::latex(&heading.name)).collect();
    let mut out = format!("% \\usepackage[T1]{{fontenc}} \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{columns}}}\n");
    out.push_str("\\toprule\n");
    out.push_str(&line(&header));
    out.push_str("\\midrule\n");
    for row in sheet.rounded() {
        let cells: Vec<String> = row.iter().map(|cell| escape::latex(cell)).collect();
        out.push_str(&line(&cells));
    }
    out.push_str("\\bottomrule\n\\end{tabular}\n");
    out
}

fn line(cells: &[String]) -> String {
    format!("{} \\\\\n", cells.join(" & "))
}
