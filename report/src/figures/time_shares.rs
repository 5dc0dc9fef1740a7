//! Where the time goes, by entry route and overall (`BeFaaS`, Figs. 10 and 12).

use faaslens_schemas::tables::Share;

use super::{CATEGORY_LIMIT, Drawing, Figure, Look, NARROW, Scope, note};
use crate::canvas::paint::{Hatch, INK, Style, style};
use crate::canvas::{Anchor, Axis, Entry, Frame, Margins, Rect, Stroke, Swatch, Type, font};
use crate::input::RunTables;
use crate::options::{Options, Order, Palette, Scale};
use crate::tables::{self, Cell, Format, Sheet};
use crate::{escape, number};

pub(super) static FIGURE: Figure = Figure {
    name: "time-shares",
    description: "Where the time goes, by entry route and overall",
    method: "The elapsed time of each context's root invocation is divided along its critical path so that every instant \
             belongs to one category and the categories add up (method `wall`); bars show the mean over contexts, \
             percentages are of the bar. Contexts with missing parts are left out. Time outside the root's duration \
             (client network, trigger) and the division as published (method `befaas`) stand in the table.",
    after: "BeFaaS, Figs. 10 and 12",
    needs: &["shares"],
    table: Some("shares"),
    scope: Scope::Run,
    draw,
};

/// Categories that the root's duration divides into, in the order they are stacked: legend text, colour, hatch.
const CATEGORIES: [(&str, &str, &str, Hatch); 4] = [
    ("compute", "compute", "#0072b2", Hatch::None),
    ("network", "network", "#e69f00", Hatch::None),
    ("db", "database", "#f0e442", Hatch::None),
    ("cold", "cold start", "#d55e00", Hatch::Rising),
];

/// One bar.
struct Bar<'a> {
    label: String,
    scope: &'a str,
    n: i64,
    left_out: i64,
    /// Mean by category, in the order of [`CATEGORIES`]; none where the category does not occur.
    segments: Vec<Option<&'a Share>>,
}

impl Bar<'_> {
    fn total(&self) -> f64 {
        self.segments.iter().flatten().filter_map(|share| mean(share)).sum()
    }
}

fn mean(share: &Share) -> Option<f64> {
    share.mean_ms.filter(|mean| mean.is_finite() && *mean > 0.0 && *mean < 1e15)
}

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let (bars, left_out) = bars(&runs.first()?.shares, &look.options.order);
    if bars.is_empty() {
        return None;
    }
    let mut frame = Frame::new(look.options, NARROW);
    let used: Vec<usize> =
        (0..CATEGORIES.len()).filter(|&i| bars.iter().any(|bar| bar.segments[i].and_then(mean).is_some())).collect();
    let entry = |&i: &usize| Entry { label: CATEGORIES[i].1.to_owned(), swatch: Swatch::Fill(fill(i, look.options)) };
    frame.legend(&used.iter().map(entry).collect::<Vec<_>>());
    draw_bars(&mut frame, look, &bars);

    let contexts_out = bars.iter().map(|bar| bar.left_out).max().unwrap_or(0);
    let contexts_out = usize::try_from(contexts_out).unwrap_or(0);
    let notes = [
        note(left_out, "route with the fewest contexts is left out", "routes with the fewest contexts are left out"),
        note(contexts_out, "context with missing parts is left out", "contexts with missing parts are left out"),
    ];
    let drawn = bars.iter().flat_map(|bar| bar.segments.iter().flatten().copied());
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Stacked bars, {} bars", bars.len())),
        csv: csv(drawn.clone()),
        n: bars.iter().find(|bar| bar.scope == "overall").map_or_else(|| bars.iter().map(|b| b.n).sum(), |bar| bar.n),
        counted: "contexts",
        unit: "ms",
        complete: Some(drawn.clone().all(|share| share.complete) && contexts_out == 0),
        notes: notes.into_iter().flatten().collect(),
    })
}

