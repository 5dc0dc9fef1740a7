//! What the user can change about a report.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How figures are drawn and which.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Figures to draw, by name; all when empty.
    pub figures: Vec<String>,
    /// File formats of each figure; none gives tables and page only (which holds the drawings).
    pub formats: Vec<ImageFormat>,
    /// Width of every figure; each figure's own (3.5 in or 7 in) when not given.
    pub width: Option<Length>,
    /// Font size in points, 4 to 24.
    pub font_pt: f64,
    /// Colours.
    pub palette: Palette,
    /// Order of functions, routes and networks.
    pub order: Order,
    /// Rows that figures are drawn from; all when not given.
    pub rows: Option<RowChoice>,
    /// Scale of time axes; each figure's own when not given.
    pub scale: Option<Scale>,
    /// Draw trigger delays as the published method computes them: the part below one second of the log stamps' difference.
    pub as_published: bool,
    /// Title above each figure; none when not given, as papers want it.
    pub title: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            figures: Vec::new(),
            formats: vec![ImageFormat::Svg, ImageFormat::Png, ImageFormat::Pdf],
            width: None,
            font_pt: 8.0,
            palette: Palette::Colour,
            order: Order::Name,
            rows: None,
            scale: None,
            as_published: false,
            title: None,
        }
    }
}

impl Options {
    /// Checks ranges and figure names.
    ///
    /// # Errors
    /// When a size is out of range or a figure unknown; the message names what is possible.
    pub fn validate(&self) -> Result<()> {
        if !(4.0..=24.0).contains(&self.font_pt) {
            let found = self.font_pt.to_string();
            return Err(Error::OutOfRange { option: "font size", found, expected: "4 to 24 pt" });
        }
        if let Some(Length(pt)) = self.width
            && !(144.0..=2880.0).contains(&pt)
        {
            return Err(Error::OutOfRange { option: "width", found: format!("{pt} pt"), expected: "2in to 40in" });
        }
        match self.figures.iter().find(|name| crate::figures::by_name(name).is_none()) {
            Some(name) => Err(Error::UnknownFigure { name: name.clone(), known: crate::figures::names().join(", ") }),
            None => Ok(()),
        }
    }
}

/// A file format of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// Vector, text as text.
    Svg,
    /// 300 dots an inch, white ground.
    Png,
    /// Vector, fonts embedded.
    Pdf,
}

/// Colours of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Okabe and Ito's colours, ordered so that neighbours differ in lightness.
    Colour,
    /// Greys and hatches.
    Grey,
}

/// Order of functions, routes and networks along an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// By name; networks as published.
    Name,
    /// By median, least first.
    Median,
    /// As listed; what is not listed follows in the usual order.
    Listed(Vec<String>),
}

impl Order {
    /// Place of what goes by these names among the listed ones; after all of them where it is not listed.
    pub(crate) fn rank(&self, names: &[&str]) -> usize {
        match self {
            Self::Listed(listed) => {
                listed.iter().position(|listed| names.contains(&listed.as_str())).unwrap_or(listed.len())
            }
            Self::Name | Self::Median => 0,
        }
    }
}

impl FromStr for Order {
    type Err = Error;

    /// Reads `name`, `median`, or names separated by commas.
    fn from_str(text: &str) -> Result<Self> {
        let names: Vec<String> =
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        match names.as_slice() {
            [] => Err(Error::Order { found: text.to_owned() }),
            [only] if only == "name" => Ok(Self::Name),
            [only] if only == "median" => Ok(Self::Median),
            _ => Ok(Self::Listed(names)),
        }
    }
}

/// A choice among the rows that figures are drawn from. Tables beside the figures are not touched by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowChoice {
    /// The condition as the user wrote it, for the captions.
    pub condition: String,
    /// By run and table, whether each row is kept; tables that are not named are kept whole.
    pub kept: BTreeMap<(String, &'static str), Vec<bool>>,
}

/// Scale of a time axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equal differences; begins at 0.
    Linear,
    /// Equal steps are equal ratios; values of 0 or less cannot be shown.
    Log,
}

macro_rules! named {
    ($type:ident: $($name:literal => $variant:ident),+) => {
        impl $type {
            /// Every value by its name on the command line.
            pub const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),+];

            /// The value of that name.
            pub fn by_name(name: &str) -> Option<Self> {
                Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
            }
        }
    };
}

named!(ImageFormat: "svg" => Svg, "png" => Png, "pdf" => Pdf);
named!(Palette: "colour" => Colour, "grey" => Grey);
named!(Scale: "linear" => Linear, "log" => Log);

/// A length in points (1/72 in).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Length(pub f64);

impl FromStr for Length {
    type Err = Error;

    /// Reads `3.5in`, `89mm` or `252pt`.
    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::Length { found: text.to_owned() };
        let units = [("in", 72.0), ("mm", 72.0 / 25.4), ("pt", 1.0)];
        let (digits, factor) = units
            .into_iter()
            .find_map(|(unit, factor)| Some((text.trim().strip_suffix(unit)?, factor)))
            .ok_or_else(refused)?;
        let value: f64 = digits.trim().parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(refused)?;
        Ok(Self(value * factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_inches_millimetres_and_points() {
        assert_eq!("3.5in".parse::<Length>().expect("inches"), Length(252.0));
        assert!((" 25.4 mm".parse::<Length>().expect("millimetres").0 - 72.0).abs() < 1e-12);
        assert_eq!("100pt".parse::<Length>().expect("points"), Length(100.0));
        for refused in ["", "3.5", "in", "NaNpt", "infpt", "3,5in"] {
            assert!(refused.parse::<Length>().is_err(), "{refused}");
        }
    }

    #[test]
    fn an_order_is_a_name_or_a_list() {
        assert_eq!("median".parse::<Order>().expect("an order"), Order::Median);
        let listed: Order = "b, a".parse().expect("an order");
        assert_eq!(listed, Order::Listed(vec!["b".to_owned(), "a".to_owned()]));
        assert_eq!((listed.rank(&["a"]), listed.rank(&["x", "b"]), listed.rank(&["c"])), (1, 0, 2));
        assert!(" ,".parse::<Order>().is_err());
    }

    #[test]
    fn sizes_out_of_range_and_unknown_figures_are_refused() {
        let wide = Options { width: Some(Length(1e6)), ..Options::default() };
        assert!(wide.validate().is_err());
        let tiny = Options { font_pt: 1.0, ..Options::default() };
        assert!(tiny.validate().is_err());
        let unknown = Options { figures: vec!["pie".to_owned()], ..Options::default() };
        let message = unknown.validate().expect_err("there is no such figure").to_string();
        assert!(message.contains("throughput"), "{message}");
    }
}
