//! Tukey box plots in groups, shared by the figures that draw them.

use faaslens_schemas::tables::{Outlier, TukeyBox};

use super::{BROAD, Drawing, Look, box_csv, note};
use crate::canvas::font;
use crate::canvas::paint::{INK, Marker, Style, provider_order, provider_place, style};
use crate::canvas::{Axis, Entry, Frame, Labels, Margins, Rect, Stroke, Swatch};
use crate::input::RunTables;
use crate::options::{Order, Scale};

/// Groups that one panel holds at most.
const GROUP_LIMIT: usize = 120;

/// One box with its outliers and the provider whose colour it has.
pub(super) struct Item<'a> {
    pub(super) tukey: &'a TukeyBox,
    pub(super) outliers: Vec<&'a Outlier>,
    pub(super) coloured_by: &'a str,
}

/// Boxes side by side above one category label.
pub(super) struct Group<'a> {
    pub(super) label: String,
    pub(super) items: Vec<Item<'a>>,
}

/// One plot of groups.
pub(super) struct Panel<'a> {
    pub(super) heading: Option<&'static str>,
    pub(super) groups: Vec<Group<'a>>,
}

/// What tells box-plot figures apart.
pub(super) struct Plan {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) axis_title: &'static str,
    pub(super) counted: &'static str,
    pub(super) legend: bool,
}

/// Whether every number of a box can be drawn, in order.
fn sound(b: &TukeyBox) -> bool {
    let numbers = [b.whisker_low_ms, b.q1_ms, b.median_ms, b.q3_ms, b.whisker_high_ms];
    numbers.iter().all(|v| v.is_finite() && v.abs() < 1e15) && numbers.windows(2).all(|pair| pair[0] <= pair[1])
}

/// The boxes of a measure in a run with their outliers; `colour` names the provider that colours a box.
pub(super) fn items<'a>(
    run: &'a RunTables,
    measure: &str,
    colour: impl Fn(&'a TukeyBox) -> &'a str,
) -> (Vec<Item<'a>>, usize) {
    let of_measure: Vec<&TukeyBox> = run.boxes.iter().filter(|b| &*b.measure == measure).collect();
    let drawn: Vec<&TukeyBox> = of_measure.iter().copied().filter(|b| sound(b)).collect();
    let refused = of_measure.len() - drawn.len();
    let mut outliers: std::collections::BTreeMap<_, Vec<&Outlier>> = std::collections::BTreeMap::new();
    for outlier in run.outliers.iter().filter(|o| &*o.measure == measure && o.value_ms.is_finite()) {
        outliers.entry((&outlier.provider, &outlier.peer, &outlier.function)).or_default().push(outlier);
    }
    let item = |tukey: &'a TukeyBox| Item {
        tukey,
        outliers: outliers.get(&(&tukey.provider, &tukey.peer, &tukey.function)).cloned().unwrap_or_default(),
        coloured_by: colour(tukey),
    };
    (drawn.into_iter().map(item).collect(), refused)
}

/// Groups items by label; items within a group stand in the order of their colours.
pub(super) fn group<'a>(
    items: Vec<Item<'a>>,
    order: &Order,
    label: impl Fn(&Item<'a>) -> String,
) -> (Vec<Group<'a>>, usize) {
    let mut by_label: std::collections::BTreeMap<String, Vec<Item<'a>>> = std::collections::BTreeMap::new();
    for item in items {
        by_label.entry(label(&item)).or_default().push(item);
    }
    let mut groups: Vec<Group<'a>> = by_label.into_iter().map(|(label, items)| Group { label, items }).collect();
    for group in &mut groups {
        group.items.sort_by(|a, b| provider_order(a.coloured_by).cmp(&provider_order(b.coloured_by)));
    }
    let left_out = groups.len().saturating_sub(GROUP_LIMIT);
    if left_out > 0 {
        groups.sort_by_key(|group| std::cmp::Reverse(group.items.iter().map(|item| item.tukey.n).sum::<i64>()));
        groups.truncate(GROUP_LIMIT);
        groups.sort_by(|a, b| a.label.cmp(&b.label));
    }
    match order {
        Order::Name => {}
        Order::Median => {
            let median =
                |group: &Group| group.items.iter().map(|item| item.tukey.median_ms).fold(f64::INFINITY, f64::min);
            groups.sort_by(|a, b| median(a).total_cmp(&median(b)));
        }
        Order::Listed(_) => groups.sort_by_key(|group| rank(order, group)),
    }
    (groups, left_out)
}

