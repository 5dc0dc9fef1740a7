//! Which result tables a report writes, and as what.

use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{
    ClockOffset, ClockSegment, ColdStart, Completeness, Contribution, Duration, Executor, Publishing, Response, Share,
    Stationarity, Throughput, Trigger, TukeyBox,
};

use crate::error::Result;
use crate::input::{OutputFile, ReportInput, RunTables};
use crate::tables::{self, Format, Sheet, table_one};

/// Formats that every table is written in.
const FORMATS: [Format; 3] = [Format::Csv, Format::Markdown, Format::Latex];

/// A table that a report writes, `full` for programs and `brief` for people.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Path without extension.
    pub(crate) path: String,
    /// Name of the table.
    pub(crate) name: &'static str,
    /// Run, for a table of one run.
    pub(crate) run: Option<String>,
    full: Sheet,
    /// Rows worth reading: without those by second or, of contributions, by route.
    pub(crate) brief: Sheet,
}

impl Written {
    pub(crate) fn files(&self) -> Vec<OutputFile> {
        let file = |format: Format| {
            let sheet = if format == Format::Csv { &self.full } else { &self.brief };
            let path = format!("{}.{}", self.path, format.extension());
            OutputFile { path, bytes: tables::write(sheet, format).into_bytes() }
        };
        FORMATS.map(file).into()
    }
}

fn sheet<R: Row>(rows: &[R]) -> Result<Sheet> {
    Sheet::from_batch(&R::to_batch(rows)?)
}

/// The tables of one run that have rows.
pub(crate) fn of_run(run: &RunTables, folder: &str) -> Result<Vec<Written>> {
    let totals: Vec<Completeness> = run.completeness.iter().filter(|row| row.verdict.is_some()).cloned().collect();
    let completeness = sheet(&run.completeness)?;
    let overall: Vec<Contribution> = run.contributions.iter().filter(|row| &*row.scope == "overall").cloned().collect();
    let network: Vec<TukeyBox> = run.boxes.iter().filter(|row| &*row.measure == "network").cloned().collect();
    let all = [
        (Duration::TABLE.name, sheet(&run.durations)?, None),
        (Share::TABLE.name, sheet(&run.shares)?, None),
        (Contribution::TABLE.name, sheet(&run.contributions)?, Some(sheet(&overall)?)),
        (Trigger::TABLE.name, sheet(&run.triggers)?, None),
        (Publishing::TABLE.name, sheet(&run.publishing)?, None),
        (ColdStart::TABLE.name, sheet(&run.cold_starts)?, None),
        (Stationarity::TABLE.name, sheet(&run.stationarity)?, None),
        (Completeness::TABLE.name, completeness, Some(sheet(&totals)?)),
        ("network", sheet(&network)?, None),
        (ClockOffset::TABLE.name, sheet(&run.clock_offsets)?, None),
        (ClockSegment::TABLE.name, sheet(&run.clock_segments)?, None),
        (Executor::TABLE.name, sheet(&run.executors)?, None),
    ];
    let written = all.into_iter().filter(|(_, full, _)| !full.rows.is_empty()).map(|(name, full, brief)| Written {
        path: format!("tables/{folder}/{name}"),
        name,
        run: Some(run.id().to_owned()),
        brief: brief.unwrap_or_else(|| full.clone()).with_intervals(),
        full,
    });
    Ok(written.collect())
}

/// The tables that pool runs and have rows.
pub(crate) fn pooled(input: &ReportInput) -> Result<Vec<Written>> {
    let mut throughput = Sheet::default();
    for run in input.runs.iter().filter(|run| !run.throughput.is_empty()) {
        let of_run = sheet(&run.throughput)?.with_first("run", run.id());
        throughput.headings = of_run.headings;
        throughput.rows.extend(of_run.rows);
    }
    let all = [
        ("table-1", table_one::sheet(&input.responses)),
        (Response::TABLE.name, sheet(&input.responses)?),
        (Throughput::TABLE.name, throughput),
    ];
    let written = all.into_iter().filter(|(_, full)| !full.rows.is_empty()).map(|(name, full)| Written {
        path: format!("tables/{name}"),
        name,
        run: None,
        brief: full.clone().with_intervals(),
        full,
    });
    Ok(written.collect())
}
