//! From the result tables of a store to the files of a report.

use std::path::PathBuf;

use clap::Args;
use faaslens_analyze::compare::compare;
use faaslens_report::figures::by_name;
use faaslens_report::page::Room;
use faaslens_report::{
    Compared, ImageFormat, Length, Options, Order, OutputFile, Palette, ReportInput, RunTables, Scale,
};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Response;
use rayon::prelude::*;

use crate::choosing;
use crate::exploring::explored;
use crate::measuring::measures;

/// Relative difference of medians that the page's comparison takes for none.
const MARGIN: f64 = 0.05;

/// How figures are drawn.
#[derive(Debug, Args)]
pub(crate) struct FigureArguments {
    /// Figure to draw; may be given several times. Every figure that there are results for when not given.
    #[arg(long = "figure", value_name = "NAME")]
    figures: Vec<String>,
    /// File formats of the figures.
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', default_value = "svg,png,pdf", value_parser = image_format)]
    format: Vec<ImageFormat>,
    /// Width of the figures, such as 3.5in, 89mm or 252pt; each figure's own when not given.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    width: Option<Length>,
    /// Font size in points, 4 to 24.
    #[arg(long, value_name = "PT", default_value_t = 8.0)]
    font_size: f64,
    /// Colours: colour (safe for colour-blind readers, survives grey print) or grey.
    #[arg(long, value_name = "PALETTE", default_value = "colour", value_parser = palette)]
    palette: Palette,
    /// Order of functions, routes and networks: name, median, or names separated by commas (the others follow).
    #[arg(long, value_name = "ORDER", default_value = "name", value_parser = order)]
    order: Order,
    /// Logarithmic time axes; each figure's own scale when neither this nor --linear is given.
    #[arg(long, conflicts_with = "linear")]
    log: bool,
    /// Linear time axes.
    #[arg(long)]
    linear: bool,
    /// Draw only rows of the figures' tables for which this SQL expression is true, such as "provider <> 'openfaas'".
    #[arg(long = "where", value_name = "SQL", requires = "figures")]
    condition: Option<String>,
    /// Draw trigger delays as published: only the part below one second, so that 1.8 s show as 0.8 s.
    #[arg(long)]
    as_published: bool,
    /// Title above each figure; none when not given.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// How the figures of a comparison or a history are drawn.
#[derive(Debug, Args)]
pub(crate) struct AnswerFigureArguments {
    /// File formats of the figures.
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', default_value = "svg,png,pdf", value_parser = image_format)]
    figure_format: Vec<ImageFormat>,
    /// Width of the figures, such as 3.5in, 89mm or 252pt; each figure's own when not given.
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    width: Option<Length>,
    /// Font size in points, 4 to 24.
    #[arg(long, value_name = "PT", default_value_t = 8.0)]
    font_size: f64,
    /// Colours: colour (safe for colour-blind readers, survives grey print) or grey.
    #[arg(long, value_name = "PALETTE", default_value = "colour", value_parser = palette)]
    palette: Palette,
    /// Title above each figure; none when not given.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

impl AnswerFigureArguments {
    /// The options of the report, checked.
    ///
    /// # Errors
    /// When a size is out of range.
    pub(crate) fn options(&self) -> anyhow::Result<Options> {
        let options = Options {
            formats: self.figure_format.clone(),
            width: self.width,
            font_pt: self.font_size,
            palette: self.palette,
            title: self.title.clone(),
            ..Options::default()
        };
        options.validate()?;
        Ok(options)
    }
}

fn named<T: Copy>(name: &str, known: &[(&str, T)]) -> Result<T, String> {
    known.iter().find(|(known, _)| *known == name).map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|&(name, _)| name).collect();
        format!("expected {}", names.join(", "))
    })
}

fn image_format(name: &str) -> Result<ImageFormat, String> {
    named(name, ImageFormat::NAMES)
}

fn palette(name: &str) -> Result<Palette, String> {
    named(name, Palette::NAMES)
}

fn order(text: &str) -> Result<Order, String> {
    text.parse().map_err(|error: faaslens_report::Error| error.to_string())
}

fn length(text: &str) -> Result<Length, String> {
    text.parse().map_err(|error: faaslens_report::Error| error.to_string())
}

