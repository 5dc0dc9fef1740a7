//! `faaslens inspect`: one call tree in the terminal.

use std::fmt::Write;

use clap::Args;
use faaslens_report::escape::visible;
use faaslens_schemas::arrow::array::{AsArray, BooleanArray};
use faaslens_schemas::arrow::compute::filter_record_batch;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::{Store, part_of};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Trace;
use serde::Serialize;

use crate::cli::{RunArguments, warn_of_missing_analysis};
use crate::outcome::{Outcome, wrong_use};
use crate::printer::Printer;
use crate::tree::{self, Edge, Node, Operation, Rows};

/// Rows of one batch while searching.
const BATCH_ROWS: usize = 1 << 13;

const EXAMPLES: &str = "\
Example, the slowest request of a run:
  faaslens query --store store --run webservice-1 \"SELECT context_id, client_ms FROM traces ORDER BY client_ms DESC LIMIT 1\"
  faaslens inspect CONTEXT --store store --run webservice-1

A star marks the critical path: what the end of the root depended on.";

/// Shows the call tree of one context with durations, cold starts and its critical path.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Context ID: one function chain, as in the column `context_id`.
    #[arg(value_name = "CONTEXT")]
    context: String,
    #[command(flatten)]
    runs: RunArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The trees of a context in one run.
#[derive(Debug, Serialize)]
struct Found {
    run: String,
    context_id: String,
    client_ms: Option<f64>,
    root_ms: Option<f64>,
    compute_ms: Option<f64>,
    network_ms: Option<f64>,
    db_ms: Option<f64>,
    cold_ms: Option<f64>,
    trigger_ms: Option<f64>,
    complete: Option<bool>,
    issues: Option<String>,
    trees: Vec<Edge>,
}

impl Arguments {
    /// Prints the trees of the context in every chosen run that has it.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let (store, manifests) = self.runs.select(printer)?;
        warn_of_missing_analysis(&manifests, printer);
        let mut found = Vec::new();
        for manifest in &manifests {
            found.extend(self.find(&store, manifest)?);
        }
        if found.is_empty() {
            let runs: Vec<&str> = manifests.iter().map(|manifest| manifest.run.as_str()).collect();
            return Err(wrong_use(format!(
                "no context {:?} in the analyzed runs of {}",
                self.context,
                runs.join(", ")
            )));
        }
        if self.json {
            printer.json(&found)?;
        } else {
            let texts: Vec<String> = found.iter().map(|found| draw(found, printer.colour())).collect();
            printer.text(&texts.join("\n"))?;
        }
        Ok(Outcome::Done)
    }

    fn find(&self, store: &Store, manifest: &Manifest) -> anyhow::Result<Option<Found>> {
        let rows = Rows {
            invocations: self.rows(store, manifest)?,
            calls: self.rows(store, manifest)?,
            db_calls: self.rows(store, manifest)?,
        };
        let trace: Option<Trace> = self.rows(store, manifest)?.into_iter().next();
        if trace.is_none() && rows.invocations.is_empty() {
            return Ok(None);
        }
        let trees = tree::build(&rows);
        let trace = trace.as_ref();
        Ok(Some(Found {
            run: manifest.run.clone(),
            context_id: self.context.clone(),
            client_ms: trace.and_then(|trace| trace.client_ms),
            root_ms: trace.and_then(|trace| trace.root_ms),
            compute_ms: trace.and_then(|trace| trace.compute_ms),
            network_ms: trace.and_then(|trace| trace.network_ms),
            db_ms: trace.and_then(|trace| trace.db_ms),
            cold_ms: trace.and_then(|trace| trace.cold_ms),
            trigger_ms: trace.and_then(|trace| trace.trigger_ms),
            complete: trace.map(|trace| trace.complete),
            issues: trace.and_then(|trace| trace.issues.as_ref()).map(ToString::to_string),
            trees,
        }))
    }

    /// The context's rows of a table; only its part is read.
    fn rows<R: Row>(&self, store: &Store, manifest: &Manifest) -> anyhow::Result<Vec<R>> {
        let part = part_of(self.context.as_bytes(), manifest.parts);
        let mut rows = Vec::new();
        for path in store.files(manifest, R::TABLE, Some(part)) {
            for batch in Store::batches(&path, &[], BATCH_ROWS)? {
                let batch = batch?;
                let contexts = batch.column_by_name("context_id").and_then(|column| column.as_string_opt::<i32>());
                let Some(contexts) = contexts else { continue };
                let wanted: BooleanArray = contexts.iter().map(|id| Some(id == Some(&*self.context))).collect();
                let chosen = filter_record_batch(&batch, &wanted)?;
                rows.extend(R::from_batch(&chosen)?);
            }
        }
        Ok(rows)
    }
}

