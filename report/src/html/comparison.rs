//! The comparison of two runs, as far as the page shows it.

use super::{Content, ROW_LIMIT};
use crate::answers::{Answer, ComparisonAnswer, comparison_sheet};
use crate::escape::visible;
use crate::figures::{ANSWER_FIGURES, Look};

/// The section of a comparison.
pub(super) struct Part {
    pub(super) a: String,
    pub(super) b: String,
    pub(super) figures: Vec<(&'static str, &'static str, String)>,
    pub(super) headings: Vec<(String, bool)>,
    pub(super) rows: Vec<Vec<(String, bool)>>,
    pub(super) left_out: usize,
    pub(super) notes: Vec<String>,
}

/// The section, where two runs were compared.
pub(super) fn part(content: &Content) -> Option<Part> {
    let compared = content.input.comparison.as_ref().filter(|compared| !compared.rows.is_empty())?;
    let answer = Answer::Comparison(ComparisonAnswer {
        rows: &compared.rows,
        distributions: &compared.distributions,
        margin: compared.margin,
    });
    let drawn = ANSWER_FIGURES.iter().filter_map(|figure| {
        let look = Look { options: content.options, title: figure.description.to_owned() };
        let drawing = (figure.draw)(&answer, &look)?;
        Some((figure.description, figure.method, drawing.svg))
    });
    let sheet = comparison_sheet(&compared.rows);
    let numeric = |column: usize| sheet.headings.get(column).is_some_and(|heading| heading.numeric);
    let row =
        |row: &Vec<String>| row.iter().enumerate().map(|(i, cell)| (visible(cell).into_owned(), numeric(i))).collect();
    Some(Part {
        a: visible(&compared.a.join(", ")).into_owned(),
        b: visible(&compared.b.join(", ")).into_owned(),
        figures: drawn.collect(),
        headings: sheet.headings.iter().map(|h| (visible(&h.name).into_owned(), h.numeric)).collect(),
        rows: sheet.rounded().iter().take(ROW_LIMIT).map(row).collect(),
        left_out: sheet.rows.len().saturating_sub(ROW_LIMIT),
        notes: compared.notes.iter().map(|note| visible(note).into_owned()).collect(),
    })
}