/// Bars of the wall method: overall, then routes, then function sets.
fn bars<'a>(shares: &'a [Share], order: &Order) -> (Vec<Bar<'a>>, usize) {
    let mut by_name: std::collections::BTreeMap<(usize, &str), Bar> = std::collections::BTreeMap::new();
    for share in shares.iter().filter(|share| &*share.method == "wall") {
        let Some(rank) = ["overall", "route", "set"].iter().position(|scope| *scope == &*share.scope) else { continue };
        let Some(category) = CATEGORIES.iter().position(|(name, ..)| *name == &*share.category) else { continue };
        let bar = by_name.entry((rank, &share.name)).or_insert_with(|| Bar {
            label: if rank == 0 { "overall".to_owned() } else { share.name.to_string() },
            scope: &share.scope,
            n: share.n,
            left_out: share.left_out,
            segments: vec![None; CATEGORIES.len()],
        });
        bar.segments[category] = Some(share);
    }
    let mut bars: Vec<Bar> = by_name.into_values().filter(|bar| bar.total() > 0.0).collect();
    let left_out = bars.len().saturating_sub(CATEGORY_LIMIT);
    if left_out > 0 {
        bars.sort_by_key(|bar| (bar.scope != "overall", std::cmp::Reverse(bar.n)));
        bars.truncate(CATEGORY_LIMIT);
        bars.sort_by(|a, b| (a.scope != "overall", &a.label).cmp(&(b.scope != "overall", &b.label)));
    }
    match order {
        Order::Name => {}
        Order::Median => bars
            .sort_by(|a, b| (a.scope != "overall").cmp(&(b.scope != "overall")).then(a.total().total_cmp(&b.total()))),
        Order::Listed(_) => bars.sort_by_key(|bar| order.rank(&[&bar.label])),
    }
    (bars, left_out)
}

fn fill(category: usize, options: &Options) -> Style {
    let (.., colour, hatch) = CATEGORIES[category];
    match options.palette {
        Palette::Colour => Style { fill: colour, hatch, ..style(Palette::Colour, category) },
        // Dark, middle, light: the order of the grey palette's first places, then hatches.
        Palette::Grey => style(Palette::Grey, [1, 0, 3, 4][category]),
    }
}

fn draw_bars(frame: &mut Frame, look: &Look, bars: &[Bar]) {
    let size = frame.size;
    let pitch = size * 2.1;
    let labels: Vec<String> =
        bars.iter().map(|bar| font::shorten(&escape::visible(&bar.label), size, size * 13.0)).collect();
    let room = labels.iter().map(|label| font::width(label, size)).fold(0.0, f64::max) + size * 0.9;
    let margins = Margins { left: room, top: 0.0, right: size, bottom: frame.bottom_room() };
    let plots = frame.grid(1, 1, pitch * bars.len() as f64 + size * 0.4, margins);
    let Some(&plot) = plots.first() else { return };
    // Bars must begin at 0, so the axis is linear whatever the options say.
    let axis = Axis::fit(bars.iter().map(Bar::total), Scale::Linear, plot.width(), size * 4.5);
    frame.bottom_axis(plot, &axis, "Mean time per context (ms)", true);
    for (i, (bar, label)) in bars.iter().zip(&labels).enumerate() {
        let middle = plot.top + size * 0.2 + pitch * (i as f64 + 0.5);
        frame.canvas.text((plot.left - size * 0.5, middle + size * 0.35), label, Type::new(size, Anchor::End));
        draw_bar(frame, look, (plot, &axis), bar, middle);
    }
    frame.spines(plot);
}

fn draw_bar(frame: &mut Frame, look: &Look, (plot, axis): (Rect, &Axis), bar: &Bar, middle: f64) {
    let half = frame.size * 0.75;
    let total = bar.total();
    let mut sum = 0.0;
    for (category, share) in bar.segments.iter().enumerate() {
        let Some(value) = share.and_then(mean) else { continue };
        let left = axis.place(sum, plot.left, plot.right);
        let right = axis.place(sum + value, plot.left, plot.right);
        sum += value;
        let style = fill(category, look.options);
        let rect = Rect { left, top: middle - half, right, bottom: middle + half };
        let edge = match look.options.palette {
            Palette::Colour => Stroke::new(0.5, "#ffffff"),
            Palette::Grey => Stroke::new(0.4, INK),
        };
        let edge = (rect.width() > 1.0).then_some(edge);
        frame.canvas.rect(rect, style, edge);
        let text = format!("{} %", number::fixed(value / total * 100.0, 0));
        let size = frame.size * 0.85;
        if style.hatch == Hatch::None && font::width(&text, size) + 3.0 < rect.width() {
            let dark = matches!(style.fill, "#0072b2" | "#5a5a5a");
            let set = Type::new(size, Anchor::Middle).coloured(if dark { "#ffffff" } else { "#111111" });
            frame.canvas.text((f64::midpoint(left, right), middle + size * 0.35), &text, set);
        }
    }
}

fn csv<'a>(shares: impl Iterator<Item = &'a Share>) -> String {
    let mut sheet = Sheet::new(&["scope", "name", "category", "#n", "#left_out", "#mean_ms", "#share_pct"]);
    for share in shares {
        sheet.rows.push(vec![
            Cell::text(Some(&share.scope)),
            Cell::text(Some(&share.name)),
            Cell::text(Some(&share.category)),
            Cell::count(share.n),
            Cell::count(share.left_out),
            Cell::float(share.mean_ms),
            Cell::float(share.share_pct),
        ]);
    }
    tables::write(&sheet, Format::Csv)
}