/// Place of a group in a list of labels, functions or providers.
fn rank(order: &Order, group: &Group) -> usize {
    let names =
        |item: &Item| order.rank(&[&group.label, item.tukey.function.as_deref().unwrap_or(&item.tukey.provider)]);
    group.items.iter().map(names).min().unwrap_or(usize::MAX)
}

/// Draws a measure of a run between two providers: a box a pair, in the colour of the second.
pub(super) fn draw_pairs(run: &RunTables, look: &Look, measure: &str, axis_title: &'static str) -> Option<Drawing> {
    let (items, refused) = items(run, measure, |b| b.peer.as_deref().unwrap_or(&b.provider));
    let label = |item: &Item| match &item.tukey.peer {
        Some(peer) => format!("{} → {}", &*item.tukey.provider, &**peer),
        None => item.tukey.provider.to_string(),
    };
    let (groups, left_out) = group(items, &look.options.order, label);
    let notes = [
        note(refused, "box without usable numbers is left out", "boxes without usable numbers are left out"),
        note(left_out, "pair with the fewest calls is left out", "pairs with the fewest calls are left out"),
    ];
    let plan = Plan { width: BROAD, height: 150.0, axis_title, counted: "calls", legend: true };
    draw(look, &plan, vec![Panel { heading: None, groups }], notes.into_iter().flatten().collect())
}

/// Draws panels side by side, each with its own axis; `None` when no panel has a box.
pub(super) fn draw(look: &Look, plan: &Plan, mut panels: Vec<Panel>, mut notes: Vec<String>) -> Option<Drawing> {
    panels.retain(|panel| !panel.groups.is_empty());
    if panels.is_empty() {
        return None;
    }
    let mut colours: Vec<&str> = all_items(&panels).map(|item| item.coloured_by).collect();
    colours.sort_by_key(|provider| provider_order(provider));
    colours.dedup();

    let mut frame = Frame::new(look.options, plan.width);
    if plan.legend && colours.len() > 1 {
        let entry = |provider: &&str| Entry {
            label: (*provider).to_owned(),
            swatch: Swatch::Fill(style(look.options.palette, provider_place(provider, &colours))),
        };
        frame.legend(&colours.iter().map(entry).collect::<Vec<_>>());
    }
    let hidden = draw_panels(&mut frame, look, plan, &panels, &colours);
    notes.extend(note(hidden, "value cannot be shown on the axis", "values cannot be shown on the axis"));

    let boxes: Vec<&TukeyBox> = all_items(&panels).map(|item| item.tukey).collect();
    let outliers: Vec<&Outlier> = all_items(&panels).flat_map(|item| item.outliers.iter().copied()).collect();
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Box plot, {} boxes", boxes.len())),
        csv: box_csv(&boxes, &outliers),
        n: boxes.iter().map(|b| b.n).sum(),
        counted: plan.counted,
        unit: "ms",
        complete: Some(boxes.iter().all(|b| b.complete)),
        notes,
    })
}

fn all_items<'p, 'a: 'p>(panels: &'p [Panel<'a>]) -> impl Iterator<Item = &'p Item<'a>> {
    panels.iter().flat_map(|panel| &panel.groups).flat_map(|group| &group.items)
}

/// Groups that stand beside one another: a panel, or a part of one that is too wide.
struct Row<'p, 'a> {
    panel: usize,
    heading: Option<&'static str>,
    groups: &'p [Group<'a>],
}