impl FigureArguments {
    /// The options of the report, checked.
    ///
    /// # Errors
    /// When a figure is unknown or a size out of range.
    pub(crate) fn options(&self) -> anyhow::Result<Options> {
        let options = Options {
            figures: self.figures.clone(),
            formats: self.format.clone(),
            width: self.width,
            font_pt: self.font_size,
            palette: self.palette,
            order: self.order.clone(),
            scale: match (self.log, self.linear) {
                (true, _) => Some(Scale::Log),
                (_, true) => Some(Scale::Linear),
                _ => None,
            },
            rows: None,
            as_published: self.as_published,
            title: self.title.clone(),
        };
        options.validate()?;
        Ok(options)
    }
}

/// Result tables of a run.
///
/// # Errors
/// When a file of the store cannot be read.
pub(crate) fn tables_of(store: &Store, manifest: &Manifest) -> anyhow::Result<RunTables> {
    Ok(RunTables {
        durations: rows(store, manifest)?,
        shares: rows(store, manifest)?,
        contributions: rows(store, manifest)?,
        triggers: rows(store, manifest)?,
        publishing: rows(store, manifest)?,
        cold_starts: rows(store, manifest)?,
        phases: rows(store, manifest)?,
        boxes: rows(store, manifest)?,
        outliers: rows(store, manifest)?,
        throughput: rows(store, manifest)?,
        chains: rows(store, manifest)?,
        completeness: rows(store, manifest)?,
        stationarity: rows(store, manifest)?,
        clock_offsets: rows(store, manifest)?,
        clock_segments: rows(store, manifest)?,
        executors: rows(store, manifest)?,
        ..RunTables::new(manifest.clone())
    })
}

fn rows<R: Row>(store: &Store, manifest: &Manifest) -> anyhow::Result<Vec<R>> {
    Ok(store.rows(manifest, None)?)
}

/// Files of the report over some runs of a store.
///
/// # Errors
/// When the store cannot be read or a figure not be drawn.
pub(crate) fn render(
    store: &Store,
    manifests: &[Manifest],
    responses: Vec<Response>,
    figures: &FigureArguments,
) -> anyhow::Result<Vec<OutputFile>> {
    let mut input = input(store, manifests, responses)?;
    let room = Room::PAGE.divided(manifests.len());
    let explored: Vec<Vec<u8>> =
        manifests.par_iter().map(|manifest| explored(store, manifest, room)).collect::<anyhow::Result<_>>()?;
    for (run, explored) in input.runs.iter_mut().zip(explored) {
        run.explored = explored;
    }
    let mut options = figures.options()?;
    if let Some(condition) = &figures.condition {
        let drawn: Vec<_> = figures.figures.iter().filter_map(|name| by_name(name)).collect();
        options.rows = Some(choosing::rows(condition, &drawn, &input.runs)?);
    }
    Ok(faaslens_report::render(&input, &options)?)
}

/// Everything that the page shows but what it explores.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn input(store: &Store, manifests: &[Manifest], responses: Vec<Response>) -> anyhow::Result<ReportInput> {
    let runs = manifests.iter().map(|manifest| tables_of(store, manifest)).collect::<anyhow::Result<Vec<_>>>()?;
    let comparison = comparison(store, manifests)?;
    Ok(ReportInput { runs, responses, comparison, ..ReportInput::default() })
}

/// The first run against the first of the others that has measures in common with it.
fn comparison(store: &Store, manifests: &[Manifest]) -> anyhow::Result<Option<Compared>> {
    let Some((first, others)) = manifests.split_first() else { return Ok(None) };
    let alike = |other: &&Manifest| other.labels.get("experiment") == first.labels.get("experiment");
    let Some(second) = others.iter().find(alike) else { return Ok(None) };
    let [a, b] = [first, second].map(std::slice::from_ref);
    let options = faaslens_analyze::compare::Options { margin: MARGIN, run_noise: None };
    let Ok(found) = compare(&measures(store, a)?, &measures(store, b)?, &options) else { return Ok(None) };
    let mut notes: Vec<String> = found.warnings.iter().map(ToString::to_string).collect();
    if manifests.len() > 2 {
        notes.insert(0, "Two of the runs; faaslens compare holds any sets of runs against each other.".to_owned());
    }
    Ok(Some(Compared {
        a: vec![first.run.clone()],
        b: vec![second.run.clone()],
        rows: found.rows,
        distributions: found.distributions,
        margin: MARGIN,
        notes,
    }))
}

/// Where to look first in a report.
pub(crate) fn entry(root: &std::path::Path) -> PathBuf {
    root.join("index.html")
}
