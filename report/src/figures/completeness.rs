//! Log records by provider and second: where a log is capped, cut off or has gaps.

use std::collections::BTreeMap;

use faaslens_schemas::tables::Completeness;
use faaslens_schemas::time::Timestamp;

use super::{BROAD, Drawing, Figure, Look, Scope};
use crate::canvas::paint::{provider_order, provider_place, style};
use crate::canvas::{Axis, Entry, Frame, Margins, Stroke, Swatch};
use crate::input::RunTables;
use crate::options::Scale;
use crate::tables::{self, Cell, Format, Sheet};

pub(super) static FIGURE: Figure = Figure {
    name: "completeness",
    description: "Log records by provider and second",
    method: "Distinct instrumentation records of each provider's log by second of the log clock, since the first record of the run; a \
             second without a record counts 0. A dashed line is a rate cap that the log is taken to have.",
    after: "no published figure",
    needs: &["completeness"],
    table: Some("completeness"),
    scope: Scope::Run,
    draw,
};

/// Seconds that one drawing resolves; longer runs are drawn as the greatest count of each of so many equal spans.
const SPANS: usize = 600;

type Counts<'a> = BTreeMap<&'a str, BTreeMap<i64, i64>>;

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let rows = &runs.first()?.completeness;
    let first = rows.iter().filter_map(|row| row.second).min()?;
    let counts = counts(rows, first);
    let last = counts.values().filter_map(|seconds| seconds.keys().next_back()).max().copied()?;
    let caps: Vec<(&str, f64)> = rows.iter().filter_map(|row| Some((&*row.provider, row.cap_per_s?))).collect();
    let mut providers: Vec<&str> = counts.keys().copied().collect();
    providers.sort_by_key(|provider| provider_order(provider));
    let looks: Vec<_> = providers.iter().map(|p| style(look.options.palette, provider_place(p, &providers))).collect();

    let mut frame = Frame::new(look.options, BROAD);
    let entry = |(provider, style): (&&str, _)| Entry { label: (*provider).to_owned(), swatch: Swatch::Fill(style) };
    frame.legend(&providers.iter().zip(looks.iter().copied()).map(entry).collect::<Vec<_>>());
    let height = 120.0;
    let greatest = counts.values().flat_map(BTreeMap::values).map(|&n| n as f64).chain(caps.iter().map(|cap| cap.1));
    let y = Axis::fit(greatest.chain([0.0]), Scale::Linear, height, frame.spacing());
    let margins = Margins { left: frame.axis_room(&y), top: 0.0, right: frame.size, bottom: frame.bottom_room() };
    let plot = *frame.grid(1, 1, height, margins).first()?;
    let x = Axis::fit([0.0, (last + 1) as f64].into_iter(), Scale::Linear, plot.width(), frame.size * 5.0);
    frame.left_axis(plot, &y, "Records a second");
    frame.bottom_axis(plot, &x, "Time since the first record (s)", false);
    let at = |second: f64, n: f64| (x.place(second, plot.left, plot.right), y.place(n, plot.bottom, plot.top));
    for (provider, style) in providers.iter().zip(&looks) {
        let stepped = spans(&counts[provider], last).into_iter().flat_map(|(from, to, n)| [at(from, n), at(to, n)]);
        frame.canvas.path(&[stepped.collect()], Stroke::new(1.0, style.fill));
        for (_, cap) in caps.iter().filter(|(capped, _)| capped == provider) {
            let line = Stroke { width: 0.8, colour: style.fill, dash: "3 2" };
            frame.canvas.line(at(0.0, *cap), at((last + 1) as f64, *cap), line);
        }
    }
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Step plot, {} providers", providers.len())),
        csv: csv(&counts),
        n: counts.values().flat_map(BTreeMap::values).sum(),
        counted: "records",
        unit: "records a second",
        complete: None,
        notes: Vec::new(),
    })
}

/// Records by provider and second since the first.
fn counts(rows: &[Completeness], first: Timestamp) -> Counts<'_> {
    let mut counts = Counts::new();
    for row in rows {
        let Some(second) = row.second else { continue };
        let second = second.micros().saturating_sub(first.micros()) / 1_000_000;
        *counts.entry(&*row.provider).or_default().entry(second).or_default() += row.lines.max(0);
    }
    counts
}

/// Spans of equal length with the greatest count in each: begin, end, records a second.
fn spans(seconds: &BTreeMap<i64, i64>, last: i64) -> Vec<(f64, f64, f64)> {
    let long = (last / i64::try_from(SPANS).unwrap_or(i64::MAX)).max(0) + 1;
    let mut spans = Vec::new();
    let mut from = 0;
    while from <= last {
        let greatest = seconds.range(from..from + long).map(|(_, n)| *n).max().unwrap_or(0);
        spans.push((from as f64, (from + long).min(last + 1) as f64, greatest as f64));
        from += long;
    }
    spans
}

fn csv(counts: &Counts) -> String {
    let mut sheet = Sheet::new(&["provider", "#second", "#lines"]);
    for (provider, seconds) in counts {
        let rows = seconds.iter().map(|(s, n)| vec![Cell::text(Some(provider)), Cell::count(*s), Cell::count(*n)]);
        sheet.rows.extend(rows);
    }
    tables::write(&sheet, Format::Csv)
}
