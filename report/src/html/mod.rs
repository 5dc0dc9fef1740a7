//! The page: one self-contained file without scripts.

mod headline;

use std::collections::BTreeMap;

use askama::Template;

use crate::error::Result;
use crate::escape::visible;
use crate::figures::{Figure, Scope};
use crate::input::{ReportInput, RunTables};
use crate::number::count;
use crate::options::ImageFormat;
use crate::render::Drawn;
use crate::results::Written;
use crate::tables::Sheet;
use crate::verdict::{Reason, Verdict};

/// Rows of a table that the page shows; its file holds all.
const ROW_LIMIT: usize = 100;
/// Reasons of one run that the page names.
const REASON_LIMIT: usize = 20;

/// What the page is made of.
pub(crate) struct Content<'a> {
    pub(crate) input: &'a ReportInput,
    pub(crate) verdicts: &'a [Verdict],
    pub(crate) drawn: &'a [&'a Drawn],
    /// Figures without anything to draw, with their run.
    pub(crate) undrawn: &'a [(&'a Figure, &'a str)],
    pub(crate) tables: &'a [Written],
    /// Formats that figures are written in.
    pub(crate) formats: &'a [ImageFormat],
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page<'a> {
    version: &'a str,
    title: String,
    runs: Vec<RunLine>,
    complete: usize,
    troubled: Vec<Trouble>,
    numbers: Vec<headline::Number>,
    figures: Vec<FigurePart<'a>>,
    others: Vec<TablePart>,
    undrawn: Vec<String>,
}

/// One run in the list of what was run.
struct RunLine {
    id: String,
    window: String,
    labels: String,
    sources: String,
    collected_by: String,
    verdict: &'static str,
}

/// A run that is not complete.
struct Trouble {
    run: String,
    reasons: Vec<Reason>,
    more: usize,
}

/// A figure with its table.
struct FigurePart<'a> {
    heading: String,
    svg: &'a str,
    caption: Vec<String>,
    links: Vec<Link>,
    table: Option<TablePart>,
}

struct Link {
    name: &'static str,
    path: String,
}

/// A table, cut to what a page can hold.
struct TablePart {
    name: String,
    headings: Vec<(String, bool)>,
    rows: Vec<Vec<(String, bool)>>,
    left_out: usize,
    links: Vec<Link>,
}

/// The page as HTML.
///
/// # Errors
/// When the template fails, which is a defect.
pub(crate) fn page(content: &Content) -> Result<String> {
    let runs = &content.input.runs;
    let title = match runs.as_slice() {
        [] => "no runs".to_owned(),
        [run] => visible(run.id()).into_owned(),
        more => format!("{} runs", more.len()),
    };
    let shown: Vec<FigurePart> = content.drawn.iter().map(|drawn| figure(drawn, content)).collect();
    let beside: Vec<&str> =
        content.drawn.iter().filter_map(|drawn| table_of(drawn, content)).map(|t| t.path.as_str()).collect();
    let others = content.tables.iter().filter(|table| !beside.contains(&table.path.as_str()));
    let several = runs.len() > 1;
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        title,
        runs: runs.iter().zip(content.verdicts).map(|(run, verdict)| run_line(run, verdict)).collect(),
        complete: content.verdicts.iter().filter(|verdict| verdict.complete).count(),
        troubled: runs.iter().zip(content.verdicts).filter(|(_, v)| !v.complete).map(|(r, v)| trouble(r, v)).collect(),
        numbers: headline::numbers(content.input),
        figures: shown,
        others: others.map(|table| table_part(table, several)).collect(),
        undrawn: undrawn(content.undrawn),
    };
    Ok(page.render()?)
}

fn run_line(run: &RunTables, verdict: &Verdict) -> RunLine {
    let manifest = &run.manifest;
    let labels = manifest.labels.iter().map(|(key, value)| format!("{key}={value}"));
    let options = manifest.analysis.iter().flat_map(|analysis| &analysis.options);
    let complete_only = options.filter(|(key, _)| *key == "complete_only").map(|_| "complete traces only".to_owned());
    let labels = labels.chain(complete_only).collect::<Vec<_>>().join(", ");
    let records: u64 = manifest.sources.iter().map(|source| source.records).sum();
    let files = match manifest.sources.len() {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    RunLine {
        id: visible(run.id()).into_owned(),
        window: manifest
            .window
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |w| format!("{} to {}", visible(&w.from), visible(&w.to))),
        labels: visible(&labels).into_owned(),
        sources: format!("{} records in {files}", count(i64::try_from(records).unwrap_or(i64::MAX))),
        collected_by: visible(&manifest.tool_version).into_owned(),
        verdict: match (verdict.complete, verdict.reasons.is_empty()) {
            (true, _) => "complete",
            (false, true) => "not checked",
            (false, false) => "not complete",
        },
    }
}

