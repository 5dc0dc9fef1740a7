//! From tables to the files of a report.

use rayon::prelude::*;

use crate::canvas::{to_pdf, to_png};
use crate::error::{Error, Result};
use crate::escape;
use crate::figures::{Drawing, FIGURES, Figure, Look, Scope};
use crate::html;
use crate::input::{OutputFile, ReportInput, RunTables};
use crate::options::{ImageFormat, Options, RowChoice};
use crate::results::{self, Written};
use crate::verdict::{self, Verdict};

/// One drawing to be made.
struct Job<'a> {
    figure: &'static Figure,
    runs: Vec<&'a RunTables>,
    /// Path without extension.
    path: String,
}

/// A drawing that was made, with what the page says about it.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) figure: &'static Figure,
    /// Run, for a figure of one run.
    pub(crate) run: Option<String>,
    /// Path without extension.
    pub(crate) path: String,
    pub(crate) drawing: Drawing,
    pub(crate) caption: String,
}

/// Makes every file of a report: `tables/`, `figures/` and `index.html`.
///
/// Figures of one run lie in `figures/<run>/`, those that pool runs in `figures/`; each has a caption (`.txt`) and
/// what it draws (`.csv`) beside it. Tables lie in `tables/<run>/` and `tables/` likewise. A table without rows is
/// not written, a figure without anything to draw is named in the page. The same input and options give the same
/// bytes in the same order, whatever the number of threads.
///
/// # Errors
/// When the options are out of range, a figure is unknown or a drawing cannot be converted.
pub fn render(input: &ReportInput, options: &Options) -> Result<Vec<OutputFile>> {
    options.validate()?;
    let verdicts: Vec<Verdict> = input.runs.iter().map(verdict::of).collect();
    let jobs = jobs(input, options);
    let outcomes: Vec<(&Job, Option<Drawn>)> =
        jobs.par_iter().map(|job| (job, draw(job, input, &verdicts, options))).collect();
    let drawn: Vec<&Drawn> = outcomes.iter().filter_map(|(_, drawn)| drawn.as_ref()).collect();
    let undrawn: Vec<(&Figure, &str)> = outcomes
        .iter()
        .filter(|(_, drawn)| drawn.is_none())
        .map(|(job, _)| {
            (job.figure, if job.figure.scope == Scope::Run { job.runs.first().map_or("", |run| run.id()) } else { "" })
        })
        .collect();

    let images =
        |drawn: &&Drawn| image_files(&drawn.path, drawn.figure.name, &drawn.drawing, &drawn.caption, &options.formats);
    let images: Vec<Vec<OutputFile>> = drawn.par_iter().map(images).collect::<Result<_>>()?;
    let tables = written_tables(input)?;
    let page = html::page(&html::Content {
        input,
        verdicts: &verdicts,
        drawn: &drawn,
        undrawn: &undrawn,
        tables: &tables,
        formats: &options.formats,
        options,
    })?;

    let mut files: Vec<OutputFile> = tables.iter().flat_map(Written::files).collect();
    files.extend(images.into_iter().flatten());
    files.push(OutputFile { path: "index.html".to_owned(), bytes: page.into_bytes() });
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Makes the files of one figure: `<file>.svg` and so on, for a figure of one run with `-<run>` where several runs are
/// given; beside each its caption (`.txt`) and what it draws (`.csv`).
///
/// # Errors
/// As [`render`], and when there is nothing to draw.
pub fn render_figure(
    input: &ReportInput,
    figure: &'static Figure,
    file: &str,
    options: &Options,
) -> Result<Vec<OutputFile>> {
    options.validate()?;
    let verdicts: Vec<Verdict> = input.runs.iter().map(verdict::of).collect();
    let several = input.runs.len() > 1;
    let jobs = match figure.scope {
        Scope::Pooled => vec![Job { figure, runs: input.runs.iter().collect(), path: file.to_owned() }],
        Scope::Run => {
            let path = |run: &RunTables| {
                if several { format!("{file}-{}", escape::file_name(run.id())) } else { file.to_owned() }
            };
            input.runs.iter().map(|run| Job { figure, runs: vec![run], path: path(run) }).collect()
        }
    };
    let mut files = Vec::new();
    for job in jobs {
        let drawn = draw(&job, input, &verdicts, options).ok_or_else(|| Error::Nothing {
            figure: figure.name,
            path: job.path.clone(),
            condition: options.rows.as_ref().map_or(String::new(), |rows| format!(" where {}", rows.condition)),
        })?;
        files.extend(image_files(&drawn.path, figure.name, &drawn.drawing, &drawn.caption, &options.formats)?);
    }
    Ok(files)
}

/// The runs of a job with the chosen rows only.
fn chosen(job: &Job, rows: &RowChoice) -> Vec<RunTables> {
    let of = |run: &&RunTables| {
        let mut run = (*run).clone();
        for &table in job.figure.needs {
            if let Some(kept) = rows.kept.get(&(run.id().to_owned(), table)) {
                run.keep(table, kept);
            }
        }
        run
    };
    job.runs.iter().map(of).collect()
}

fn written_tables(input: &ReportInput) -> Result<Vec<Written>> {
    let mut tables = results::pooled(input)?;
    for run in &input.runs {
        tables.extend(results::of_run(run, &escape::file_name(run.id()))?);
    }
    Ok(tables)
}

fn jobs<'a>(input: &'a ReportInput, options: &Options) -> Vec<Job<'a>> {
    let wanted = |figure: &&&'static Figure| {
        options.figures.is_empty() || options.figures.iter().any(|name| name == figure.name)
    };
    let mut jobs = Vec::new();
    for &figure in FIGURES.iter().filter(wanted) {
        match figure.scope {
            Scope::Pooled => {
                jobs.push(Job { figure, runs: input.runs.iter().collect(), path: format!("figures/{}", figure.name) });
            }
            Scope::Run => jobs.extend(input.runs.iter().map(|run| {
                let path = format!("figures/{}/{}", escape::file_name(run.id()), figure.name);
                Job { figure, runs: vec![run], path }
            })),
        }
    }
    jobs
}

