//! One part's events become invocations, calls, database operations and traces (the map step).
//!
//! 1. `entries`: batches to compact entries; distinct texts become numbers.
//! 2. `tree`: the entries of one context become invocations and operations; `spans` joins start, end and measure.
//! 3. `links`: callers find callees by pair ID, invocations find their root.
//! 4. `wall`, `path`: where the time went.
//! 5. `emit`, `calls`, `segments`, `seen`: rows of the tables, slim [`Facts`], completeness.
//!
//! Contexts are independent of each other and never straddle parts, so parts are assembled in parallel. The rows are
//! sorted by context, then start, then ids: the same events in any order, in any number of parts, give the same rows.
//!
//! ```
//! use faaslens_analyze::assembly::{Options, PartInput, RunContext, assemble};
//!
//! let run = RunContext::new(&[], true);
//! let output = assemble(&PartInput::default(), &run, &Options::default())?;
//! assert_eq!(output.invocations.num_rows(), 0);
//! # Ok::<(), faaslens_schemas::Error>(())
//! ```

mod calls;
mod clock;
mod columns;
mod emit;
mod entries;
mod issues;
mod legs;
mod links;
mod one_way;
mod path;
mod run;
mod seen;
mod segments;
mod sheets;
mod spans;
mod tree;
mod wall;

use faaslens_schemas::Result;
use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::tables::ClientRequest;

use crate::facts::Facts;
use emit::Emitter;
use entries::{Entry, Part};
use seen::Seen;
use tree::{ClientCall, Tree};

pub use entries::EVENT_COLUMNS;
pub use issues::Issue;
pub use one_way::widen_one_way_times;
pub use run::{INITIALISATION_COLUMNS, RunContext};

/// Rows of one part, as collected.
#[derive(Debug, Default)]
pub struct PartInput {
    /// `events` of the part, at least the columns [`EVENT_COLUMNS`], in any order of rows.
    pub events: Vec<RecordBatch>,
    /// `client_requests` of the part.
    pub client_requests: Vec<ClientRequest>,
}

/// A set of functions over which the published division is summed up; contexts count where the first function ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSet(Vec<String>);

impl FunctionSet {
    /// Of functions named by a list, the one that must have run first; `None` for an empty list.
    pub fn new(functions: Vec<String>) -> Option<Self> {
        (!functions.is_empty()).then_some(Self(functions))
    }

    /// The functions, in the order given.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The functions joined by `+`: the name of the set in results.
    pub fn name(&self) -> String {
        self.0.join("+")
    }
}

/// What to assemble besides the tables.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Sets of functions to sum up as published; [`SetFact::set`](crate::facts::SetFact::set) is the position here.
    pub sets: Vec<FunctionSet>,
    /// Whether facts of invocations, calls and sets are those of complete traces only; tables, traces and completeness
    /// have everything all the same.
    pub complete_only: bool,
}

/// Tables of one part, and what results need of it.
#[derive(Debug)]
pub struct PartOutput {
    /// Rows of `invocations`.
    pub invocations: RecordBatch,
    /// Rows of `calls`.
    pub calls: RecordBatch,
    /// Rows of `db_calls`.
    pub db_calls: RecordBatch,
    /// Rows of `traces`.
    pub traces: RecordBatch,
    /// Rows of `critical_path`.
    pub critical_path: RecordBatch,
    /// Slim values for the result tables.
    pub facts: Facts,
}

