//! Elapsed times of chains of functions (`BenchFaaS`, Fig. 5).

use std::collections::BTreeMap;

use faaslens_schemas::tables::TransactionTime;

use super::box_plot::thinned;
use super::throughput::network_key;
use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::canvas::paint::{INK, style};
use crate::canvas::{Axis, Entry, Frame, Labels, Margins, Rect, Stroke, Swatch};
use crate::input::RunTables;
use crate::options::Scale;
use crate::tables::{self, Cell, Format, Sheet, table_one};

pub(super) static FIGURE: Figure = Figure {
    name: "chains",
    description: "Elapsed time of chains of functions",
    method: "One point a successful chain: the transaction of a chain driven by the client, the only request of one \
             driven by the functions. The bar is the median (Hyndman and Fan type 7). Points are spread sideways to be \
             seen, by their order in time.",
    after: "BenchFaaS, Fig. 5",
    needs: &["chains"],
    table: None,
    scope: Scope::Pooled,
    draw,
};

/// Strips by network and hardware.
type Strips<'a> = BTreeMap<((usize, &'a str), &'a str), Vec<&'a TransactionTime>>;
/// Panels by chaining and length.
type Panels<'a> = BTreeMap<(&'a str, (u64, &'a str)), Strips<'a>>;

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let all: Vec<&TransactionTime> = runs.iter().flat_map(|run| &run.chains).collect();
    let usable = |chain: &&&TransactionTime| {
        chain.success != Some(false) && chain.elapsed_ms.is_finite() && (0.0..1e15).contains(&chain.elapsed_ms)
    };
    let mut panels: Panels = BTreeMap::new();
    for chain in all.iter().filter(usable) {
        let length = chain.parameter.as_deref().unwrap_or_default();
        let panel = panels.entry((&chain.chaining, (table_one::magnitude(length), length))).or_default();
        let strip =
            (network_key(&look.options.order, chain.network.as_deref()), chain.hardware.as_deref().unwrap_or_default());
        panel.entry(strip).or_default().push(chain);
    }
    if panels.is_empty() {
        return None;
    }
    for strip in panels.values_mut().flat_map(BTreeMap::values_mut) {
        strip.sort_by(|a, b| a.start.cmp(&b.start).then(a.elapsed_ms.total_cmp(&b.elapsed_ms)));
    }
    let mut hardware: Vec<&str> = panels.values().flat_map(BTreeMap::keys).map(|strip| strip.1).collect();
    hardware.sort_unstable();
    hardware.dedup();
    let mut frame = Frame::new(look.options, BROAD);
    if hardware.len() > 1 {
        let entry = |(i, name): (usize, &&str)| Entry {
            label: (*name).to_owned(),
            swatch: Swatch::Point(style(look.options.palette, i + 1)),
        };
        frame.legend(&hardware.iter().enumerate().map(entry).collect::<Vec<_>>());
    }
    draw_panels(&mut frame, look, &panels, &hardware);
    let drawn: usize = panels.values().flat_map(BTreeMap::values).map(Vec::len).sum();
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Strip plot, {drawn} chains")),
        csv: csv(&panels),
        n: i64::try_from(drawn).unwrap_or(i64::MAX),
        counted: "chains",
        unit: "ms",
        complete: None,
        notes: note(all.len() - drawn, "failed chain is left out", "failed chains are left out").into_iter().collect(),
    })
}

fn draw_panels(frame: &mut Frame, look: &Look, panels: &Panels, hardware: &[&str]) {
    let height = 120.0;
    let values = |strips: &Strips| strips.values().flatten().map(|chain| chain.elapsed_ms).collect::<Vec<_>>();
    let axes: Vec<Axis> = panels
        .values()
        .map(|strips| Axis::fit(values(strips).into_iter(), look.scale(Scale::Linear), height, frame.spacing() * 1.5))
        .collect();
    let left = axes.iter().map(|axis| frame.axis_room(axis)).fold(0.0, f64::max);
    let margins = Margins { left, top: frame.size * 2.0, right: 0.0, bottom: frame.size * 2.2 };
    let columns = if frame.width() > 330.0 { 2 } else { 1 };
    let plots = frame.grid(panels.len(), columns, height, margins);
    for ((((chaining, (_, length)), strips), axis), plot) in panels.iter().zip(&axes).zip(plots) {
        frame.left_axis(plot, axis, "Elapsed time (ms)");
        let heading = if length.is_empty() {
            format!("chained at the {chaining}")
        } else {
            format!("chained at the {chaining}, length {length}")
        };
        frame.heading(plot, &heading);
        draw_strips(frame, look, (plot, axis), strips, hardware);
        frame.spines(plot);
    }
}

fn draw_strips(frame: &mut Frame, look: &Look, (plot, axis): (Rect, &Axis), strips: &Strips, hardware: &[&str]) {
    let mut networks: Vec<(usize, &str)> = strips.keys().map(|strip| strip.0).collect();
    networks.dedup();
    let slot = plot.width() / networks.len() as f64;
    let pitch = slot * 0.86 / hardware.len() as f64;
    for ((network, name), chains) in strips {
        let group = networks.iter().position(|known| known == network).unwrap_or(0) as f64;
        let within = hardware.iter().position(|known| known == name).unwrap_or(0);
        let centre = plot.left + slot * (group + 0.5) + pitch * (within as f64 - (hardware.len() as f64 - 1.0) / 2.0);
        let style = style(look.options.palette, within + 1);
        let half = (pitch * 0.36).min(16.0);
        // Multiples of the golden ratio spread evenly however many points there are.
        let spread = |i: usize| ((i as f64 * 0.618_033_988_749_895).fract() - 0.5) * 2.0 * half;
        let points = chains
            .iter()
            .enumerate()
            .filter(|(_, chain)| !axis.hides(chain.elapsed_ms))
            .map(|(i, chain)| (centre + spread(i), axis.place(chain.elapsed_ms, plot.bottom, plot.top)));
        let points = thinned(points, 0.4);
        frame.canvas.markers(style.marker, &points, 0.95, "none", Some(Stroke::new(0.45, style.line)));
        let median = axis.place(median(chains), plot.bottom, plot.top);
        let reach = half + 1.5;
        frame.canvas.line((centre - reach, median), (centre + reach, median), Stroke::new(1.3, INK));
    }
    let labels: Vec<&str> = networks.iter().map(|network| network.1).collect();
    let labels = Labels::fit(&labels, &vec![slot; labels.len()], frame.size);
    let centres: Vec<f64> = (0..networks.len()).map(|i| plot.left + slot * (i as f64 + 0.5)).collect();
    frame.categories(plot, &labels, &centres);
}

/// Median of the elapsed times; a strip is never empty.
fn median(chains: &[&TransactionTime]) -> f64 {
    let mut sorted: Vec<f64> = chains.iter().map(|chain| chain.elapsed_ms).collect();
    sorted.sort_by(f64::total_cmp);
    super::throughput::middle(&sorted)
}

fn csv(panels: &Panels) -> String {
    let mut sheet = Sheet::new(&["chaining", "length", "hardware", "network", "start", "#elapsed_ms"]);
    for ((chaining, (_, length)), strips) in panels {
        for (((_, network), hardware), chains) in strips {
            for chain in chains {
                sheet.rows.push(vec![
                    Cell::text(Some(chaining)),
                    Cell::text(Some(length)),
                    Cell::text(Some(hardware)),
                    Cell::text(Some(network)),
                    Cell::Text(chain.start.to_string()),
                    Cell::Float(chain.elapsed_ms),
                ]);
            }
        }
    }
    tables::write(&sheet, Format::Csv)
}