fn draw(job: &Job, input: &ReportInput, verdicts: &[Verdict], options: &Options) -> Option<Drawn> {
    let run = (job.figure.scope == Scope::Run).then(|| job.runs.first().map(|run| run.id().to_owned())).flatten();
    let title = match &run {
        Some(run) => format!("{}, run {run}", job.figure.description),
        None => job.figure.description.to_owned(),
    };
    let place = input.runs.iter().position(|other| Some(other.id()) == run.as_deref()).unwrap_or(0);
    let look = Look { options, title };
    let narrowed = options.rows.as_ref().map(|rows| chosen(job, rows));
    let runs: Vec<&RunTables> = narrowed.as_ref().map_or_else(|| job.runs.clone(), |runs| runs.iter().collect());
    let drawing = (job.figure.draw)(&runs, &look)?;
    let concerned: Vec<&Verdict> = match run {
        Some(_) => verdicts.get(place).into_iter().collect(),
        None => verdicts.iter().collect(),
    };
    let caption = caption(job, &drawing, &concerned, (run.as_deref(), options));
    Some(Drawn { figure: job.figure, run, path: job.path.clone(), drawing, caption })
}

/// The caption: what, of which run, n, unit, method, completeness, what was left out.
fn caption(job: &Job, drawing: &Drawing, verdicts: &[&Verdict], (run, options): (Option<&str>, &Options)) -> String {
    let subject = match run {
        Some(run) => format!("{}. Run {}.", job.figure.description, escape::visible(run)),
        None if job.runs.len() == 1 => format!("{}. 1 run.", job.figure.description),
        None => format!("{}. {} runs.", job.figure.description, job.runs.len()),
    };
    let mut lines = vec![
        subject,
        format!("n = {} {}; unit: {}.", crate::number::count(drawing.n), drawing.counted, drawing.unit),
        format!("Method: {}", job.figure.method),
        format!("Completeness: {}", completeness(drawing, verdicts)),
    ];
    lines.extend(
        options.rows.as_ref().map(|rows| format!("Rows: only those where {}.", escape::visible(&rows.condition))),
    );
    lines.extend(drawing.notes.iter().map(|note| format!("Note: {note}")));
    lines.push(format!("After {}. Drawn by faaslens {}.", job.figure.after, env!("CARGO_PKG_VERSION")));
    lines.join("\n") + "\n"
}

fn completeness(drawing: &Drawing, verdicts: &[&Verdict]) -> String {
    let lacking = verdicts.iter().filter(|verdict| !verdict.complete).count();
    match (drawing.complete, lacking) {
        (Some(true) | None, 0) => "nothing is known to be missing.".to_owned(),
        (Some(true), _) => "nothing that is drawn is known to be incomplete, but parts of the run are.".to_owned(),
        (Some(false), 0) => {
            "no record is known to be missing, but some invocations under it never ended (their handlers threw)."
                .to_owned()
        }
        (Some(false), _) => "rests on incomplete data; the page says what is missing.".to_owned(),
        (None, _) if verdicts.len() == 1 => "the run is not complete; the page says what is missing.".to_owned(),
        (None, n) => {
            format!("{n} of {} runs are not complete or were not checked; the page says which.", verdicts.len())
        }
    }
}

/// The files of a drawing: its caption, what it draws, and the images. `path` has no extension.
pub(crate) fn image_files(
    path: &str,
    figure: &str,
    drawing: &Drawing,
    caption: &str,
    formats: &[ImageFormat],
) -> Result<Vec<OutputFile>> {
    let svg = &drawing.svg;
    let mut files = vec![
        OutputFile { path: format!("{path}.txt"), bytes: caption.as_bytes().to_vec() },
        OutputFile { path: format!("{path}.csv"), bytes: drawing.csv.clone().into_bytes() },
    ];
    for &(extension, format) in ImageFormat::NAMES.iter().filter(|(_, format)| formats.contains(format)) {
        let bytes = match format {
            ImageFormat::Svg => svg.clone().into_bytes(),
            ImageFormat::Png => to_png(figure, svg)?,
            ImageFormat::Pdf => to_pdf(figure, svg)?,
        };
        files.push(OutputFile { path: format!("{path}.{extension}"), bytes });
    }
    Ok(files)
}
