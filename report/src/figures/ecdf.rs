//! Distributions of A and B laid over each other, one panel a measure.

use faaslens_schemas::tables::Distribution;

use super::{AnswerFigure, BROAD, Drawing, Look, note};
use crate::answers::Answer;
use crate::canvas::paint::{Style, style};
use crate::canvas::{Axis, Entry, Frame, Margins, Stroke, Swatch};
use crate::options::Scale;
use crate::tables::{self, Cell, Format, Sheet};

pub(super) static FIGURE: AnswerFigure = AnswerFigure {
    name: "ecdf",
    description: "Distributions of A and B",
    method: "Empirical distribution functions at every percent, all runs of a side pooled, from the 1st to the 99th percentile. Measures \
             in the order of the forest plot.",
    draw,
};

/// Panels that one figure holds at most.
const PANEL_LIMIT: usize = 12;

/// Shares that are drawn: the outermost values would squeeze the rest.
const DRAWN: std::ops::RangeInclusive<f64> = 0.01..=0.99;

/// One measure with the points of A and of B.
struct Panel<'a> {
    heading: String,
    sides: [Vec<&'a Distribution>; 2],
}

fn panels(distributions: &[Distribution]) -> Vec<Panel<'_>> {
    let mut panels: Vec<(&Distribution, Panel<'_>)> = Vec::new();
    for point in distributions.iter().filter(|point| DRAWN.contains(&point.share) && point.value_ms.is_finite()) {
        let same = |first: &Distribution| {
            (&first.measure, &first.name, &first.provider) == (&point.measure, &point.name, &point.provider)
        };
        if panels.last().is_none_or(|(first, _)| !same(first)) {
            let heading = format!("{}: {}", &*point.measure, &*point.name);
            panels.push((point, Panel { heading, sides: [Vec::new(), Vec::new()] }));
        }
        if let Some((_, panel)) = panels.last_mut() {
            panel.sides[usize::from(&*point.side == "B")].push(point);
        }
    }
    panels.into_iter().map(|(_, panel)| panel).collect()
}

fn draw(answer: &Answer<'_>, look: &Look) -> Option<Drawing> {
    let Answer::Comparison(comparison) = answer else { return None };
    let mut panels = panels(comparison.distributions);
    let left_out = panels.len().saturating_sub(PANEL_LIMIT);
    panels.truncate(PANEL_LIMIT);
    if panels.is_empty() {
        return None;
    }
    let mut frame = Frame::new(look.options, BROAD);
    let styles = [Style { dash: "", ..style(look.options.palette, 1) }, style(look.options.palette, 2)];
    let entries = ["A", "B"].iter().zip(styles);
    let entries = entries.map(|(side, style)| Entry { label: (*side).to_owned(), swatch: Swatch::Line(style) });
    frame.legend(&entries.collect::<Vec<_>>());
    draw_panels(&mut frame, look, &panels, styles);

    let drawn = comparison.rows.iter().take(panels.len());
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Distribution functions, {} panels", panels.len())),
        csv: csv(&panels),
        n: drawn.clone().map(|row| row.n_a + row.n_b).sum(),
        counted: "values",
        unit: "ms",
        complete: Some(drawn.clone().all(|row| row.complete)),
        notes: note(left_out, "measure is in the table only", "measures are in the table only").into_iter().collect(),
    })
}

fn draw_panels(frame: &mut Frame, look: &Look, panels: &[Panel<'_>], styles: [Style; 2]) {
    let height = 80.0;
    let share = Axis::fit([0.0, 1.0].into_iter(), Scale::Linear, height, frame.spacing() * 1.5);
    let margins = Margins {
        left: frame.axis_room(&share),
        top: frame.size * 2.0,
        right: frame.size * 0.8,
        bottom: frame.bottom_room() + frame.size * 0.5,
    };
    let columns = if frame.width() > 330.0 { 3 } else { 1 };
    let plots = frame.grid(panels.len(), columns.min(panels.len()), height, margins);
    for (panel, plot) in panels.iter().zip(plots) {
        let values = panel.sides.iter().flatten().map(|point| point.value_ms);
        let x = Axis::fit(values, look.scale(Scale::Log), plot.width(), frame.size * 2.6);
        frame.left_axis(plot, &share, "Share");
        frame.bottom_axis(plot, &x, "ms", false);
        frame.heading(plot, &panel.heading);
        for (points, style) in panel.sides.iter().zip(styles) {
            let at = |point: &&Distribution| {
                (x.place(point.value_ms, plot.left, plot.right), share.place(point.share, plot.bottom, plot.top))
            };
            let line: Vec<(f64, f64)> = points.iter().map(at).collect();
            frame.canvas.path(&[line], Stroke { width: 1.0, colour: style.line, dash: style.dash });
        }
    }
}

fn csv(panels: &[Panel<'_>]) -> String {
    let mut sheet = Sheet::new(&["measure", "name", "provider", "side", "#share", "#value_ms"]);
    for point in panels.iter().flat_map(|panel| panel.sides.iter().flatten()) {
        sheet.rows.push(vec![
            Cell::text(Some(&point.measure)),
            Cell::text(Some(&point.name)),
            Cell::text(point.provider.as_deref()),
            Cell::text(Some(&point.side)),
            Cell::Float(point.share),
            Cell::Float(point.value_ms),
        ]);
    }
    tables::write(&sheet, Format::Csv)
}
