//! The parts of a figure around its plots: title, legend, axes, category labels.

use super::paint::{GRID, INK, Style};
use super::{Anchor, Axis, Canvas, Stroke, Type, font};
use crate::options::Options;

/// An upright rectangle in points, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Rect {
    pub(crate) fn width(self) -> f64 {
        self.right - self.left
    }
    pub(crate) fn height(self) -> f64 {
        self.bottom - self.top
    }
}

/// The sample beside a legend's text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Swatch {
    Fill(Style),
    Line(Style),
    Point(Style),
}

/// One line of a legend.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) swatch: Swatch,
}

/// Room around each plot of a grid.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Margins {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

/// Axis lines and ticks.
const SPINE: Stroke = Stroke::new(0.7, INK);
/// Length of a labelled tick.
const TICK: f64 = 3.0;
/// Entries that a legend shows at most.
const LEGEND_LIMIT: usize = 24;
/// From this width on the legend stands right of the plots, else above them.
const WIDE: f64 = 400.0;
/// Degrees that long category labels are turned by.
const TURN: f64 = -40.0;

/// A figure in the making: the canvas and the room that is left on it.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) canvas: Canvas,
    /// Font size in points.
    pub(crate) size: f64,
    area: Rect,
}

impl Frame {
    /// A frame as wide as the options say, else `width` points; its height follows from what is put in.
    pub(crate) fn new(options: &Options, width: f64) -> Self {
        let width = options.width.map_or(width, |length| length.0);
        let size = options.font_pt;
        let mut canvas = Canvas::new(width, 0.0);
        let mut top = 4.0;
        if let Some(title) = &options.title {
            let title = font::shorten(title, size * 1.15, width - 8.0);
            top += size * 1.2;
            canvas.text((width / 2.0, top), &title, Type::new(size * 1.15, Anchor::Middle));
            top += size * 0.8;
        }
        Self { canvas, size, area: Rect { left: 2.0, top, right: width - 4.0, bottom: top } }
    }

    /// Width that is left for plots and their axes.
    pub(crate) fn width(&self) -> f64 {
        self.area.width()
    }

    /// Draws the legend outside the plots: right of them on a wide figure, else above.
    pub(crate) fn legend(&mut self, entries: &[Entry]) {
        let mut entries = entries.to_vec();
        if entries.len() > LEGEND_LIMIT {
            let left_out = entries.len() - LEGEND_LIMIT;
            entries.truncate(LEGEND_LIMIT);
            if let Some(last) = entries.last_mut() {
                last.label = format!("{} (and {left_out} more)", last.label);
            }
        }
        let limit = self.size * 13.0;
        for entry in &mut entries {
            entry.label = font::shorten(&crate::escape::visible(&entry.label), self.size, limit);
        }
        if self.canvas.width >= WIDE { self.legend_right(&entries) } else { self.legend_above(&entries) }
    }

    fn legend_right(&mut self, entries: &[Entry]) {
        let text = entries.iter().map(|entry| font::width(&entry.label, self.size)).fold(0.0, f64::max);
        let left = self.area.right - text - self.size * 2.2;
        let pitch = self.size * 1.6;
        for (i, entry) in entries.iter().enumerate() {
            self.entry((left, self.area.top + self.size + i as f64 * pitch), entry);
        }
        self.area.right = left - self.size * 1.2;
        self.area.bottom = self.area.top + entries.len() as f64 * pitch + self.size * 0.5;
    }

    fn legend_above(&mut self, entries: &[Entry]) {
        let start = self.area.left + self.size * 1.5;
        let (mut x, mut y) = (start, self.area.top + self.size);
        for entry in entries {
            let width = font::width(&entry.label, self.size) + self.size * 3.2;
            if x > start && x + width > self.area.right + self.size {
                (x, y) = (start, y + self.size * 1.5);
            }
            self.entry((x, y), entry);
            x += width;
        }
        if !entries.is_empty() {
            self.area.top = y + self.size * 1.1;
        }
    }