/// Panels side by side where their labels fit, else below one another and cut into rows of about equal length.
fn rows<'p, 'a>(panels: &'p [Panel<'a>], width: f64, room: f64, size: f64) -> (usize, Vec<Row<'p, 'a>>) {
    // Turned labels need about twice the font size from one to the next.
    let crowd = |groups: &[Group], width: f64| weight(groups) * size * 2.0 / (1.6 * width);
    let beside = width / panels.len() as f64 - room - size;
    let level = |group: &Group| font::width(&group.label, size) < beside / 3.0;
    let fits =
        |panel: &Panel| beside > size * 12.0 && crowd(&panel.groups, beside) <= 1.0 && panel.groups.iter().all(level);
    let columns = if panels.iter().all(fits) { panels.len() } else { 1 };
    let full = width / columns as f64 - room - size;
    let cut = |(i, panel): (usize, &'p Panel<'a>)| {
        let rows = crowd(&panel.groups, full.max(size)).ceil().clamp(1.0, panel.groups.len().max(1) as f64);
        let length = (panel.groups.len() as f64 / rows).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the number of groups")]
        let parts = panel.groups.chunks((length as usize).max(1));
        parts.map(move |groups| Row { panel: i, heading: panel.heading, groups }).collect::<Vec<_>>()
    };
    (columns, panels.iter().enumerate().flat_map(cut).collect())
}

fn draw_panels(frame: &mut Frame, look: &Look, plan: &Plan, panels: &[Panel], colours: &[&str]) -> usize {
    let scale = look.scale(Scale::Log);
    let axes: Vec<Axis> = panels.iter().map(|panel| axis(panel, scale, plan.height, frame.spacing())).collect();
    let room = axes.iter().map(|axis| frame.axis_room(axis)).fold(0.0, f64::max);
    let (columns, rows) = rows(panels, frame.width(), room, frame.size);
    let plot_width = frame.width() / columns as f64 - room - frame.size;
    let fitted = |row: &Row| {
        let labels: Vec<&str> = row.groups.iter().map(|group| group.label.as_str()).collect();
        Labels::fit(&labels, &slots(row.groups, plot_width), frame.size)
    };
    let labels: Vec<Labels> = rows.iter().map(fitted).collect();
    let margins = Margins {
        left: labels.iter().map(|labels| labels.overhang).fold(room, f64::max),
        top: if panels.iter().any(|panel| panel.heading.is_some()) { frame.size * 1.8 } else { 0.0 },
        right: 0.0,
        bottom: labels.iter().map(|labels| labels.height).fold(0.0, f64::max) + frame.size * 0.5,
    };
    let plots = frame.grid(rows.len(), columns, plan.height, margins);
    let mut hidden = 0;
    for ((row, labels), plot) in rows.iter().zip(&labels).zip(plots) {
        let Some(axis) = axes.get(row.panel) else { continue };
        frame.left_axis(plot, axis, plan.axis_title);
        if let Some(heading) = row.heading {
            frame.heading(plot, heading);
        }
        hidden += draw_row(frame, look, (plot, axis), (row.groups, labels), colours);
    }
    hidden
}

fn draw_row(
    frame: &mut Frame,
    look: &Look,
    (plot, axis): (Rect, &Axis),
    (groups, labels): (&[Group], &Labels),
    colours: &[&str],
) -> usize {
    let mut hidden = 0;
    let mut left = plot.left;
    let mut centres = Vec::new();
    for (group, slot) in groups.iter().zip(slots(groups, plot.width())) {
        hidden += draw_group(frame, look, (plot, axis), group, (left, slot), colours);
        centres.push(left + slot / 2.0);
        left += slot;
    }
    frame.spines(plot);
    frame.categories(plot, labels, &centres);
    hidden
}