fn trouble(run: &RunTables, verdict: &Verdict) -> Trouble {
    let mut reasons: Vec<Reason> = verdict
        .reasons
        .iter()
        .map(|reason| Reason { what: visible(&reason.what).into_owned(), remedy: reason.remedy })
        .collect();
    if reasons.is_empty() {
        reasons.push(Reason { what: "nothing was counted for this run".to_owned(), remedy: "analyze the run" });
    }
    let more = reasons.len().saturating_sub(REASON_LIMIT);
    reasons.truncate(REASON_LIMIT);
    Trouble { run: visible(run.id()).into_owned(), reasons, more }
}

fn figure<'a>(drawn: &'a Drawn, content: &Content) -> FigurePart<'a> {
    let several = content.input.runs.len() > 1;
    let heading = match &drawn.run {
        Some(run) if several => format!("{}: {}", drawn.figure.description, visible(run)),
        _ => drawn.figure.description.to_owned(),
    };
    let formats =
        ImageFormat::NAMES.iter().filter(|(_, format)| content.formats.contains(format)).map(|&(name, _)| name);
    let links = formats.chain(["csv", "txt"]).map(|name| Link { name, path: href(&format!("{}.{name}", drawn.path)) });
    FigurePart {
        heading,
        svg: &drawn.drawing.svg,
        caption: drawn.caption.lines().skip(1).map(str::to_owned).collect(),
        links: links.collect(),
        table: table_of(drawn, content).map(|table| table_part(table, false)),
    }
}

/// The table that stands beside a figure.
fn table_of<'a>(drawn: &Drawn, content: &Content<'a>) -> Option<&'a Written> {
    let folder = match drawn.figure.scope {
        Scope::Run => format!("tables/{}/", crate::escape::file_name(drawn.run.as_deref()?)),
        Scope::Pooled => "tables/".to_owned(),
    };
    let path = format!("{folder}{}", drawn.figure.table?);
    content.tables.iter().find(|table| table.path == path)
}

fn table_part(table: &Written, with_folder: bool) -> TablePart {
    let sheet: &Sheet = &table.brief;
    let numeric = |column: usize| sheet.headings.get(column).is_some_and(|heading| heading.numeric);
    let row = |row: &Vec<String>| {
        row.iter().enumerate().map(|(column, cell)| (visible(cell).into_owned(), numeric(column))).collect()
    };
    let name = if with_folder { table.path.trim_start_matches("tables/").to_owned() } else { table.name.to_owned() };
    let links = [("csv", "csv"), ("Markdown", "md"), ("LaTeX", "tex")];
    TablePart {
        name,
        headings: sheet.headings.iter().map(|h| (visible(&h.name).into_owned(), h.numeric)).collect(),
        rows: sheet.rounded().iter().take(ROW_LIMIT).map(row).collect(),
        left_out: sheet.rows.len().saturating_sub(ROW_LIMIT),
        links: links.map(|(name, extension)| Link { name, path: href(&format!("{}.{extension}", table.path)) }).into(),
    }
}

/// A relative address of one of the report's files.
fn href(path: &str) -> String {
    path.replace('%', "%25")
}

/// One line a figure: where there was nothing to draw.
fn undrawn(figures: &[(&Figure, &str)]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, (&Figure, usize)> = BTreeMap::new();
    for (figure, _) in figures {
        by_name.entry(figure.name).or_insert((figure, 0)).1 += 1;
    }
    let line = |(figure, runs): (&Figure, usize)| {
        let of = if figure.scope == Scope::Run && runs > 1 { format!(" in {runs} runs") } else { String::new() };
        format!("{} ({}): nothing in {}{of}", figure.name, figure.description, figure.needs.join(", "))
    };
    by_name.into_values().map(line).collect()
}