    /// One legend line; `at` is the left end of its baseline.
    fn entry(&mut self, at: (f64, f64), entry: &Entry) {
        let (width, middle) = (self.size * 1.7, at.1 - self.size * 0.35);
        let centre = (at.0 + width / 2.0, middle);
        let radius = self.size * 0.27;
        match entry.swatch {
            Swatch::Fill(style) => {
                let half = self.size * 0.42;
                let rect = Rect { left: at.0, top: middle - half, right: at.0 + width, bottom: middle + half };
                self.canvas.rect(rect, style, Some(Stroke::new(0.6, INK)));
            }
            Swatch::Line(style) => {
                let stroke = Stroke { width: 1.1, colour: style.line, dash: style.dash };
                self.canvas.line((at.0, middle), (at.0 + width, middle), stroke);
                let edge = Some(Stroke::new(0.5, "#ffffff"));
                self.canvas.markers(style.marker, &[centre], radius, style.line, edge);
            }
            Swatch::Point(style) => self.canvas.markers(style.marker, &[centre], radius, style.line, None),
        }
        self.canvas.text((at.0 + width + self.size * 0.5, at.1), &entry.label, Type::new(self.size, Anchor::Start));
    }

    /// Plots in rows of `columns`, each `height` points high with these margins; sets the canvas height.
    pub(crate) fn grid(&mut self, count: usize, columns: usize, height: f64, margins: Margins) -> Vec<Rect> {
        let gap = self.size * 1.2;
        let columns = columns.clamp(1, count.max(1));
        let width = (self.area.width() - gap * (columns - 1) as f64) / columns as f64;
        let pitch = margins.top + height + margins.bottom;
        let rects = (0..count).map(|i| {
            let left = self.area.left + (i % columns) as f64 * (width + gap) + margins.left;
            let top = self.area.top + self.size * 0.5 + (i / columns) as f64 * pitch + margins.top;
            let right = left - margins.left + width - margins.right;
            Rect { left, top, right: right.max(left + 10.0), bottom: top + height }
        });
        let rects: Vec<Rect> = rects.collect();
        let end = rects.last().map_or(self.area.top, |rect| rect.bottom + margins.bottom);
        self.canvas.height = end.max(self.area.bottom) + 3.0;
        rects
    }

    /// Room left of a plot for an axis' ticks, labels and title.
    pub(crate) fn axis_room(&self, axis: &Axis) -> f64 {
        let labels = axis.ticks.iter().filter_map(|tick| tick.label.as_deref());
        let widest = labels.map(|label| font::width(label, self.size)).fold(0.0, f64::max);
        widest + TICK + 2.5 + self.size * 1.7
    }

    /// Points that labels of a vertical axis keep apart.
    pub(crate) fn spacing(&self) -> f64 {
        self.size * 1.35
    }

    /// The left axis of a plot with grid lines; the title stands upright beside it.
    pub(crate) fn left_axis(&mut self, plot: Rect, axis: &Axis, title: &str) {
        let mut small = Vec::new();
        let mut large = Vec::new();
        let mut grid = Vec::new();
        for tick in &axis.ticks {
            let y = axis.place(tick.value, plot.bottom, plot.top);
            let Some(label) = &tick.label else {
                small.push(vec![(plot.left - TICK * 0.55, y), (plot.left, y)]);
                continue;
            };
            large.push(vec![(plot.left - TICK, y), (plot.left, y)]);
            if y < plot.bottom - 0.5 {
                grid.push(vec![(plot.left, y), (plot.right, y)]);
            }
            let at = (plot.left - TICK - 2.0, y + self.size * 0.35);
            self.canvas.text(at, label, Type::new(self.size, Anchor::End));
        }
        self.canvas.path(&grid, Stroke::new(0.5, GRID));
        self.canvas.path(&small, Stroke::new(0.5, INK));
        self.canvas.path(&large, SPINE);
        self.spines(plot);
        let room = self.axis_room(axis);
        let at = (plot.left - room + self.size, f64::midpoint(plot.top, plot.bottom));
        self.canvas.text(at, title, Type::new(self.size, Anchor::Middle).turned(-90.0));
    }