/// Assembles one part. Rows without context yield nothing but counts; an empty part yields empty tables.
///
/// # Errors
/// [`Column`](faaslens_schemas::Error::Column) when a batch lacks one of [`EVENT_COLUMNS`] or has it in another type.
pub fn assemble(input: &PartInput, run: &RunContext, options: &Options) -> Result<PartOutput> {
    let mut part = Part::read(&input.events, run)?;
    let mut clients = client_calls(&input.client_requests, &mut part, run);
    let mut emitter = Emitter::new(&mut part, run, options);
    let mut seen = Seen::of_lines(&part, emitter.words);
    for request in sent(&input.client_requests) {
        seen.add_client(request.sent_at.micros(), request.answered());
    }
    let (ranks, contexts) = rank_contexts(&part);
    let (mut entries, ends) = by_context(&mut part, &ranks, contexts.len());
    clients.sort_by_key(|client| ranks[client.context as usize]);
    part.untimed.sort_unstable();
    let mut tree = Tree::default();
    let (mut from, mut clients) = (0, clients.as_slice());
    for (context, to) in contexts.into_iter().zip(ends) {
        tree.gather(&mut entries[from..to], &part);
        from = to;
        let own = clients.iter().take_while(|client| client.context == context).count();
        tree.clients.extend(&clients[..own]);
        clients = &clients[own..];
        for _ in 0..untimed_of(context, &part) {
            tree.note(None, Issue::NoTime);
        }
        tree.link(&part, run);
        tree.divide(&part);
        seen.add_tree(&tree, &mut part, run);
        emitter.emit(part.contexts.text(context), &tree, &mut part);
    }
    seen.finish(&mut emitter.facts);
    emitter.finish(part.names, &tree)
}

/// Requests that can have reached a function.
fn sent(requests: &[ClientRequest]) -> impl Iterator<Item = &ClientRequest> {
    requests.iter().filter(|request| &*request.kind == "request" && request.left())
}

/// Requests that name a context, in order of sending.
fn client_calls<'a>(requests: &'a [ClientRequest], part: &mut Part<'a>, run: &RunContext) -> Vec<ClientCall<'a>> {
    let mut calls: Vec<ClientCall<'a>> = sent(requests)
        .filter_map(|request| {
            Some(ClientCall {
                context: part.contexts.intern(request.context_id.as_deref()?),
                pair: part.pair(request.pair_id.as_deref()),
                sent_us: run.client().instant_us(request.sent_at.micros()),
                elapsed_ms: request.elapsed_ms,
                url: request.url.as_deref().unwrap_or_default(),
                callee: None,
            })
        })
        .collect();
    let elapsed = |call: &ClientCall<'_>| call.elapsed_ms.unwrap_or(f64::INFINITY);
    let pair = |call: &ClientCall<'_>| part.pairs.text(call.pair);
    calls.sort_by(|a, b| {
        (a.sent_us, pair(a), a.url).cmp(&(b.sent_us, pair(b), b.url)).then(elapsed(a).total_cmp(&elapsed(b)))
    });
    calls
}

/// Contexts in order of their ids, and the rank of each.
fn rank_contexts(part: &Part<'_>) -> (Vec<u32>, Vec<u32>) {
    let texts = part.contexts.texts();
    let mut order: Vec<u32> = (0..entries::dense(texts.len())).collect();
    order.sort_unstable_by_key(|context| texts[*context as usize]);
    let mut ranks = vec![0; order.len()];
    for (rank, context) in order.iter().enumerate() {
        ranks[*context as usize] = entries::dense(rank);
    }
    (ranks, order)
}

/// The entries side by side by context, in order of rank (a counting sort), and where each context's end.
fn by_context(part: &mut Part<'_>, ranks: &[u32], contexts: usize) -> (Vec<Entry>, Vec<usize>) {
    let unsorted = std::mem::take(&mut part.entries);
    let rank = |entry: &Entry| ranks[entry.context as usize] as usize;
    let mut next = vec![0_usize; contexts + 1];
    for entry in &unsorted {
        next[rank(entry) + 1] += 1;
    }
    for i in 1..next.len() {
        next[i] += next[i - 1];
    }
    let mut sorted = unsorted.clone();
    for entry in unsorted {
        let place = &mut next[rank(&entry)];
        sorted[*place] = entry;
        *place += 1;
    }
    // What was the start of each context has moved to its end.
    next.truncate(contexts);
    (sorted, next)
}

fn untimed_of(context: u32, part: &Part<'_>) -> usize {
    let from = part.untimed.partition_point(|other| *other < context);
    part.untimed[from..].iter().take_while(|other| **other == context).count()
}
