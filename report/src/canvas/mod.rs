//! Drawing: an SVG canvas in points, axes, legends, and conversion to PNG and PDF.
//!
//! Coordinates are points (1/72 in) with two decimals, so a figure has its exact size in a paper.

mod axis;
mod convert;
pub(crate) mod font;
mod layout;
pub(crate) mod paint;

use std::fmt::Write;

pub(crate) use axis::Axis;
pub(crate) use convert::{to_pdf, to_png};
pub(crate) use layout::{Entry, Frame, Labels, Margins, Rect, Swatch};
use paint::{Hatch, INK, Marker, Style};

use crate::escape;

/// Where a text's position lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Type {
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    /// Degrees clockwise about its position.
    pub(crate) turn: f64,
    pub(crate) colour: &'static str,
}

impl Type {
    pub(crate) fn new(size: f64, anchor: Anchor) -> Self {
        Self { size, anchor, turn: 0.0, colour: INK }
    }
    pub(crate) fn turned(self, turn: f64) -> Self {
        Self { turn, ..self }
    }
    pub(crate) fn coloured(self, colour: &'static str) -> Self {
        Self { colour, ..self }
    }
}

/// A line's look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stroke {
    pub(crate) width: f64,
    pub(crate) colour: &'static str,
    pub(crate) dash: &'static str,
}

impl Stroke {
    pub(crate) const fn new(width: f64, colour: &'static str) -> Self {
        Self { width, colour, dash: "" }
    }

