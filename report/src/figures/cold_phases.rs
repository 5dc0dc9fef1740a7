//! Execution time over the time since the start of load, with cold starts marked (`BeFaaS`, Fig. 16).

use faaslens_schemas::tables::PhasePoint;

use super::box_plot::thinned;
use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::canvas::paint::{Hatch, Marker, Style};
use crate::canvas::{Axis, Entry, Frame, Margins, Swatch};
use crate::input::RunTables;
use crate::options::{Palette, Scale};
use crate::tables::{self, Cell, Sheet};

pub(super) static FIGURE: Figure = Figure {
    name: "cold-phases",
    description: "Execution duration since the start of load, cold starts marked",
    method: "One point an invocation, at its start since the first request of the load generator. Cold: the first \
             invocation of an executor after its cold-start record. Points that would cover one another within 0.7 pt \
             are drawn once.",
    after: "BeFaaS, Fig. 16",
    needs: &["phases"],
    table: Some("cold_starts"),
    scope: Scope::Run,
    draw,
};

fn looks(palette: Palette) -> (Style, Style) {
    let warm = match palette {
        Palette::Colour => "#56b4e9",
        Palette::Grey => "#9a9a9a",
    };
    let cold = match palette {
        Palette::Colour => "#b03a00",
        Palette::Grey => "#000000",
    };
    let style = |colour, marker| Style { fill: colour, hatch: Hatch::None, line: colour, marker, dash: "" };
    (style(warm, Marker::Circle), style(cold, Marker::Triangle))
}

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let phases = &runs.first()?.phases;
    let usable = |point: &&PhasePoint| {
        point.duration_ms.is_finite() && point.since_load_s.is_finite() && point.since_load_s.abs() < 1e9
    };
    let points: Vec<&PhasePoint> = phases.iter().filter(usable).collect();
    if points.is_empty() {
        return None;
    }
    let (warm, cold) = looks(look.options.palette);
    let mut frame = Frame::new(look.options, BROAD);
    frame.legend(&[
        Entry { label: "warm".to_owned(), swatch: Swatch::Point(warm) },
        Entry { label: "cold start".to_owned(), swatch: Swatch::Point(cold) },
    ]);
    let height = 150.0;
    let y = Axis::fit(points.iter().map(|p| p.duration_ms), look.scale(Scale::Log), height, frame.spacing());
    let margins = Margins { left: frame.axis_room(&y), top: 0.0, right: frame.size, bottom: frame.bottom_room() };
    let plot = *frame.grid(1, 1, height, margins).first()?;
    let x = Axis::fit(points.iter().map(|p| p.since_load_s), Scale::Linear, plot.width(), frame.size * 5.0);
    frame.left_axis(plot, &y, "Execution duration (ms)");
    frame.bottom_axis(plot, &x, "Time since the start of load (s)", false);

    let places = |is_cold: bool| {
        let chosen = points.iter().filter(|p| (p.cold == Some(true)) == is_cold && !y.hides(p.duration_ms));
        let place = |p: &&PhasePoint| {
            (x.place(p.since_load_s, plot.left, plot.right), y.place(p.duration_ms, plot.bottom, plot.top))
        };
        thinned(chosen.map(place), 0.7)
    };
    let (warm_places, cold_places) = (places(false), places(true));
    frame.canvas.dots(&warm_places, 0.95, warm.fill);
    frame.canvas.markers(cold.marker, &cold_places, 1.9, cold.fill, None);

    let hidden = points.iter().filter(|p| y.hides(p.duration_ms)).count() + (phases.len() - points.len());
    let unknown = points.iter().filter(|p| p.cold.is_none()).count();
    let notes = [
        note(hidden, "value cannot be shown on the axes", "values cannot be shown on the axes"),
        note(
            unknown,
            "invocation of which it is unknown whether it was cold is drawn as warm",
            "invocations of which it is unknown whether they were cold are drawn as warm",
        ),
    ];
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Scatter plot, {} invocations", points.len())),
        csv: csv(phases),
        n: i64::try_from(points.len()).unwrap_or(i64::MAX),
        counted: "invocations",
        unit: "ms",
        complete: None,
        notes: notes.into_iter().flatten().collect(),
    })
}

/// Rows that are held as cells at a time: a run may have millions of invocations.
const CHUNK: usize = 10_000;

fn csv(points: &[PhasePoint]) -> String {
    let names = ["provider", "function", "#since_load_s", "#duration_ms", "cold", "#caller_ms"];
    let mut out = String::new();
    for (i, chunk) in points.chunks(CHUNK).enumerate() {
        let mut sheet = Sheet::new(&names);
        sheet.rows.extend(chunk.iter().map(|point| {
            vec![
                Cell::text(Some(&point.provider)),
                Cell::text(Some(&point.function)),
                Cell::Float(point.since_load_s),
                Cell::Float(point.duration_ms),
                point.cold.map_or(Cell::Null, Cell::Bool),
                Cell::float(point.caller_ms),
            ]
        }));
        out.push_str(&tables::write_csv(&sheet, i == 0));
    }
    out
}
