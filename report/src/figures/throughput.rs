//! Successful requests a second by threads (`BenchFaaS`, Fig. 4).

use std::collections::BTreeMap;

use faaslens_schemas::tables::Throughput;

use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::canvas::paint::{INK, style};
use crate::canvas::{Axis, Entry, Frame, Margins, Rect, Stroke, Swatch};
use crate::input::RunTables;
use crate::options::{Order, Scale};
use crate::tables::{self, Cell, Format, Sheet};

pub(super) static FIGURE: Figure = Figure {
    name: "throughput",
    description: "Throughput by threads",
    method: "Successful requests of a run divided by the time from its first start to its last end, by the greatest number of threads active; transactions are \
             left out, for they count their requests again. Several runs of one configuration give their median, and a \
             bar from the least to the greatest. Tests with a single number of threads are not drawn.",
    after: "BenchFaaS, Fig. 4",
    needs: &["throughput"],
    table: Some("throughput"),
    scope: Scope::Pooled,
    draw,
};

/// Networks in the order of the published figures; others follow by name.
const NETWORKS: [&str; 5] = ["lcl", "cld", "bad", "typ", "opt"];

type Point = (i64, Vec<f64>);
/// Lines by network within a panel.
type Lines<'a> = BTreeMap<(usize, &'a str), Vec<Point>>;
/// Panels by test and hardware.
type Panels<'a> = BTreeMap<(&'a str, &'a str), Lines<'a>>;

/// Orders networks as listed, else as published, and keeps unknown ones by name.
pub(super) fn network_key<'a>(order: &Order, network: Option<&'a str>) -> (usize, &'a str) {
    let network = network.unwrap_or("any network");
    let published = NETWORKS.iter().position(|known| *known == network).unwrap_or(NETWORKS.len());
    (order.rank(&[network]) * (NETWORKS.len() + 1) + published, network)
}

/// Threads of a run: the greatest number seen, else its parameter where that is a number.
///
/// The parameter alone will not do: of a chain it is the length.
fn threads_of(row: &Throughput) -> Option<i64> {
    row.threads.or_else(|| row.parameter.as_deref()?.parse().ok())
}

fn panels<'a>(rows: &[&'a Throughput], order: &Order) -> Panels<'a> {
    let mut panels: Panels = BTreeMap::new();
    for row in rows {
        let Some((threads, value)) = threads_of(row).zip(row.ok_per_s.filter(|v| v.is_finite() && *v < 1e12)) else {
            continue;
        };
        let panel = (row.test.as_deref().unwrap_or("load"), row.hardware.as_deref().unwrap_or_default());
        let line = panels.entry(panel).or_default().entry(network_key(order, row.network.as_deref())).or_default();
        match line.iter_mut().find(|(known, _)| *known == threads) {
            Some((_, values)) => values.push(value),
            None => line.push((threads, vec![value])),
        }
    }
    for line in panels.values_mut().flat_map(BTreeMap::values_mut) {
        line.sort_by_key(|point| point.0);
        for (_, values) in line {
            values.sort_by(f64::total_cmp);
        }
    }
    panels.retain(|_, lines| lines.values().any(|line| line.len() > 1));
    panels
}

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let rows: Vec<&Throughput> = runs.iter().flat_map(|run| &run.throughput).collect();
    let panels = panels(&rows, &look.options.order);
    if panels.is_empty() {
        return None;
    }
    let mut networks: Vec<(usize, &str)> = panels.values().flat_map(|lines| lines.keys().copied()).collect();
    networks.sort_unstable();
    networks.dedup();
    let mut frame = Frame::new(look.options, BROAD);
    let entry = |(i, network): (usize, &(usize, &str))| Entry {
        label: network.1.to_owned(),
        swatch: Swatch::Line(style(look.options.palette, i)),
    };
    frame.legend(&networks.iter().enumerate().map(entry).collect::<Vec<_>>());
    draw_panels(&mut frame, look, &panels, &networks);

    let drawn: usize = panels.values().flat_map(BTreeMap::values).flatten().map(|(_, values)| values.len()).sum();
    let left_out = rows.len() - drawn;
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Line plot, {} panels", panels.len())),
        csv: csv(&panels),
        n: i64::try_from(drawn).unwrap_or(i64::MAX),
        counted: "runs",
        unit: "successful requests a second",
        complete: None,
        notes: note(
            left_out,
            "run of a test with a single number of threads is not drawn",
            "runs of tests with a single number of threads are not drawn",
        )
        .into_iter()
        .collect(),
    })
}

