//! Colours, hatches, markers and dashes.
//!
//! Colours are those of Okabe and Ito, "Color Universal Design" (2008). The first four fills differ in lightness
//! (CIE L* 71, 46, 58, 89), so that they stay apart in grey print; those after them carry a hatch as well.

use crate::options::Palette;

/// Text, axes and outlines.
pub(crate) const INK: &str = "#222222";
/// Grid lines.
pub(crate) const GRID: &str = "#dddddd";

/// Lines over a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hatch {
    None,
    Rising,
    Falling,
    Crossed,
    Level,
}

/// Shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Inverted,
    Cross,
}

/// How one series looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) fill: &'static str,
    pub(crate) hatch: Hatch,
    /// Colour of lines and points: dark enough on white.
    pub(crate) line: &'static str,
    pub(crate) marker: Marker,
    /// SVG dash array; empty for a solid line.
    pub(crate) dash: &'static str,
}

const FILLS: [(&str, Hatch); 8] = [
    ("#e69f00", Hatch::None),
    ("#0072b2", Hatch::None),
    ("#009e73", Hatch::None),
    ("#f0e442", Hatch::None),
    ("#d55e00", Hatch::Rising),
    ("#cc79a7", Hatch::Falling),
    ("#56b4e9", Hatch::Crossed),
    ("#bbbbbb", Hatch::Level),
];
const GREYS: [(&str, Hatch); 8] = [
    ("#b8b8b8", Hatch::None),
    ("#5a5a5a", Hatch::None),
    ("#8a8a8a", Hatch::None),
    ("#f2f2f2", Hatch::None),
    ("#d9d9d9", Hatch::Rising),
    ("#d9d9d9", Hatch::Falling),
    ("#d9d9d9", Hatch::Crossed),
    ("#d9d9d9", Hatch::Level),
];
const LINES: [&str; 6] = ["#222222", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];
const GREY_LINES: [&str; 6] = ["#000000", "#777777", "#333333", "#999999", "#555555", "#111111"];
const MARKERS: [Marker; 6] =
    [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond, Marker::Inverted, Marker::Cross];
const DASHES: [&str; 6] = ["", "5 1.5", "3 1.2 1 1.2", "1.2 1.2", "6 1.5 1 1.5 1 1.5", "2.5 1.5"];

/// Providers whose place in the palette is fixed, so that a provider looks the same in every figure.
const PROVIDERS: [&str; 7] = ["aws", "azure", "google", "tinyfaas", "openfaas", "openwhisk", "client"];

/// The style of a series by its place; places beyond the palette repeat it.
pub(crate) fn style(palette: Palette, place: usize) -> Style {
    let (fills, lines) = match palette {
        Palette::Colour => (FILLS, LINES),
        Palette::Grey => (GREYS, GREY_LINES),
    };
    let (fill, hatch) = fills[place % fills.len()];
    let line = lines[place % lines.len()];
    Style { fill, hatch, line, marker: MARKERS[place % MARKERS.len()], dash: DASHES[place % DASHES.len()] }
}

/// Places of providers: known ones have theirs, others follow in order of name.
pub(crate) fn provider_place(provider: &str, others: &[&str]) -> usize {
    PROVIDERS.iter().position(|known| *known == provider).unwrap_or_else(|| {
        let unknown = others.iter().filter(|other| !PROVIDERS.contains(other));
        PROVIDERS.len() + unknown.clone().position(|other| *other == provider).unwrap_or(0)
    })
}

/// Orders providers: known ones first in their fixed order, others by name.
pub(crate) fn provider_order(provider: &str) -> (usize, &str) {
    (PROVIDERS.iter().position(|known| *known == provider).unwrap_or(PROVIDERS.len()), provider)
}
