//! Ratios of medians with their intervals, one line a measure: the forest plot of a comparison.

use faaslens_schemas::tables::Comparison;

use super::{AnswerFigure, BROAD, Drawing, Look, note};
use crate::answers::{Answer, ComparisonAnswer};
use crate::canvas::paint::{INK, Style, style};
use crate::canvas::{Anchor, Axis, Entry, Frame, Margins, Rect, Stroke, Swatch, Type, font};
use crate::options::Scale;
use crate::tables::{self, Cell, Format, Sheet};
use crate::{escape, number};

pub(super) static FIGURE: AnswerFigure = AnswerFigure {
    name: "forest",
    description: "Change of the medians, B against A",
    method: "Ratio of the medians less 1, one line a measure, strongest evidence of a slowdown first. The thick bar is the 95 % \
             interval of these runs (block bootstrap within a run, hierarchical over runs); the thin line is the \
             decisive one, with run-to-run noise. The grey band is the margin. An arrow says that a line goes on beyond the axis.",
    draw,
};

/// Lines that one figure holds at most.
const LINE_LIMIT: usize = 40;

/// Verdicts in the order of the legend, with their place in the palette of lines.
const VERDICTS: [(&str, usize); 4] = [("slower", 2), ("faster", 3), ("equivalent", 1), ("no evidence", 0)];

/// A row that can be drawn: percent of change and its ends.
struct Line<'a> {
    row: &'a Comparison,
    change: f64,
    own: Option<(f64, f64)>,
    decisive: (f64, f64),
}

fn percent(ratio: f64) -> f64 {
    (ratio - 1.0) * 100.0
}

fn line(row: &Comparison) -> Option<Line<'_>> {
    let sound = |ends: (f64, f64)| ends.0.is_finite() && ends.1.is_finite() && ends.0 <= ends.1;
    let decisive = row.decisive_low.zip(row.decisive_high).map(|(low, high)| (percent(low), percent(high)));
    let own = row.ratio_low.zip(row.ratio_high).map(|(low, high)| (percent(low), percent(high)));
    Some(Line {
        row,
        change: row.ratio.map(percent).filter(|change| change.is_finite())?,
        own: own.filter(|ends| sound(*ends)),
        decisive: decisive.filter(|ends| sound(*ends))?,
    })
}

fn draw(answer: &Answer<'_>, look: &Look) -> Option<Drawing> {
    let Answer::Comparison(comparison) = answer else { return None };
    let lines: Vec<Line<'_>> = comparison.rows.iter().filter_map(line).collect();
    let (shown, rest) = lines.split_at(lines.len().min(LINE_LIMIT));
    if shown.is_empty() {
        return None;
    }
    let mut frame = Frame::new(look.options, BROAD);
    let used = VERDICTS.iter().filter(|(verdict, _)| shown.iter().any(|line| &*line.row.verdict == *verdict));
    let entry = |(verdict, place): &(&str, usize)| Entry {
        label: (*verdict).to_owned(),
        swatch: Swatch::Point(style(look.options.palette, *place)),
    };
    frame.legend(&used.map(entry).collect::<Vec<_>>());
    draw_lines(&mut frame, look, comparison, shown);

    let undecided = comparison.rows.len() - lines.len();
    let notes = [
        note(undecided, "measure without an interval is left out", "measures without an interval are left out"),
        note(rest.len(), "measure with less evidence is left out", "measures with less evidence are left out"),
    ];
    Some(Drawing {
        svg: frame.canvas.finish(&look.title, &format!("Forest plot, {} measures", shown.len())),
        csv: csv(shown),
        n: shown.iter().map(|line| line.row.n_a + line.row.n_b).sum(),
        counted: "values",
        unit: "% of the median of A",
        complete: Some(shown.iter().all(|line| line.row.complete)),
        notes: notes.into_iter().flatten().collect(),
    })
}

