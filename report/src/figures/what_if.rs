//! What the median end-to-end time would fall by without a function's own time, its database time, or the network time of
//! its calls.

use faaslens_schemas::tables::Contribution;

use super::{CATEGORY_LIMIT, Drawing, Figure, Look, NARROW, Scope, note};
use crate::canvas::paint::{INK, Style, style};
use crate::canvas::{Anchor, Axis, Entry, Frame, Margins, Rect, Stroke, Swatch, Type, font};
use crate::escape;
use crate::input::RunTables;
use crate::options::{Options, Order, Palette, Scale};
use crate::tables::{self, Cell, Format, Sheet};

pub(super) static FIGURE: Figure = Figure {
    name: "what-if",
    description: "What the median duration of a context would fall by without one function's time",
    method: "From the duration of each complete context's root, what the function has of the critical path is taken away: its own \
             time (compute and database), its database time alone, or the network time of the calls of it; the bar is the median over all complete contexts less the median \
             of what is left. The critical path itself is kept, so where a parallel branch would become critical the real \
             fall is smaller. Greatest fall first; functions without any fall are left out.",
    after: "Coz (Curtsinger & Berger 2015), in the question it asks",
    needs: &["contributions"],
    table: Some("contributions"),
    scope: Scope::Run,
    draw,
};

/// What is taken away: category, legend text, place of its colour in the palette.
const REMOVED: [(&str, &str, usize); 3] =
    [("own", "own time", 1), ("db", "database alone", 3), ("network", "network of its calls", 0)];

/// The bars of one function.
struct Bars<'a> {
    label: String,
    function: &'a str,
    rows: [Option<&'a Contribution>; REMOVED.len()],
}

impl Bars<'_> {
    /// Fall by what is taken away, where there is any.
    fn fall(&self, removed: usize) -> Option<f64> {
        self.rows[removed]?.root_fall_ms.filter(|fall| fall.is_finite() && *fall > 0.0 && *fall < 1e15)
    }

    fn greatest(&self) -> f64 {
        (0..REMOVED.len()).filter_map(|removed| self.fall(removed)).fold(0.0, f64::max)
    }
}

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let rows = &runs.first()?.contributions;
    let (bars, left_out) = bars(rows, &look.options.order);
    let first = bars.first()?.rows.iter().flatten().next()?;
    let mut frame = Frame::new(look.options, NARROW);
    let used = (0..REMOVED.len()).filter(|&removed| bars.iter().any(|bars| bars.fall(removed).is_some()));
    let entry = |removed: usize| Entry {
        label: REMOVED[removed].1.to_owned(),
        swatch: Swatch::Fill(fill(removed, look.options)),
    };
    frame.legend(&used.map(entry).collect::<Vec<_>>());
    draw_bars(&mut frame, look, &bars);
    let contexts_out = usize::try_from(first.left_out).unwrap_or(0);
    let notes = [
        note(left_out, "function with a smaller fall is left out", "functions with smaller falls are left out"),
        note(contexts_out, "context with missing parts is left out", "contexts with missing parts are left out"),
    ];
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Bars, {} functions", bars.len())),
        csv: csv(&bars),
        n: first.traces,
        counted: "contexts",
        unit: "ms",
        complete: Some(first.complete),
        notes: notes.into_iter().flatten().collect(),
    })
}

/// Functions over all contexts with a fall, greatest first, and how many of them are left out.
fn bars<'a>(rows: &'a [Contribution], order: &Order) -> (Vec<Bars<'a>>, usize) {
    let mut by_function: std::collections::BTreeMap<(&str, &str), Bars> = std::collections::BTreeMap::new();
    for row in rows.iter().filter(|row| &*row.scope == "overall") {
        let Some(removed) = REMOVED.iter().position(|(category, ..)| *category == &*row.category) else { continue };
        let bars = by_function.entry((&row.function, &row.provider)).or_insert_with(|| Bars {
            label: format!("{} ({})", &*row.function, &*row.provider),
            function: &row.function,
            rows: [None; REMOVED.len()],
        });
        bars.rows[removed] = Some(row);
    }
    let mut bars: Vec<Bars> = by_function.into_values().filter(|bars| bars.greatest() > 0.0).collect();
    bars.sort_by(|a, b| b.greatest().total_cmp(&a.greatest()));
    let left_out = bars.len().saturating_sub(CATEGORY_LIMIT);
    bars.truncate(CATEGORY_LIMIT);
    bars.sort_by_key(|bars| order.rank(&[&bars.label, bars.function]));
    (bars, left_out)
}

fn fill(removed: usize, options: &Options) -> Style {
    let (.., place) = REMOVED[removed];
    style(options.palette, place)
}

fn draw_bars(frame: &mut Frame, look: &Look, bars: &[Bars]) {
    let size = frame.size;
    let (pitch, thickness) = (size * 2.6, size * 0.7);
    let labels: Vec<String> =
        bars.iter().map(|bars| font::shorten(&escape::visible(&bars.label), size, size * 13.0)).collect();
    let room = labels.iter().map(|label| font::width(label, size)).fold(0.0, f64::max) + size * 0.9;
    let margins = Margins { left: room, top: 0.0, right: size, bottom: frame.bottom_room() };
    let plots = frame.grid(1, 1, pitch * bars.len() as f64 + size * 0.4, margins);
    let Some(&plot) = plots.first() else { return };
    // Bars must begin at 0, so the axis is linear whatever the options say.
    let axis = Axis::fit(bars.iter().map(Bars::greatest), Scale::Linear, plot.width(), size * 4.5);
    frame.bottom_axis(plot, &axis, "Fall of the median duration (ms)", true);
    for (i, (bars, label)) in bars.iter().zip(&labels).enumerate() {
        let middle = plot.top + size * 0.2 + pitch * (i as f64 + 0.5);
        frame.canvas.text((plot.left - size * 0.5, middle + size * 0.35), label, Type::new(size, Anchor::End));
        for removed in 0..REMOVED.len() {
            let Some(fall) = bars.fall(removed) else { continue };
            let top = middle + thickness * (removed as f64 - REMOVED.len() as f64 / 2.0);
            let right = axis.place(fall, plot.left, plot.right);
            let rect = Rect { left: plot.left, top, right, bottom: top + thickness };
            let edge = match look.options.palette {
                Palette::Colour => None,
                Palette::Grey => Some(Stroke::new(0.4, INK)),
            };
            frame.canvas.rect(rect, fill(removed, look.options), edge);
        }
    }
    frame.spines(plot);
}

fn csv(bars: &[Bars]) -> String {
    let mut sheet = Sheet::new(&[
        "provider",
        "function",
        "removed",
        "#n",
        "#contexts",
        "#left_out",
        "#median_ms",
        "#fall_ms",
        "#client_median_ms",
        "#client_fall_ms",
    ]);
    for row in bars.iter().flat_map(|bars| bars.rows.into_iter().flatten()) {
        sheet.rows.push(vec![
            Cell::text(Some(&row.provider)),
            Cell::text(Some(&row.function)),
            Cell::text(Some(&row.category)),
            Cell::count(row.n),
            Cell::count(row.traces),
            Cell::count(row.left_out),
            Cell::float(row.root_median_ms),
            Cell::float(row.root_fall_ms),
            Cell::float(row.client_median_ms),
            Cell::float(row.client_fall_ms),
        ]);
    }
    tables::write(&sheet, Format::Csv)
}
