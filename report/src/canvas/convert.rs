//! SVG to PNG and PDF, with the bundled font alone.

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::font;
use crate::error::{Error, Result};

/// Dots an inch of PNG files.
pub(crate) const DPI: f64 = 300.0;
/// CSS pixels an inch, in which usvg measures.
const CSS_DPI: f32 = 96.0;

fn failed(figure: &str, reason: &dyn ToString) -> Error {
    Error::Convert { figure: figure.to_owned(), reason: reason.to_string() }
}

fn parse(figure: &str, svg: &str) -> Result<Tree> {
    let options =
        Options { dpi: CSS_DPI, font_family: font::FAMILY.to_owned(), fontdb: font::database(), ..Options::default() };
    Tree::from_str(svg, &options).map_err(|source| failed(figure, &source))
}

/// A PNG of 300 dots an inch on white, which says so (`pHYs`).
///
/// # Errors
/// When the drawing cannot be read or its image not be held.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are positive and far below 2^32")]
pub(crate) fn to_png(figure: &str, svg: &str) -> Result<Vec<u8>> {
    let tree = parse(figure, svg)?;
    let scale = DPI as f32 / CSS_DPI;
    let pixels = |length: f32| (length * scale).round().max(1.0) as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut image = Pixmap::new(width, height).ok_or_else(|| failed(figure, &"it is too large"))?;
    image.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut image.as_mut());

    let rgb: Vec<u8> = image.data().chunks_exact(4).flat_map(|pixel| pixel.iter().copied().take(3)).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (DPI / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header().map_err(|source| failed(figure, &source))?;
    writer.write_image_data(&rgb).map_err(|source| failed(figure, &source))?;
    writer.finish().map_err(|source| failed(figure, &source))?;
    Ok(out)
}

/// A PDF of one page of the figure's size, text as text with the font embedded.
///
/// # Errors
/// When the drawing cannot be read or converted.
pub(crate) fn to_pdf(figure: &str, svg: &str) -> Result<Vec<u8>> {
    let tree = parse(figure, svg)?;
    let page = svg2pdf::PageOptions { dpi: CSS_DPI };
    svg2pdf::to_pdf(&tree, svg2pdf::ConversionOptions::default(), page).map_err(|source| failed(figure, &source))
}