/// A duration, or `n/a`.
fn ms(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3} ms"))
}

fn draw(found: &Found, colour: bool) -> String {
    let mut text = format!(
        "context {} of run {}: client {}, root {}\n",
        visible(&found.context_id),
        visible(&found.run),
        ms(found.client_ms),
        ms(found.root_ms)
    );
    let parts = [
        ("compute", found.compute_ms),
        ("network", found.network_ms),
        ("database", found.db_ms),
        ("cold start", found.cold_ms),
        ("trigger (after the root)", found.trigger_ms),
    ];
    let known: Vec<String> =
        parts.iter().filter_map(|(name, value)| value.map(|value| format!("{name} {}", ms(Some(value))))).collect();
    text.push_str(&known.join(", "));
    text.push('\n');
    if let Some(issues) = &found.issues {
        writeln!(text, "incomplete: {}", visible(issues)).unwrap_or_default();
    }
    let mut pen = Pen { text, colour };
    for tree in &found.trees {
        pen.edge(tree, "", "", "");
    }
    pen.text
}

/// Draws trees line by line.
struct Pen {
    text: String,
    colour: bool,
}

impl Pen {
    /// A call and what is under it: `lead` goes before its own line, `indent` before the lines under it.
    fn edge(&mut self, edge: &Edge, lead: &str, branch: &str, indent: &str) {
        let mut line = match &edge.callee {
            Some(node) => describe(node),
            None => format!("{}  (callee missing)", visible(&edge.function)),
        };
        if edge.kind == "async" {
            write!(line, "  event after {}", ms(edge.trigger_delay_ms)).unwrap_or_default();
        } else if edge.call_ms.is_some() {
            let who = if edge.kind == "root" { "client" } else { "call" };
            write!(line, "  {who} {}, network {}", ms(edge.call_ms), ms(edge.network_ms)).unwrap_or_default();
        }
        self.line(&format!("{lead}{branch}"), edge.critical, &line);
        let Some(node) = &edge.callee else { return };
        for (i, operation) in node.operations.iter().enumerate() {
            let last = i + 1 == node.operations.len();
            let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            match operation {
                Operation::Call(edge) => self.edge(edge, indent, branch, &format!("{indent}{below}")),
                Operation::Db(db) => {
                    let line = format!("db {}  {}", visible(&db.action), ms(db.duration_ms));
                    self.line(&format!("{indent}{branch}"), db.critical, &line);
                }
            }
        }
    }

    fn line(&mut self, lead: &str, critical: bool, line: &str) {
        let star = if critical { "* " } else { "  " };
        let (on, off) = if critical && self.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        writeln!(self.text, "{lead}{on}{star}{line}{off}").unwrap_or_default();
    }
}

/// An invocation in one line.
fn describe(node: &Node) -> String {
    let mut line = visible(&node.function).into_owned();
    if let Some(route) = &node.route {
        write!(line, " {}", visible(route)).unwrap_or_default();
    }
    let start = node.since_root_ms;
    write!(line, "  {}  +{start:.3} ms  {}", visible(&node.provider), ms(node.duration_ms)).unwrap_or_default();
    let shares = [("compute", node.compute_ms), ("network", node.network_ms), ("db", node.db_ms)];
    let known: Vec<String> =
        shares.iter().filter_map(|(name, value)| value.map(|value| format!("{name} {value:.3}"))).collect();
    if !known.is_empty() {
        write!(line, " ({})", known.join(", ")).unwrap_or_default();
    }
    if node.cold == Some(true) {
        line.push_str("  COLD");
    }
    if let Some(issues) = &node.issues {
        write!(line, "  [{}]", visible(issues)).unwrap_or_default();
    }
    line
}
