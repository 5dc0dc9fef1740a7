//! Medians of each measure over many runs, with their intervals and where a new level begins.

use faaslens_schemas::tables::Trend;

use super::{AnswerFigure, BROAD, Drawing, Look, note};
use crate::answers::Answer;
use crate::canvas::paint::{INK, style};
use crate::canvas::{Axis, Frame, Labels, Margins, Rect, Stroke};
use crate::options::Scale;
use crate::tables::{self, Cell, Format, Sheet};

pub(super) static FIGURE: AnswerFigure = AnswerFigure {
    name: "history",
    description: "Medians over the history",
    method: "Median of each measure at each point with its 95 % interval (block bootstrap within a run, hierarchical over \
             runs). A dashed line stands where a new level begins (E-divisive on the medians of the runs, p at most 0.01). Measures \
             with such a change first, then those with most values.",
    draw,
};

/// Panels that one figure holds at most.
const PANEL_LIMIT: usize = 12;

/// Points whose names are written below each panel; of more, their positions are.
const NAME_LIMIT: usize = 12;

/// The points of one measure.
type Panel<'a> = Vec<&'a Trend>;

fn panels(rows: &[Trend]) -> Vec<Panel<'_>> {
    let mut panels: Vec<Panel<'_>> = Vec::new();
    let same = |a: &Trend, b: &Trend| (&a.measure, &a.name, &a.provider) == (&b.measure, &b.name, &b.provider);
    let sound = |row: &&Trend| row.median_ms.is_some_and(|median| median.is_finite() && median.abs() < 1e15);
    for row in rows.iter().filter(sound) {
        match panels.last_mut().filter(|panel| panel.first().is_some_and(|first| same(first, row))) {
            Some(panel) => panel.push(row),
            None => panels.push(vec![row]),
        }
    }
    let rank = |panel: &Panel<'_>| {
        let changes = panel.iter().any(|row| row.change);
        (!changes, std::cmp::Reverse(panel.iter().map(|row| row.n).sum::<i64>()))
    };
    panels.sort_by_key(rank);
    panels
}

fn draw(answer: &Answer<'_>, look: &Look) -> Option<Drawing> {
    let Answer::Trend(rows) = answer else { return None };
    let mut panels = panels(rows);
    let left_out = panels.len().saturating_sub(PANEL_LIMIT);
    panels.truncate(PANEL_LIMIT);
    if panels.is_empty() {
        return None;
    }
    let mut frame = Frame::new(look.options, BROAD);
    draw_panels(&mut frame, look, &panels, &names(rows));
    let drawn = panels.iter().flatten();
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Line plots, {} panels", panels.len())),
        csv: csv(&panels),
        n: drawn.clone().map(|row| row.n).sum(),
        counted: "values",
        unit: "ms",
        complete: Some(drawn.clone().all(|row| row.complete)),
        notes: note(left_out, "measure is in the table only", "measures are in the table only").into_iter().collect(),
    })
}

/// Names of the points in their order; positions where there are many.
fn names(rows: &[Trend]) -> Vec<String> {
    let last = rows.iter().map(|row| row.position).max().unwrap_or(0);
    let name = |position: i64| {
        let named = rows.iter().find(|row| row.position == position).map(|row| row.point.to_string());
        named.unwrap_or_else(|| position.to_string())
    };
    if usize::try_from(last).is_ok_and(|last| last <= NAME_LIMIT) { (1..=last).map(name).collect() } else { Vec::new() }
}