fn axis(panel: &Panel, scale: Scale, height: f64, spacing: f64) -> Axis {
    let values = panel.groups.iter().flat_map(|group| &group.items).flat_map(|item| {
        let b = item.tukey;
        let numbers = [b.whisker_low_ms, b.q1_ms, b.median_ms, b.q3_ms, b.whisker_high_ms];
        numbers.into_iter().chain(item.outliers.iter().map(|outlier| outlier.value_ms))
    });
    Axis::fit(values, scale, height, spacing)
}

/// Boxes of the groups, with a gap of 0.6 boxes for each.
fn weight(groups: &[Group]) -> f64 {
    groups.iter().map(|group| group.items.len() as f64 + 0.6).sum()
}

/// Widths of the groups' slots, in proportion to their boxes.
fn slots(groups: &[Group], width: f64) -> Vec<f64> {
    let total = weight(groups);
    groups.iter().map(|group| width * (group.items.len() as f64 + 0.6) / total).collect()
}

fn draw_group(
    frame: &mut Frame,
    look: &Look,
    (plot, axis): (Rect, &Axis),
    group: &Group,
    (left, slot): (f64, f64),
    colours: &[&str],
) -> usize {
    let pitch = slot / (group.items.len() as f64 + 0.6);
    let half = (pitch * 0.8).min(26.0) / 2.0;
    let mut hidden = 0;
    for (i, item) in group.items.iter().enumerate() {
        let centre = left + slot / 2.0 + (i as f64 - (group.items.len() as f64 - 1.0) / 2.0) * pitch;
        let look = style(look.options.palette, provider_place(item.coloured_by, colours));
        hidden += draw_box(frame, (plot, axis), item, (centre, half), look);
    }
    hidden
}

/// Draws one box about `centre`; returns how many of its numbers the axis cannot show.
fn draw_box(
    frame: &mut Frame,
    (plot, axis): (Rect, &Axis),
    item: &Item,
    (centre, half): (f64, f64),
    look: Style,
) -> usize {
    let place = |value: f64| axis.place(value, plot.bottom, plot.top);
    let b = item.tukey;
    let outline = Stroke::new(0.7, INK);
    let cap = half * 0.55;
    let (low, high) = (place(b.whisker_low_ms), place(b.whisker_high_ms));
    let (q1, q3) = (place(b.q1_ms), place(b.q3_ms));
    let whiskers = [
        vec![(centre, q1), (centre, low)],
        vec![(centre - cap, low), (centre + cap, low)],
        vec![(centre, q3), (centre, high)],
        vec![(centre - cap, high), (centre + cap, high)],
    ];
    frame.canvas.path(&whiskers, outline);
    let rect = Rect { left: centre - half, top: q3, right: centre + half, bottom: q1 };
    frame.canvas.rect(rect, look, Some(outline));
    let median = place(b.median_ms);
    // A flat box must not vanish behind its median.
    let weight = (rect.height() * 0.3).clamp(0.5, 1.3);
    frame.canvas.line((centre - half, median), (centre + half, median), Stroke::new(weight, INK));

    let shown = item.outliers.iter().map(|outlier| outlier.value_ms).filter(|&value| !axis.hides(value));
    let points = thinned(shown.map(|value| (centre, place(value))), 0.4);
    frame.canvas.markers(Marker::Circle, &points, 1.25, "none", Some(Stroke::new(0.5, INK)));
    let numbers = [b.whisker_low_ms, b.q1_ms, b.median_ms, b.q3_ms, b.whisker_high_ms];
    let outliers = item.outliers.iter().map(|outlier| outlier.value_ms);
    numbers.into_iter().chain(outliers).filter(|&value| axis.hides(value)).count()
}

/// Points of which no two fall into the same square of `cell` points: what lies there twice looks the same.
pub(super) fn thinned(points: impl Iterator<Item = (f64, f64)>, cell: f64) -> Vec<(f64, f64)> {
    let mut taken = std::collections::BTreeSet::new();
    #[expect(clippy::cast_possible_truncation, reason = "places on a canvas are small")]
    let key = |(x, y): (f64, f64)| ((x / cell).round() as i64, (y / cell).round() as i64);
    points.filter(|&point| taken.insert(key(point))).collect()
}
