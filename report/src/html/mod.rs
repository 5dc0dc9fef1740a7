//! The page: one self-contained file.
//!
//! Verdict, numbers, figures and tables are plain HTML and complete without scripts; the scripts (`crate::page`) add what
//! has to be explored.

mod comparison;
mod headline;
mod live;
mod topics;

use std::collections::BTreeMap;

use askama::Template;

use crate::error::Result;
use crate::escape::visible;
use crate::figures::{Figure, Scope};
use crate::input::{ReportInput, RunTables};
use crate::number::count;
use crate::options::{ImageFormat, Options};
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
    /// How figures are drawn.
    pub(crate) options: &'a Options,
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page<'a> {
    version: &'a str,
    title: String,
    policy: String,
    style: &'static str,
    script: &'static str,
    setup: String,
    blocks: Vec<live::Block>,
    runs: Vec<RunLine>,
    complete: usize,
    troubled: Vec<Trouble>,
    numbers: Vec<headline::Number>,
    sections: Vec<Section<'a>>,
    comparison: Option<comparison::Part>,
    others: Vec<TablePart>,
    stored: Vec<Stored>,
    undrawn: Vec<String>,
    methods: Vec<(&'static str, &'static str, &'static str)>,
}

/// The tables of a run that a server gives whole: name, address, rows.
struct Stored {
    run: String,
    tables: Vec<(String, String, String)>,
}

/// A section with its figures and the tables that stand beside none of them.
struct Section<'a> {
    topic: &'static topics::Topic,
    figures: Vec<FigurePart<'a>>,
    tables: Vec<TablePart>,
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
    run: Option<String>,
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
    run: Option<String>,
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
    let (sections, others) = sections(content);
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        title,
        policy: crate::page::policy(content.input.served),
        style: crate::page::style(),
        script: crate::page::script(),
        setup: live::setup(content.input),
        blocks: live::blocks(content.input),
        runs: runs.iter().zip(content.verdicts).map(|(run, verdict)| run_line(run, verdict)).collect(),
        complete: content.verdicts.iter().filter(|verdict| verdict.complete).count(),
        troubled: runs.iter().zip(content.verdicts).filter(|(_, v)| !v.complete).map(|(r, v)| trouble(r, v)).collect(),
        numbers: headline::numbers(content.input),
        methods: methods(content, &sections),
        sections,
        comparison: comparison::part(content),
        others,
        stored: if content.input.served { runs.iter().map(stored).collect() } else { Vec::new() },
        undrawn: undrawn(content.undrawn),
    };
    Ok(page.render()?)
}

/// The sections that have something to show, and the tables that belong to none.
fn sections<'a>(content: &Content<'a>) -> (Vec<Section<'a>>, Vec<TablePart>) {
    let several = content.input.runs.len() > 1;
    let beside: Vec<&str> =
        content.drawn.iter().filter_map(|drawn| table_of(drawn, content)).map(|t| t.path.as_str()).collect();
    let free: Vec<&Written> = content.tables.iter().filter(|t| !beside.contains(&t.path.as_str())).collect();
    let mut sections = Vec::new();
    for topic in topics::TOPICS {
        let figures = content.drawn.iter().filter(|drawn| topic.figures.contains(&drawn.figure.name));
        let figures: Vec<FigurePart> = figures.map(|drawn| figure(drawn, content)).collect();
        let tables = free.iter().filter(|table| topic.tables.contains(&table.name));
        let tables: Vec<TablePart> = tables.map(|table| table_part(table, several)).collect();
        if !figures.is_empty() || !tables.is_empty() {
            sections.push(Section { topic, figures, tables });
        }
    }
    let others = free.iter().filter(|table| topics::of(table.name).is_none());
    (sections, others.map(|table| table_part(table, several)).collect())
}

/// The tables of a run in the store. Ids of runs and names of tables hold no sign that an address would have to escape.
fn stored(run: &RunTables) -> Stored {
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for file in run.manifest.all_files() {
        *rows.entry(&file.table).or_default() += file.rows;
    }
    let table = |(name, rows): (&str, u64)| {
        let rows = count(i64::try_from(rows).unwrap_or(i64::MAX));
        (name.to_owned(), format!("api/table?run={}&name={name}", run.id()), rows)
    };
    Stored { run: visible(run.id()).into_owned(), tables: rows.into_iter().map(table).collect() }
}

/// How what the page shows is computed: anchor, heading, text; first the sections, then their figures.
fn methods(content: &Content, sections: &[Section]) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut all = Vec::new();
    for section in sections {
        all.push((section.topic.id, section.topic.title, section.topic.method));
        for name in section.topic.figures {
            if let Some(drawn) = content.drawn.iter().find(|drawn| drawn.figure.name == *name) {
                all.push((drawn.figure.name, drawn.figure.description, drawn.figure.method));
            }
        }
    }
    all
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
        run: drawn.run.as_deref().filter(|_| several).map(|run| visible(run).into_owned()),
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
        run: table.run.as_deref().filter(|_| with_folder).map(|run| visible(run).into_owned()),
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
