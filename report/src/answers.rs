//! Files of an answer: a comparison or a history, with its tables and figures.

use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{Comparison, Distribution, Trend};

use crate::error::Result;
use crate::figures::{ANSWER_FIGURES, AnswerFigure, Drawing, Look};
use crate::input::OutputFile;
use crate::number;
use crate::options::Options;
use crate::render::image_files;
use crate::tables::{self, Cell, Format, Sheet};

/// What a command found out about several runs.
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    /// Two sets of runs.
    Comparison(ComparisonAnswer<'a>),
    /// Many runs in a row: rows by measure and position.
    Trend(&'a [Trend]),
}

/// A comparison of two sets of runs.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonAnswer<'a> {
    /// One row a measure, in the order to be shown.
    pub rows: &'a [Comparison],
    /// Distributions under the rows.
    pub distributions: &'a [Distribution],
    /// Relative difference that does not matter: 0.05 for 5 %.
    pub margin: f64,
}

/// Every file of an answer: `tables/` and `figures/`, each figure with a caption (`.txt`) that ends with `notes`, and
/// what it draws (`.csv`). The same answer gives the same bytes in the same order.
///
/// # Errors
/// When the options are out of range or a drawing cannot be converted.
pub fn render_answer(answer: &Answer<'_>, notes: &[String], options: &Options) -> Result<Vec<OutputFile>> {
    options.validate()?;
    let mut files = table_files(answer)?;
    for figure in ANSWER_FIGURES {
        let look = Look { options, title: figure.description.to_owned() };
        if let Some(drawing) = (figure.draw)(answer, &look) {
            files.extend(figure_files(figure, &drawing, notes, options)?);
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn figure_files(
    figure: &AnswerFigure,
    drawing: &Drawing,
    notes: &[String],
    options: &Options,
) -> Result<Vec<OutputFile>> {
    let mut lines = vec![
        format!("{}.", figure.description),
        format!("n = {} {}; unit: {}.", number::count(drawing.n), drawing.counted, drawing.unit),
        format!("Method: {}", figure.method),
        format!(
            "Completeness: {}",
            if drawing.complete == Some(false) {
                "rests on incomplete logs."
            } else {
                "nothing is known to be missing."
            }
        ),
    ];
    lines.extend(drawing.notes.iter().chain(notes).map(|note| format!("Note: {}", crate::escape::visible(note))));
    lines.push(format!("Drawn by faaslens {}.", env!("CARGO_PKG_VERSION")));
    image_files(&format!("figures/{}", figure.name), figure.name, drawing, &(lines.join("\n") + "\n"), &options.formats)
}

fn table_files(answer: &Answer<'_>) -> Result<Vec<OutputFile>> {
    let written = match answer {
        Answer::Comparison(comparison) => vec![
            (Comparison::TABLE.name, sheet(comparison.rows)?, Some(comparison_sheet(comparison.rows))),
            (Distribution::TABLE.name, sheet(comparison.distributions)?, None),
        ],
        Answer::Trend(rows) => vec![(Trend::TABLE.name, sheet(rows)?, Some(trend_sheet(rows)))],
    };
    let file = |name: &str, sheet: &Sheet, format: Format| OutputFile {
        path: format!("tables/{name}.{}", format.extension()),
        bytes: tables::write(sheet, format).into_bytes(),
    };
    let mut files = Vec::new();
    for (name, full, brief) in &written {
        files.extend([Format::Csv, Format::Json].map(|format| file(name, full, format)));
        let brief = brief.iter();
        files.extend(brief.flat_map(|brief| [Format::Markdown, Format::Latex].map(|format| file(name, brief, format))));
    }
    Ok(files)
}

fn sheet<R: Row>(rows: &[R]) -> Result<Sheet> {
    Sheet::from_batch(&R::to_batch(rows)?)
}

/// A comparison for people: what decides, in as few columns as that takes.
///
/// The ratio has the decisive interval behind it; `detectable` is the least slowdown that would have been found. Rows that
/// could not be compared are left out: the full table has them with the reason.
pub fn comparison_sheet(rows: &[Comparison]) -> Sheet {
    let mut sheet = Sheet::new(&[
        "verdict",
        "measure",
        "name",
        "#runs",
        "#n",
        "#median_a_ms",
        "#median_b_ms",
        "#B/A [95 %]",
        "#p_holm",
        "#a12",
        "#detectable",
        "evidence",
    ]);
    for row in rows.iter().filter(|row| row.p.is_some()) {
        let verdict = if row.regression { "REGRESSION" } else { &*row.verdict };
        sheet.rows.push(vec![
            Cell::text(Some(verdict)),
            Cell::text(Some(&row.measure)),
            Cell::Text(placed(&row.name, row.provider.as_deref())),
            Cell::Text(format!("{}+{}", row.runs_a, row.runs_b)),
            Cell::Text(format!("{}+{}", row.n_a, row.n_b)),
            readable_cell(row.median_a_ms),
            readable_cell(row.median_b_ms),
            interval_cell(row.ratio, row.decisive_low, row.decisive_high),
            p_cell(row.p_holm),
            row.a12.map_or(Cell::Null, |a12| Cell::Digits(number::fixed(a12, 2))),
            row.detectable_pct.map_or(Cell::Null, |pct| Cell::Text(format!("{} %", number::readable(pct)))),
            Cell::text(row.evidence.as_deref()),
        ]);
    }
    sheet
}

/// A history for people.
pub fn trend_sheet(rows: &[Trend]) -> Sheet {
    let mut sheet = Sheet::new(&["measure", "name", "point", "#runs", "#n", "#median_ms [95 %]", "change"]);
    for row in rows {
        sheet.rows.push(vec![
            Cell::text(Some(&row.measure)),
            Cell::Text(placed(&row.name, row.provider.as_deref())),
            Cell::text(Some(&row.point)),
            Cell::count(row.runs),
            Cell::count(row.n),
            median_cell(row),
            Cell::Text(row.change_p.map_or(String::new(), |p| format!("new level (p = {})", number::readable(p)))),
        ]);
    }
    sheet
}

/// `checkout (aws)`.
fn placed(name: &str, provider: Option<&str>) -> String {
    provider.map_or_else(|| name.to_owned(), |provider| format!("{name} ({provider})"))
}

/// About three digits, whatever the magnitude: a column has microseconds and seconds.
fn readable_cell(value: Option<f64>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Digits(number::readable(value)))
}

/// `12.3 [12.1, 12.6]`.
fn median_cell(row: &Trend) -> Cell {
    let Some(median) = row.median_ms.map(number::readable) else { return Cell::Null };
    Cell::Digits(match row.low_ms.zip(row.high_ms) {
        Some((low, high)) => format!("{median} [{}, {}]", number::readable(low), number::readable(high)),
        None => median,
    })
}

/// `1.10 [1.06, 1.14]`.
fn interval_cell(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> Cell {
    let Some(value) = value else { return Cell::Null };
    let text = number::fixed(value, 3);
    Cell::Text(match low.zip(high) {
        Some((low, high)) => format!("{text} [{}, {}]", number::fixed(low, 3), number::fixed(high, 3)),
        None => text,
    })
}

fn p_cell(p: Option<f64>) -> Cell {
    p.map_or(
        Cell::Null,
        |p| if p < 0.001 { Cell::Digits("<0.001".to_owned()) } else { Cell::Digits(number::fixed(p, 3)) },
    )
}
