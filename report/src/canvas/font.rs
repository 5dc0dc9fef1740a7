//! The bundled font: widths of text, and the only font that PNG and PDF are made with.
//!
//! It has one face: with two, svg2pdf 0.13 numbers a PDF's objects in an order that changes from run to run.

use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb::Database;
use ttf_parser::Face;

static REGULAR: &[u8] = include_bytes!("../../assets/font/FaaslensSans-Regular.ttf");

/// Name of the bundled family.
pub(crate) const FAMILY: &str = "Faaslens Sans";

/// Families with the same metrics stand behind the bundled one, for programs that do not have it.
pub(crate) const FAMILIES: &str = "Faaslens Sans, Liberation Sans, Arial, Helvetica, sans-serif";

/// A font database of the bundled font alone, so that every machine draws the same.
pub(crate) fn database() -> Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut database = Database::new();
        database.load_font_data(REGULAR.to_vec());
        database.set_sans_serif_family(FAMILY);
        Arc::new(database)
    };
    Arc::clone(DATABASE.get_or_init(load))
}

/// Advance widths of the Basic Multilingual Plane's first 0x2300 characters in em, and that of all others.
struct Widths {
    table: Vec<f64>,
    other: f64,
}

fn widths() -> &'static Widths {
    static WIDTHS: OnceLock<Widths> = OnceLock::new();
    let load = || {
        let Ok(face) = Face::parse(REGULAR, 0) else {
            return Widths { table: Vec::new(), other: 0.6 };
        };
        let em = f64::from(face.units_per_em());
        let advance = |glyph| face.glyph_hor_advance(glyph).map(|units| f64::from(units) / em);
        let other = advance(ttf_parser::GlyphId(0)).unwrap_or(0.6);
        let width = |code| char::from_u32(code).and_then(|c| face.glyph_index(c)).and_then(advance).unwrap_or(other);
        Widths { table: (0..0x2300).map(width).collect(), other }
    };
    WIDTHS.get_or_init(load)
}

/// Width of a text in points at a font size in points, without kerning.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let widths = widths();
    let advance = |c: char| widths.table.get(c as usize).copied().unwrap_or(widths.other);
    text.chars().map(advance).sum::<f64>() * size
}

/// The text, or its beginning and an ellipsis where it is wider than `limit` points.
pub(crate) fn shorten(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut left = limit - width("…", size);
    let kept = text.chars().take_while(|c| {
        left -= width(c.encode_utf8(&mut [0; 4]), size);
        left >= 0.0
    });
    let kept: String = kept.collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font_file() {
        // Liberation Sans: advance of `0` is 1139 and of space 569 of 2048 units (hmtx table, read with fontTools).
        assert!((width("0", 2048.0) - 1139.0).abs() < 1e-9);
        assert!((width("0 0", 2048.0) - 2847.0).abs() < 1e-9);
    }

    #[test]
    fn long_texts_end_in_an_ellipsis_within_the_limit() {
        let long = "a".repeat(10_000);
        let short = shorten(&long, 8.0, 60.0);
        assert!(short.ends_with('…') && width(&short, 8.0) <= 60.0);
        assert_eq!(shorten("abc", 8.0, 60.0), "abc");
    }

    #[test]
    fn the_bundled_font_is_found_by_its_name() {
        assert_eq!(database().faces().filter(|face| face.families.iter().any(|(name, _)| name == FAMILY)).count(), 1);
    }
}