fn draw_panels(frame: &mut Frame, look: &Look, panels: &[Panel<'_>], names: &[String]) {
    let height = 90.0;
    let ends = |row: &&Trend| [row.median_ms, row.low_ms, row.high_ms].into_iter().flatten().collect::<Vec<_>>();
    let axis = |panel: &Panel<'_>| {
        let values = panel.iter().flat_map(ends);
        Axis::fit(values, look.scale(Scale::Linear), height, frame.spacing() * 1.5)
    };
    let axes: Vec<Axis> = panels.iter().map(axis).collect();
    let room = axes.iter().map(|axis| frame.axis_room(axis)).fold(0.0, f64::max);
    let columns = if frame.width() > 330.0 { 2 } else { 1 }.min(panels.len());
    let slot = (frame.width() / columns as f64 - room - frame.size * 2.0) / names.len().max(1) as f64;
    let texts: Vec<&str> = names.iter().map(String::as_str).collect();
    let labels = Labels::fit(&texts, &vec![slot; texts.len()], frame.size);
    let bottom = if names.is_empty() { frame.bottom_room() } else { labels.height };
    let margins = Margins {
        left: room.max(labels.overhang),
        top: frame.size * 2.0,
        right: frame.size * 0.8,
        bottom: bottom + 4.0,
    };
    let plots = frame.grid(panels.len(), columns, height, margins);
    let last = panels.iter().flatten().map(|row| row.position).max().unwrap_or(1);
    for ((panel, y), plot) in panels.iter().zip(&axes).zip(plots) {
        frame.left_axis(plot, y, "Median (ms)");
        let pitch = plot.width() / last as f64;
        let x = |position: i64| plot.left + pitch * (position as f64 - 0.5);
        if names.is_empty() {
            let positions = Axis::fit([0.5, last as f64].into_iter(), Scale::Linear, plot.width(), frame.size * 3.0);
            frame.bottom_axis(plot, &positions, "Position in the history", false);
            draw_series(frame, look, (plot, y), panel, &|position| {
                positions.place(position as f64, plot.left, plot.right)
            });
        } else {
            let centres: Vec<f64> = (1..=last).map(x).collect();
            frame.categories(plot, &labels, &centres);
            draw_series(frame, look, (plot, y), panel, &x);
        }
        if let Some(first) = panel.first() {
            frame.heading(plot, &format!("{}: {}", &*first.measure, &*first.name));
        }
    }
}

fn draw_series(frame: &mut Frame, look: &Look, (plot, y): (Rect, &Axis), panel: &Panel<'_>, x: &dyn Fn(i64) -> f64) {
    let style = style(look.options.palette, 1);
    let at = |value: f64| y.place(value, plot.bottom, plot.top);
    let changes = panel.iter().filter(|row| row.change).map(|row| {
        let before = f64::midpoint(x(row.position - 1), x(row.position)).max(plot.left);
        vec![(before, plot.top), (before, plot.bottom)]
    });
    let changes: Vec<_> = changes.collect();
    frame.canvas.path(&changes, Stroke { width: 0.8, colour: INK, dash: "3 2" });
    let points: Vec<(f64, f64)> = panel.iter().filter_map(|row| Some((x(row.position), at(row.median_ms?)))).collect();
    let bars = panel.iter().filter_map(|row| {
        let (low, high) = row.low_ms.zip(row.high_ms)?;
        Some(vec![(x(row.position), at(low)), (x(row.position), at(high))])
    });
    let bars: Vec<_> = bars.collect();
    frame.canvas.path(&bars, Stroke::new(0.8, style.line));
    frame.canvas.path(std::slice::from_ref(&points), Stroke::new(1.0, style.line));
    frame.canvas.markers(style.marker, &points, 2.0, style.line, Some(Stroke::new(0.5, "#ffffff")));
}

fn csv(panels: &[Panel<'_>]) -> String {
    let mut sheet = Sheet::new(&[
        "measure",
        "name",
        "provider",
        "#position",
        "point",
        "#median_ms",
        "#low_ms",
        "#high_ms",
        "change",
    ]);
    for row in panels.iter().flatten() {
        sheet.rows.push(vec![
            Cell::text(Some(&row.measure)),
            Cell::text(Some(&row.name)),
            Cell::text(row.provider.as_deref()),
            Cell::count(row.position),
            Cell::text(Some(&row.point)),
            Cell::float(row.median_ms),
            Cell::float(row.low_ms),
            Cell::float(row.high_ms),
            Cell::Bool(row.change),
        ]);
    }
    tables::write(&sheet, Format::Csv)
}
