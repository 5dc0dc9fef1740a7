//! A file that says which figures to draw and how, kept with the paper that shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use faaslens_report::figures::{Figure, by_name, names};
use faaslens_report::{ImageFormat, Length, Options, Order, OutputFile, Palette, ReportInput, RunTables, Scale};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use serde::Deserialize;

use crate::outcome::wrong_use;
use crate::rendering::tables_of;
use crate::{choosing, selection};

/// The file: settings of all figures, then the figures.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    defaults: Wishes,
    figure: Vec<Wishes>,
}

/// What a figure is to be like; also the defaults of all figures.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    /// Figure, as `--figure` names it.
    name: Option<String>,
    /// Path of its files below the output folder, without extension; its name when not given.
    file: Option<String>,
    /// Runs: ids, globs, `key=value`; all when not given.
    runs: Option<Names>,
    format: Option<Names>,
    width: Option<String>,
    font_size: Option<f64>,
    palette: Option<String>,
    order: Option<Names>,
    scale: Option<String>,
    #[serde(rename = "where")]
    condition: Option<String>,
    title: Option<String>,
    as_published: Option<bool>,
}

/// One name or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn joined(&self) -> String {
        match self {
            Self::One(name) => name.clone(),
            Self::Several(names) => names.join(","),
        }
    }

    fn list(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::Several(names) => names.clone(),
        }
    }
}

/// Draws the figures that a file asks for.
///
/// # Errors
/// Wrong use when the file asks for something that does not exist; the message names the file and the figure.
pub(crate) fn render(path: &Path, store: &Store, manifests: &[Manifest]) -> anyhow::Result<Vec<OutputFile>> {
    let shown = path.display();
    let text = std::fs::read(path).with_context(|| format!("{shown}: cannot read"))?;
    let plan: File = basic_toml::from_slice(&text).map_err(|error| wrong_use(format!("{shown}: {error}")))?;
    if plan.defaults.name.is_some() || plan.defaults.file.is_some() {
        return Err(wrong_use(format!("{shown}: name and file belong to a [[figure]], not to [defaults]")));
    }
    let mut tables = BTreeMap::new();
    let mut files: Vec<OutputFile> = Vec::new();
    for (number, figure) in (1..).zip(&plan.figure) {
        let drawn = figure.over(&plan.defaults).draw(store, manifests, &mut tables);
        let place = || format!("{shown}: figure {number} ({})", figure.name.as_deref().unwrap_or("without a name"));
        files.extend(drawn.with_context(place)?);
    }
    let mut paths = BTreeSet::new();
    match files.iter().find(|file| !paths.insert(&file.path)) {
        Some(twice) => Err(wrong_use(format!("{shown}: two figures would be written to {}", twice.path))),
        None => Ok(files),
    }
}

impl Wishes {
    /// These wishes, and the defaults where there are none.
    fn over(&self, defaults: &Self) -> Self {
        let (own, rest) = (self.clone(), defaults.clone());
        Self {
            name: own.name,
            file: own.file,
            runs: own.runs.or(rest.runs),
            format: own.format.or(rest.format),
            width: own.width.or(rest.width),
            font_size: own.font_size.or(rest.font_size),
            palette: own.palette.or(rest.palette),
            order: own.order.or(rest.order),
            scale: own.scale.or(rest.scale),
            condition: own.condition.or(rest.condition),
            title: own.title.or(rest.title),
            as_published: own.as_published.or(rest.as_published),
        }
    }

    fn draw(
        &self,
        store: &Store,
        manifests: &[Manifest],
        tables: &mut BTreeMap<String, RunTables>,
    ) -> anyhow::Result<Vec<OutputFile>> {
        let figure = self.figure()?;
        let chosen = match &self.runs {
            Some(runs) => selection::runs(&runs.joined(), manifests)?,
            None => manifests.to_vec(),
        };
        let mut runs = Vec::new();
        for manifest in &chosen {
            if !tables.contains_key(&manifest.run) {
                tables.insert(manifest.run.clone(), tables_of(store, manifest)?);
            }
            runs.extend(tables.get(&manifest.run).cloned());
        }
        let mut options = self.options()?;
        if let Some(condition) = &self.condition {
            options.rows = Some(choosing::rows(condition, &[figure], &runs)?);
        }
        let file = self.file.as_deref().unwrap_or(figure.name);
        let input = ReportInput { runs, ..ReportInput::default() };
        Ok(faaslens_report::render_figure(&input, figure, file, &options)?)
    }

    fn figure(&self) -> anyhow::Result<&'static Figure> {
        let known = || names().join(", ");
        let name = self.name.as_deref().ok_or_else(|| wrong_use(format!("expected a name, one of: {}", known())))?;
        by_name(name).ok_or_else(|| wrong_use(format!("unknown figure {name:?}, expected one of: {}", known())))
    }

    fn options(&self) -> anyhow::Result<Options> {
        let usual = Options::default();
        let formats = self.format.as_ref().map(|formats| {
            formats.list().iter().map(|name| named("format", name, ImageFormat::NAMES)).collect::<anyhow::Result<_>>()
        });
        let palette = self.palette.as_deref().map(|name| named("palette", name, Palette::NAMES)).transpose()?;
        let options = Options {
            formats: formats.transpose()?.unwrap_or(usual.formats),
            width: self.width.as_deref().map(str::parse::<Length>).transpose()?,
            font_pt: self.font_size.unwrap_or(usual.font_pt),
            palette: palette.unwrap_or(usual.palette),
            order: self.order.as_ref().map_or(Ok(Order::Name), |order| order.joined().parse())?,
            scale: self.scale.as_deref().map(|name| named("scale", name, Scale::NAMES)).transpose()?,
            as_published: self.as_published.unwrap_or(false),
            title: self.title.clone(),
            ..Options::default()
        };
        options.validate()?;
        Ok(options)
    }
}

fn named<T: Copy>(what: &str, name: &str, known: &[(&str, T)]) -> anyhow::Result<T> {
    known.iter().find(|(known, _)| *known == name).map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|&(name, _)| name).collect();
        wrong_use(format!("{what} {name:?}: expected {}", names.join(", ")))
    })
}