    /// The left and bottom line of a plot.
    pub(crate) fn spines(&mut self, plot: Rect) {
        let corner = vec![(plot.left, plot.top), (plot.left, plot.bottom), (plot.right, plot.bottom)];
        self.canvas.path(&[corner], SPINE);
    }

    /// The bottom axis of a plot with numbers; `grid` draws its lines through the plot.
    pub(crate) fn bottom_axis(&mut self, plot: Rect, axis: &Axis, title: &str, grid: bool) {
        let mut ticks = Vec::new();
        let mut lines = Vec::new();
        for tick in &axis.ticks {
            let x = axis.place(tick.value, plot.left, plot.right);
            let length = if tick.label.is_some() { TICK } else { TICK * 0.55 };
            ticks.push(vec![(x, plot.bottom), (x, plot.bottom + length)]);
            if let Some(label) = &tick.label {
                lines.push(vec![(x, plot.top), (x, plot.bottom)]);
                let at = (x, plot.bottom + TICK + self.size * 0.95);
                self.canvas.text(at, label, Type::new(self.size, Anchor::Middle));
            }
        }
        if grid {
            self.canvas.path(&lines, Stroke::new(0.5, GRID));
        }
        self.canvas.path(&ticks, SPINE);
        let at = (f64::midpoint(plot.left, plot.right), plot.bottom + TICK + self.size * 2.35);
        self.canvas.text(at, title, Type::new(self.size, Anchor::Middle));
    }

    /// Room below a plot for a bottom axis with numbers and its title.
    pub(crate) fn bottom_room(&self) -> f64 {
        TICK + self.size * 2.8
    }

    /// A heading above a plot, shortened to the plot's width.
    pub(crate) fn heading(&mut self, plot: Rect, text: &str) {
        let text = font::shorten(&crate::escape::visible(text), self.size, plot.width());
        let at = (f64::midpoint(plot.left, plot.right), plot.top - self.size * 0.6);
        self.canvas.text(at, &text, Type::new(self.size, Anchor::Middle));
    }

    /// Category labels below a plot, each centred at its x.
    pub(crate) fn categories(&mut self, plot: Rect, labels: &Labels, centres: &[f64]) {
        for (text, &x) in labels.texts.iter().zip(centres) {
            if labels.turned {
                let at = (x + self.size * 0.3, plot.bottom + TICK + self.size * 0.6);
                self.canvas.text(at, text, Type::new(self.size, Anchor::End).turned(TURN));
            } else {
                let at = (x, plot.bottom + TICK + self.size);
                self.canvas.text(at, text, Type::new(self.size, Anchor::Middle));
            }
        }
    }
}

/// Category labels that fit: level where there is room, else turned.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    texts: Vec<String>,
    turned: bool,
    /// Room below the plot.
    pub(crate) height: f64,
    /// How far the first label reaches to the left of its tick.
    pub(crate) overhang: f64,
}

impl Labels {
    /// Labels at a font size, of which each has `slots` points in width when level.
    pub(crate) fn fit(labels: &[&str], slots: &[f64], size: f64) -> Self {
        let texts: Vec<String> =
            labels.iter().map(|label| font::shorten(&crate::escape::visible(label), size, size * 15.0)).collect();
        let widths: Vec<f64> = texts.iter().map(|text| font::width(text, size)).collect();
        let turned = widths.iter().zip(slots).any(|(width, slot)| width + size * 0.6 > *slot);
        let widest = widths.iter().copied().fold(0.0, f64::max);
        let (sine, cosine) = TURN.abs().to_radians().sin_cos();
        let height = TICK + if turned { widest * sine + size * 1.2 } else { size * 1.4 };
        let centre = |i: usize| slots.iter().take(i).sum::<f64>() + slots.get(i).copied().unwrap_or(0.0) / 2.0;
        let reach = |i: usize, width: f64| width * cosine - centre(i);
        let overhang = widths.iter().enumerate().map(|(i, &width)| reach(i, width)).fold(0.0, f64::max);
        Self { texts, turned, height, overhang: if turned { overhang } else { 0.0 } }
    }
}