    fn attributes(&self) -> String {
        let mut out = format!(r#" stroke="{}" stroke-width="{}""#, self.colour, pt(self.width));
        if !self.dash.is_empty() {
            write!(out, r#" stroke-dasharray="{}""#, self.dash).unwrap_or_default();
        }
        out
    }
}

/// An SVG document in the making.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(crate) width: f64,
    pub(crate) height: f64,
    body: String,
}

/// Points with two decimals, without trailing zeros; what is not finite becomes 0.
pub(crate) fn pt(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

impl Canvas {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    fn add(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.path(&[vec![from, to]], stroke);
    }

    /// Open polylines as one path.
    pub(crate) fn path(&mut self, lines: &[Vec<(f64, f64)>], stroke: Stroke) {
        let mut d = String::new();
        for line in lines {
            for (i, &(x, y)) in line.iter().enumerate() {
                write!(d, "{}{} {}", if i == 0 { "M" } else { "L" }, pt(x), pt(y)).unwrap_or_default();
            }
        }
        if !d.is_empty() {
            self.add(&format!(r#"<path d="{d}" fill="none"{}/>"#, stroke.attributes()));
        }
    }

    /// A rectangle with a style's fill and hatch, and an outline over both.
    pub(crate) fn rect(&mut self, rect: Rect, style: Style, stroke: Option<Stroke>) {
        let place = format!(
            r#"x="{}" y="{}" width="{}" height="{}""#,
            pt(rect.left),
            pt(rect.top),
            pt(rect.width().max(0.0)),
            pt(rect.height().max(0.0)),
        );
        let outline = stroke.map_or(String::new(), |stroke| stroke.attributes());
        if style.hatch == Hatch::None {
            return self.add(&format!(r#"<rect {place} fill="{}"{outline}/>"#, style.fill));
        }
        self.add(&format!(r#"<rect {place} fill="{}"/>"#, style.fill));
        self.path(&hatch_lines(rect, style.hatch), Stroke::new(0.5, INK));
        if stroke.is_some() {
            self.add(&format!(r#"<rect {place} fill="none"{outline}/>"#));
        }
    }

    /// Many points of one look as one path.
    pub(crate) fn markers(
        &mut self,
        marker: Marker,
        points: &[(f64, f64)],
        radius: f64,
        fill: &str,
        stroke: Option<Stroke>,
    ) {
        if points.is_empty() {
            return;
        }
        let d: String = points.iter().map(|&point| marker_path(marker, point, radius)).collect();
        let stroke = stroke.map_or(String::new(), |stroke| stroke.attributes());
        self.add(&format!(r#"<path d="{d}" fill="{fill}"{stroke}/>"#));
    }

    /// Many round dots as one path: round caps of lines without length, a quarter of the bytes of circles.
    pub(crate) fn dots(&mut self, points: &[(f64, f64)], radius: f64, colour: &'static str) {
        if points.is_empty() {
            return;
        }
        let mut d = String::with_capacity(points.len() * 16);
        for &(x, y) in points {
            d.extend(["M", &pt(x), " ", &pt(y), "h.01"]);
        }
        let stroke = Stroke::new(2.0 * radius, colour).attributes();
        self.add(&format!(r#"<path d="{d}" fill="none"{stroke} stroke-linecap="round"/>"#));
    }

    pub(crate) fn text(&mut self, at: (f64, f64), text: &str, set: Type) {
        let anchor = match set.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let (x, y) = (pt(at.0), pt(at.1));
        let turn = match pt(set.turn).as_str() {
            "0" => String::new(),
            turn => format!(r#" transform="rotate({turn} {x} {y})""#),
        };
        self.add(&format!(
            r#"<text x="{x}" y="{y}" font-size="{}" fill="{}"{anchor}{turn}>{}</text>"#,
            pt(set.size),
            set.colour,
            escape::xml(text)
        ));
    }

    /// The document, with a title and a description for screen readers.
    pub(crate) fn finish(self, title: &str, description: &str) -> String {
        let (width, height) = (pt(self.width), pt(self.height));
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}pt" height="{h}pt" viewBox="0 0 {w} {h}" "#,
                r#"font-family="{families}" role="img">"#,
                "\n<title>{title}</title>\n<desc>{description}</desc>\n",
                r##"<rect width="{w}" height="{h}" fill="#ffffff"/>"##,
                "\n{body}</svg>\n"
            ),
            w = width,
            h = height,
            families = font::FAMILIES,
            title = escape::xml(title),
            description = escape::xml(description),
            body = self.body
        )
    }
}

/// Points between hatch lines.
const HATCH_STEP: f64 = 2.6;

/// Hatch lines cut to a rectangle; they lie the same on the canvas whatever the rectangle.
fn hatch_lines(rect: Rect, hatch: Hatch) -> Vec<Vec<(f64, f64)>> {
    let steps = |from: f64, to: f64, step: f64| {
        let first = (from / step).ceil();
        (0..4000).map(move |i| (first + f64::from(i)) * step).take_while(move |&c| c < to)
    };
    let diagonal = HATCH_STEP * std::f64::consts::SQRT_2;
    // On a rising line x + y is constant, on a falling one x - y.
    let rising = || {
        steps(rect.left + rect.top, rect.right + rect.bottom, diagonal).map(|c| {
            let (x0, x1) = (rect.left.max(c - rect.bottom), rect.right.min(c - rect.top));
            vec![(x0, c - x0), (x1, c - x1)]
        })
    };
    let falling = || {
        steps(rect.left - rect.bottom, rect.right - rect.top, diagonal).map(|c| {
            let (x0, x1) = (rect.left.max(c + rect.top), rect.right.min(c + rect.bottom));
            vec![(x0, x0 - c), (x1, x1 - c)]
        })
    };
    match hatch {
        Hatch::None => Vec::new(),
        Hatch::Rising => rising().collect(),
        Hatch::Falling => falling().collect(),
        Hatch::Crossed => rising().chain(falling()).collect(),
        Hatch::Level => {
            steps(rect.top, rect.bottom, HATCH_STEP).map(|y| vec![(rect.left, y), (rect.right, y)]).collect()
        }
    }
}

/// A closed shape of about equal area for every marker.
fn marker_path(marker: Marker, (x, y): (f64, f64), radius: f64) -> String {
    let polygon = |points: &[(f64, f64)]| {
        let mut d = String::new();
        for (i, (dx, dy)) in points.iter().enumerate() {
            write!(d, "{}{} {}", if i == 0 { "M" } else { "L" }, pt(x + dx * radius), pt(y + dy * radius))
                .unwrap_or_default();
        }
        d + "Z"
    };
    match marker {
        Marker::Circle => {
            let (once, twice) = (pt(radius), pt(2.0 * radius));
            format!("M{} {}a{once} {once} 0 1 0 {twice} 0a{once} {once} 0 1 0 -{twice} 0Z", pt(x - radius), pt(y))
        }
        Marker::Square => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        Marker::Triangle => polygon(&[(0.0, -1.25), (1.15, 0.85), (-1.15, 0.85)]),
        Marker::Inverted => polygon(&[(0.0, 1.25), (1.15, -0.85), (-1.15, -0.85)]),
        Marker::Diamond => polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        Marker::Cross => {
            type Turn = fn((f64, f64)) -> (f64, f64);
            let (near, far) = (0.35, 1.15);
            let arm = [(-near, -near), (-near, -far), (near, -far)];
            // The other arms are the first one turned by quarters.
            let quarters: [Turn; 4] = [|(x, y)| (x, y), |(x, y)| (-y, x), |(x, y)| (-x, -y), |(x, y)| (y, -x)];
            polygon(&quarters.map(|turn| arm.map(turn)).concat())
        }
    }
}