fn draw_panels(frame: &mut Frame, look: &Look, panels: &Panels, networks: &[(usize, &str)]) {
    let height = 120.0;
    let values = |lines: &Lines| lines.values().flatten().flat_map(|(_, values)| values.clone()).collect::<Vec<_>>();
    let axes: Vec<Axis> = panels
        .values()
        .map(|lines| Axis::fit(values(lines).into_iter(), Scale::Linear, height, frame.spacing() * 1.5))
        .collect();
    let left = axes.iter().map(|axis| frame.axis_room(axis)).fold(0.0, f64::max);
    let margins = Margins {
        left,
        top: frame.size * 2.0,
        right: frame.size * 0.8,
        bottom: frame.bottom_room() + frame.size * 0.5,
    };
    let columns = if frame.width() > 330.0 { 3 } else { 1 };
    let plots = frame.grid(panels.len(), columns.min(panels.len()), height, margins);
    for ((((test, hardware), lines), y), plot) in panels.iter().zip(&axes).zip(plots) {
        let threads = lines.values().flatten().map(|(threads, _)| *threads as f64);
        let x = Axis::fit(threads, Scale::Linear, plot.width(), frame.size * 2.0);
        frame.left_axis(plot, y, "Successful requests (1/s)");
        frame.bottom_axis(plot, &x, "Threads", false);
        frame.heading(plot, format!("{test} {hardware}").trim());
        for (network, line) in lines {
            let place = networks.iter().position(|known| known == network).unwrap_or(0);
            draw_line(frame, look, (plot, &x, y), line, place);
        }
    }
}

fn draw_line(frame: &mut Frame, look: &Look, (plot, x, y): (Rect, &Axis, &Axis), line: &[Point], place: usize) {
    let style = style(look.options.palette, place);
    let at = |threads: i64, value: f64| {
        (x.place(threads as f64, plot.left, plot.right), y.place(value, plot.bottom, plot.top))
    };
    let points: Vec<(f64, f64)> = line.iter().map(|(threads, values)| at(*threads, middle(values))).collect();
    let spans = line.iter().filter(|(_, values)| values.len() > 1);
    let spans: Vec<Vec<(f64, f64)>> = spans
        .map(|(threads, values)| {
            [values.first(), values.last()].into_iter().flatten().map(|value| at(*threads, *value)).collect()
        })
        .collect();
    frame.canvas.path(&spans, Stroke::new(0.5, INK));
    frame.canvas.path(std::slice::from_ref(&points), Stroke { width: 1.1, colour: style.line, dash: style.dash });
    frame.canvas.markers(style.marker, &points, 2.1, style.line, Some(Stroke::new(0.5, "#ffffff")));
}

/// Median of sorted values; of an even number the mean of the two in the middle.
pub(super) fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(half), half.checked_sub(1).and_then(|i| sorted.get(i))) {
        (1, Some(value), _) => *value,
        (_, Some(upper), Some(lower)) => f64::midpoint(*lower, *upper),
        _ => f64::NAN,
    }
}

fn csv(panels: &Panels) -> String {
    let mut sheet = Sheet::new(&[
        "test",
        "hardware",
        "network",
        "#threads",
        "#runs",
        "#median_ok_per_s",
        "#min_ok_per_s",
        "#max_ok_per_s",
    ]);
    for ((test, hardware), lines) in panels {
        for ((_, network), line) in lines {
            for (threads, values) in line {
                sheet.rows.push(vec![
                    Cell::text(Some(test)),
                    Cell::text(Some(hardware)),
                    Cell::text(Some(network)),
                    Cell::count(*threads),
                    Cell::Digits(values.len().to_string()),
                    Cell::Float(middle(values)),
                    Cell::float(values.first().copied()),
                    Cell::float(values.last().copied()),
                ]);
            }
        }
    }
    tables::write(&sheet, Format::Csv)
}
