//! Bounds of the offsets between the providers' clocks.

use faaslens_schemas::tables::ClockOffset;

use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::canvas::paint::{INK, Marker, style};
use crate::canvas::{Anchor, Axis, Frame, Margins, Stroke, Type, font};
use crate::input::RunTables;
use crate::options::Scale;
use crate::tables::{self, Cell, Format, Sheet};

pub(super) static FIGURE: Figure = Figure {
    name: "clock-offsets",
    description: "Bounds of the offsets between the providers' clocks",
    method: "What has to be added to the second clock to get the first: the bars run from the least to the greatest value that all \
             synchronous calls allow, at the begin, in the middle and at the end of the run; the point is the estimate. \
             A bar that does not hold 0 belongs to clocks that differ.",
    after: "no published figure",
    needs: &["clock_offsets"],
    table: Some("clock_offsets"),
    scope: Scope::Run,
    draw,
};

/// Pairs that one drawing holds at most.
const PAIR_LIMIT: usize = 28;

type Pair<'a> = ((&'a str, &'a str), Vec<&'a ClockOffset>);

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let rows = &runs.first()?.clock_offsets;
    let mut pairs = pairs(rows);
    let left_out = pairs.len().saturating_sub(PAIR_LIMIT);
    pairs.truncate(PAIR_LIMIT);
    if pairs.is_empty() {
        return None;
    }
    let mut frame = Frame::new(look.options, BROAD);
    let pitch = frame.size * 1.9;
    let labels: Vec<String> = pairs.iter().map(|((a, b), _)| format!("{a} − {b}")).collect();
    let room = labels.iter().map(|label| font::width(label, frame.size)).fold(0.0, f64::max).min(frame.width() * 0.4);
    let margins = Margins { left: room + frame.size, top: 0.0, right: frame.size, bottom: frame.bottom_room() };
    let plot = *frame.grid(1, 1, pitch * pairs.len() as f64, margins).first()?;
    let ends = pairs.iter().flat_map(|(_, rows)| rows).flat_map(|row| [row.low_ms, row.high_ms]).flatten();
    let x = Axis::fit(ends.chain([0.0]), Scale::Linear, plot.width(), frame.size * 5.0);
    frame.bottom_axis(plot, &x, "Offset (ms)", true);
    let place = |value: f64| x.place(value, plot.left, plot.right);
    frame.canvas.line((place(0.0), plot.top), (place(0.0), plot.bottom), Stroke::new(0.7, INK));
    let look_of = style(look.options.palette, 1);
    for (i, ((_, rows), label)) in pairs.iter().zip(&labels).enumerate() {
        let middle = plot.top + pitch * (i as f64 + 0.5);
        let shown = font::shorten(&crate::escape::visible(label), frame.size, room);
        let at = (plot.left - frame.size * 0.6, middle + frame.size * 0.35);
        frame.canvas.text(at, &shown, Type::new(frame.size, Anchor::End));
        for (row, shift) in chosen(rows).into_iter().zip([-0.28, 0.0, 0.28]) {
            let y = middle + shift * pitch;
            if let (Some(low), Some(high)) = (row.low_ms, row.high_ms) {
                frame.canvas.line((place(low), y), (place(high), y), Stroke::new(1.4, look_of.line));
            }
            if let Some(estimate) = row.estimate_ms {
                frame.canvas.markers(Marker::Circle, &[(place(estimate), y)], 1.3, INK, None);
            }
        }
    }
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Interval plot, {} pairs of clocks", pairs.len())),
        csv: csv(rows),
        n: pairs.iter().filter_map(|(_, rows)| rows.first()).map(|row| row.calls).sum(),
        counted: "calls between two of the clocks",
        unit: "ms",
        complete: None,
        notes: note(left_out, "pair is in the table only", "pairs are in the table only").into_iter().collect(),
    })
}

/// The pairs that have bounds, in the order of the rows.
fn pairs(rows: &[ClockOffset]) -> Vec<Pair<'_>> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let sound = |value: Option<f64>| value.is_some_and(|value| value.is_finite() && value.abs() < 1e12);
    for row in rows.iter().filter(|row| sound(row.low_ms) && sound(row.high_ms)) {
        let key = (&*row.provider_a, &*row.provider_b);
        match pairs.last_mut().filter(|(known, _)| *known == key) {
            Some((_, of)) => of.push(row),
            None => pairs.push((key, vec![row])),
        }
    }
    pairs
}

/// The first, the middle and the last instant.
fn chosen<'a>(rows: &[&'a ClockOffset]) -> Vec<&'a ClockOffset> {
    match rows {
        [] => Vec::new(),
        [one] => vec![one],
        [first, .., last] => vec![first, rows[rows.len() / 2], last],
    }
}

fn csv(rows: &[ClockOffset]) -> String {
    let mut sheet = Sheet::new(&["provider_a", "provider_b", "at", "#low_ms", "#high_ms", "#estimate_ms", "#calls"]);
    for row in rows {
        sheet.rows.push(vec![
            Cell::text(Some(&row.provider_a)),
            Cell::text(Some(&row.provider_b)),
            Cell::Text(row.at.to_string()),
            Cell::float(row.low_ms),
            Cell::float(row.high_ms),
            Cell::float(row.estimate_ms),
            Cell::count(row.calls),
        ]);
    }
    tables::write(&sheet, Format::Csv)
}
