//! The figures: one file a figure, one line in [`FIGURES`].
//!
//! A new figure is a file with a `static FIGURE: Figure` and its line in [`FIGURES`]; the tests walk the registry
//! and ask each entry for a drawing of the recorded sample.

mod box_plot;
mod chains;
mod clock_offsets;
mod cold_phases;
mod completeness;
mod ecdf;
mod execution_duration;
mod forest;
mod history;
mod network;
mod publish_network;
mod route_duration;
mod throughput;
mod time_shares;
mod triggers;
mod what_if;

use faaslens_schemas::tables::{Outlier, TukeyBox};

use crate::answers::Answer;
use crate::input::RunTables;
use crate::options::{Options, Scale};
use crate::tables::{self, Cell, Format, Sheet};

/// Every figure, in the order of the page.
pub static FIGURES: &[&Figure] = &[
    &execution_duration::FIGURE,
    &route_duration::FIGURE,
    &time_shares::FIGURE,
    &what_if::FIGURE,
    &network::FIGURE,
    &publish_network::FIGURE,
    &triggers::FIGURE,
    &cold_phases::FIGURE,
    &completeness::FIGURE,
    &clock_offsets::FIGURE,
    &throughput::FIGURE,
    &chains::FIGURE,
];

/// What a figure is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One drawing a run.
    Run,
    /// One drawing of all runs.
    Pooled,
}

/// One kind of figure.
#[derive(Debug)]
pub struct Figure {
    /// Name on the command line and of its files.
    pub name: &'static str,
    /// What it shows, as a heading.
    pub description: &'static str,
    /// How what it shows is computed, in a sentence or two.
    pub method: &'static str,
    /// Published figure that it follows.
    pub after: &'static str,
    /// Result tables it is drawn from.
    pub needs: &'static [&'static str],
    /// Result table that the page puts beside it.
    pub table: Option<&'static str>,
    /// What one drawing covers.
    pub scope: Scope,
    /// Draws it; `None` when the tables hold nothing to draw.
    pub(crate) draw: fn(&[&RunTables], &Look) -> Option<Drawing>,
}

/// One kind of figure of an [`Answer`].
#[derive(Debug)]
pub struct AnswerFigure {
    /// Name of its files.
    pub name: &'static str,
    /// What it shows, as a heading.
    pub description: &'static str,
    /// How what it shows is computed.
    pub method: &'static str,
    /// Draws it; `None` for another kind of answer and where there is nothing to draw.
    pub(crate) draw: fn(&Answer<'_>, &Look) -> Option<Drawing>,
}

/// Every figure of an answer.
pub static ANSWER_FIGURES: &[&AnswerFigure] = &[&forest::FIGURE, &ecdf::FIGURE, &history::FIGURE];

/// The figure of that name.
pub fn by_name(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().copied().find(|figure| figure.name == name)
}

/// Names of all figures.
pub fn names() -> Vec<&'static str> {
    FIGURES.iter().map(|figure| figure.name).collect()
}

/// How one drawing shall look.
#[derive(Debug, Clone)]
pub(crate) struct Look<'a> {
    pub(crate) options: &'a Options,
    /// Title for screen readers.
    pub(crate) title: String,
}

impl Look<'_> {
    pub(crate) fn scale(&self, default: Scale) -> Scale {
        self.options.scale.unwrap_or(default)
    }
}

/// A finished drawing.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    pub(crate) svg: String,
    /// What is drawn, in full precision, as CSV.
    pub(crate) csv: String,
    /// Values behind it.
    pub(crate) n: i64,
    /// What they are: `invocations`, `requests`.
    pub(crate) counted: &'static str,
    /// Unit of the values.
    pub(crate) unit: &'static str,
    /// Whether the values are known to be complete; `None` when the tables do not say.
    pub(crate) complete: Option<bool>,
    /// What the reader must know: values left out, groups cut off.
    pub(crate) notes: Vec<String>,
}

/// Categories that one axis holds at most; those with the fewest values are left out, and a note says so.
pub(crate) const CATEGORY_LIMIT: usize = 40;

/// Width of a figure over one column of a paper, in points.
pub(crate) const NARROW: f64 = 252.0;
/// Width of a figure over two columns of a paper, in points.
pub(crate) const BROAD: f64 = 504.0;

/// A plural for the note on things left out; nothing for none.
pub(crate) fn note(count: usize, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}.")),
        more => Some(format!("{more} {many}.")),
    }
}

/// The boxes as drawn, then the outliers of the same measures, one row each, as CSV.
pub(crate) fn box_csv(boxes: &[&TukeyBox], outliers: &[&Outlier]) -> String {
    let mut sheet = Sheet::new(&[
        "measure",
        "provider",
        "peer",
        "function",
        "#n",
        "#whisker_low_ms",
        "#q1_ms",
        "#median_ms",
        "#q3_ms",
        "#whisker_high_ms",
        "#mean_ms",
        "#outlier_ms",
    ]);
    for b in boxes {
        let mut row = keys(&b.measure, &b.provider, b.peer.as_deref(), b.function.as_deref());
        row.push(Cell::count(b.n));
        let values = [b.whisker_low_ms, b.q1_ms, b.median_ms, b.q3_ms, b.whisker_high_ms, b.mean_ms];
        row.extend(values.map(Cell::Float));
        row.push(Cell::Null);
        sheet.rows.push(row);
    }
    for o in outliers {
        let mut row = keys(&o.measure, &o.provider, o.peer.as_deref(), o.function.as_deref());
        row.extend(std::iter::repeat_n(Cell::Null, 7));
        row.push(Cell::Float(o.value_ms));
        sheet.rows.push(row);
    }
    tables::write(&sheet, Format::Csv)
}

fn keys(measure: &str, provider: &str, peer: Option<&str>, function: Option<&str>) -> Vec<Cell> {
    vec![Cell::text(Some(measure)), Cell::text(Some(provider)), Cell::text(peer), Cell::text(function)]
}