/// Half the width of the axis: most lines fit, a few wild ones do not squeeze the others.
fn reach(lines: &[Line<'_>], margin: f64) -> f64 {
    let mut ends: Vec<f64> = lines.iter().map(|line| line.decisive.0.abs().max(line.decisive.1.abs())).collect();
    ends.sort_by(f64::total_cmp);
    let usual = ends.get(ends.len() / 2).or(ends.last()).copied().unwrap_or(0.0);
    (usual * 1.5).max(margin * 250.0)
}

fn draw_lines(frame: &mut Frame, look: &Look, comparison: &ComparisonAnswer<'_>, lines: &[Line<'_>]) {
    let size = frame.size;
    let pitch = size * 1.7;
    let labels: Vec<String> = lines.iter().map(|line| label(line.row, size)).collect();
    let values: Vec<String> = lines.iter().map(value).collect();
    let width = |texts: &[String]| texts.iter().map(|text| font::width(text, size)).fold(0.0, f64::max);
    let margins =
        Margins { left: width(&labels) + size, top: 0.0, right: width(&values) + size, bottom: frame.bottom_room() };
    let plots = frame.grid(1, 1, pitch * lines.len() as f64 + size * 0.4, margins);
    let Some(&plot) = plots.first() else { return };
    let reach = reach(lines, comparison.margin);
    let axis = Axis::fit([-reach, reach].into_iter(), Scale::Linear, plot.width(), size * 4.0);
    draw_band(frame, plot, &axis, comparison.margin);
    frame.bottom_axis(plot, &axis, "Change of the median, B against A (%)", false);
    for (i, ((line, label), value)) in lines.iter().zip(&labels).zip(&values).enumerate() {
        let middle = plot.top + size * 0.2 + pitch * (i as f64 + 0.5);
        let baseline = middle + size * 0.35;
        frame.canvas.text((plot.left - size * 0.6, baseline), label, Type::new(size, Anchor::End));
        frame.canvas.text((plot.right + size * 0.6, baseline), value, Type::new(size, Anchor::Start));
        let place = VERDICTS.iter().find(|(verdict, _)| *verdict == &*line.row.verdict).map_or(0, |(_, place)| *place);
        draw_line(frame, (plot, &axis), line, middle, style(look.options.palette, place));
    }
    let bottom = vec![(plot.left, plot.bottom), (plot.right, plot.bottom)];
    frame.canvas.path(&[bottom], Stroke::new(0.7, INK));
}

/// The margin as a grey band, and the line of no change.
fn draw_band(frame: &mut Frame, plot: Rect, axis: &Axis, margin: f64) {
    let at = |change: f64| axis.place(change, plot.left, plot.right);
    let band = Rect { left: at(percent(1.0 / (1.0 + margin))), right: at(margin * 100.0), ..plot };
    let grey = Style { fill: "#ececec", ..style(crate::options::Palette::Colour, 0) };
    frame.canvas.rect(band, grey, None);
    frame.canvas.line((at(0.0), plot.top), (at(0.0), plot.bottom), Stroke::new(0.6, INK));
}

fn draw_line(frame: &mut Frame, (plot, axis): (Rect, &Axis), line: &Line<'_>, y: f64, style: Style) {
    let at = |change: f64| axis.place(change, plot.left, plot.right);
    let bar = |ends: (f64, f64)| vec![(at(ends.0), y), (at(ends.1), y)];
    frame.canvas.path(&[bar(line.decisive)], Stroke::new(0.8, style.line));
    if let Some(own) = line.own {
        frame.canvas.path(&[bar(own)], Stroke::new(2.6, style.line));
    }
    let length = frame.size * 0.4;
    for (end, edge, inwards) in [(line.decisive.0, plot.left, length), (line.decisive.1, plot.right, -length)] {
        if axis.hides(end) && (end < axis.low) == (inwards > 0.0) {
            let arrow = vec![(edge + inwards, y - length * 0.7), (edge, y), (edge + inwards, y + length * 0.7)];
            frame.canvas.path(&[arrow], Stroke::new(0.8, style.line));
        }
    }
    if !axis.hides(line.change) {
        let edge = Some(Stroke::new(0.6, "#ffffff"));
        frame.canvas.markers(style.marker, &[(at(line.change), y)], frame.size * 0.36, style.line, edge);
    }
}

/// `execution duration: checkout (aws)`.
fn label(row: &Comparison, size: f64) -> String {
    let place = row.provider.as_deref().map(|provider| format!(" ({provider})")).unwrap_or_default();
    font::shorten(&escape::visible(&format!("{}: {}{place}", &*row.measure, &*row.name)), size, size * 21.0)
}

/// `+10.1 % [+6.2, +14.0]`.
fn value(line: &Line<'_>) -> String {
    let signed = |change: f64| {
        let decimals = usize::from(change.abs() < 99.95);
        let text = number::fixed(change, decimals);
        if text.starts_with('-') { text.replace('-', "−") } else { format!("+{text}") }
    };
    format!("{} % [{}, {}]", signed(line.change), signed(line.decisive.0), signed(line.decisive.1))
}

fn csv(lines: &[Line<'_>]) -> String {
    let mut sheet = Sheet::new(&[
        "measure",
        "name",
        "provider",
        "verdict",
        "#ratio",
        "#ratio_low",
        "#ratio_high",
        "#decisive_low",
        "#decisive_high",
    ]);
    for Line { row, .. } in lines {
        sheet.rows.push(vec![
            Cell::text(Some(&row.measure)),
            Cell::text(Some(&row.name)),
            Cell::text(row.provider.as_deref()),
            Cell::text(Some(&row.verdict)),
            Cell::float(row.ratio),
            Cell::float(row.ratio_low),
            Cell::float(row.ratio_high),
            Cell::float(row.decisive_low),
            Cell::float(row.decisive_high),
        ]);
    }
    tables::write(&sheet, Format::Csv)
}
