//! A log to write by hand.

use std::collections::BTreeMap;

use faaslens_analyze::assembly::{FunctionSet, Options, PartInput, RunContext, assemble};
use faaslens_analyze::facts::{Facts, SeenCounts};
use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::store::part_of;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{
    Call, ClientRequest, DbCall, Event, Executor, Invocation, PathSegment, PlatformRecord, Trace,
};
use faaslens_schemas::time::Timestamp;

/// Origin of every executor's clock unless told otherwise, and the moment 0 of the client.
pub(crate) const ZERO: Timestamp = Timestamp::from_millis(1_795_330_914_000);

/// Where an entry is logged: context, pair (`None`: the caller sent none) and function, whose executor is `<function>-1`
/// unless the function is written `<function>#<n>`; `google.cart` is the function `cart` on google.
pub(crate) type Place<'a> = (&'a str, Option<&'a str>, &'a str);

/// Events, client requests and executors of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) events: Vec<Event>,
    pub(crate) clients: Vec<ClientRequest>,
    pub(crate) executors: BTreeMap<String, Executor>,
    /// As if the run had no client log.
    pub(crate) without_client: bool,
    pub(crate) sets: Vec<FunctionSet>,
    /// Facts of complete traces only.
    pub(crate) complete_only: bool,
    /// What platforms say of the run.
    pub(crate) platform: Vec<PlatformRecord>,
}

/// Rows of all parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) calls: Vec<Call>,
    pub(crate) db_calls: Vec<DbCall>,
    pub(crate) traces: Vec<Trace>,
    pub(crate) critical_path: Vec<PathSegment>,
}

impl Log {
    /// The executor of a function, its origin `origin_ms` after [`ZERO`].
    pub(crate) fn executor(&mut self, function: &str, origin_ms: f64) -> &mut Executor {
        let (provider, name) = function.split_once('.').unwrap_or(("aws", function));
        let (name, number) = name.split_once('#').unwrap_or((name, "1"));
        self.executors.entry(function.to_owned()).or_insert_with(|| Executor {
            provider: provider.into(),
            function: name.into(),
            executor: format!("{name}-{number}"),
            origin: ZERO.plus_ms(origin_ms),
            origin_uncertainty_ms: 0.25,
            ..Executor::default()
        })
    }

    /// A cold start of a function's executor `origin_ms` after [`ZERO`], its first handler starting at `first_ms`.
    pub(crate) fn cold_start(&mut self, function: &str, origin_ms: f64, first_ms: f64) {
        let executor = self.executor(function, origin_ms);
        executor.cold_start_logged = true;
        executor.first_start_ms = Some(first_ms);
    }

    fn event(&mut self, (context, pair, function): Place<'_>, kind: &str, at_ms: f64) -> &mut Event {
        let executor = self.executor(function, 0.0);
        let event = Event {
            provider: executor.provider.clone(),
            function: executor.function.clone(),
            executor: executor.executor.as_str().into(),
            // Logged 3 ms after it happened, floored to whole milliseconds.
            logged_at: Timestamp::from_millis(executor.origin.plus_ms(at_ms + 3.0).micros().div_euclid(1000)),
            now_ms: at_ms + 3.0,
            kind: kind.into(),
            context_id: Some(context.to_owned()),
            pair_id: pair.map(str::to_owned),
            ..Event::default()
        };
        self.events.push(event);
        self.events.last_mut().expect("just pushed")
    }

    /// Start, end and measure of one mark.
    fn mark(&mut self, place: Place<'_>, start_ms: f64, duration_ms: f64, set: impl Fn(&mut Event)) {
        for (kind, at_ms, duration) in
            [("start", start_ms, 0.0), ("end", start_ms + duration_ms, 0.0), ("measure", start_ms, duration_ms)]
        {
            let event = self.event(place, kind, at_ms);
            event.start_ms = Some(at_ms);
            event.duration_ms = Some(duration);
            set(event);
        }
    }

    /// A handler of a call, with its request.
    pub(crate) fn rpc(&mut self, place: Place<'_>, start_ms: f64, duration_ms: f64) {
        self.event(place, "request", start_ms).user_agent = Some("node-fetch/1.0".into());
        self.mark(place, start_ms, duration_ms, |event| event.op = Some("rpc_in".into()));
    }

    /// A handler of `GET /<route>`, with its request.
    pub(crate) fn http(&mut self, place: Place<'_>, route: &str, start_ms: f64, duration_ms: f64) {
        self.event(place, "request", start_ms).user_agent = Some("Artillery".into());
        self.mark(place, start_ms, duration_ms, |event| {
            event.op = Some("route".into());
            event.method = Some("GET".into());
            event.target = Some(route.into());
        });
    }

    /// A handler of an event.
    pub(crate) fn msg(&mut self, place: Place<'_>, start_ms: f64, duration_ms: f64) {
        self.mark(place, start_ms, duration_ms, |event| event.op = Some("msg".into()));
    }

    /// A call of `target` under a pair of its own.
    pub(crate) fn call(&mut self, place: Place<'_>, target: &str, pair: &str, start_ms: f64, duration_ms: f64) {
        self.mark(place, start_ms, duration_ms, |event| {
            event.op = Some("rpc_out".into());
            event.target = Some(target.into());
            event.callee_pair_id = Some(pair.to_owned());
        });
    }

    /// A database operation.
    pub(crate) fn db(&mut self, place: Place<'_>, action: &str, start_ms: f64, duration_ms: f64) {
        self.mark(place, start_ms, duration_ms, |event| {
            event.op = Some("db".into());
            event.target = Some(action.into());
        });
    }

    /// A request of the client, sent `sent_ms` after [`ZERO`].
    pub(crate) fn client(&mut self, context: &str, pair: &str, sent_ms: f64, elapsed_ms: Option<f64>) {
        self.clients.push(ClientRequest {
            generator: "artillery".into(),
            sent_at: ZERO.plus_ms(sent_ms),
            elapsed_ms,
            url: Some("http://127.0.0.1/dev/shop/cart".to_owned()),
            context_id: Some(context.to_owned()),
            pair_id: Some(pair.to_owned()),
            kind: "request".into(),
            ..ClientRequest::default()
        });
    }

    /// Loses the events that `lost` picks.
    pub(crate) fn lose(&mut self, lost: impl Fn(&Event) -> bool) {
        self.events.retain(|event| !lost(event));
    }

    fn run(&self) -> RunContext {
        let executors: Vec<Executor> = self.executors.values().cloned().collect();
        let mut run = RunContext::new(&executors, !self.without_client);
        let platform = PlatformRecord::to_batch(&self.platform).expect("rows of the declared table");
        run.add_initialisations(&platform).expect("declared columns");
        run
    }

    /// Assembled in that many parts, from batches of `rows` events each.
    pub(crate) fn assemble_in(&self, parts: u32, rows: usize) -> (Output, Facts) {
        let (run, options) = (self.run(), Options { sets: self.sets.clone(), complete_only: self.complete_only });
        let mut output =
            Output { invocations: vec![], calls: vec![], db_calls: vec![], traces: vec![], critical_path: vec![] };
        let mut facts = Facts::default();
        for part in 0..=parts {
            let belongs = |context: &Option<String>| {
                context.as_ref().map_or(0, |context| part_of(context.as_bytes(), parts)) == part
            };
            let events: Vec<Event> = self.events.iter().filter(|event| belongs(&event.context_id)).cloned().collect();
            let clients = self.clients.iter().filter(|client| belongs(&client.context_id)).cloned().collect();
            let batches = events.chunks(rows).map(|rows| Event::to_batch(rows).expect("rows of the declared table"));
            let input = PartInput { events: batches.collect(), client_requests: clients };
            let made = assemble(&input, &run, &options).expect("declared columns");
            output.invocations.extend(rows_of::<Invocation>(&made.invocations));
            output.calls.extend(rows_of::<Call>(&made.calls));
            output.db_calls.extend(rows_of::<DbCall>(&made.db_calls));
            output.traces.extend(rows_of::<Trace>(&made.traces));
            output.critical_path.extend(rows_of::<PathSegment>(&made.critical_path));
            facts.merge(made.facts);
        }
        (output, facts)
    }

    /// Assembled in one part.
    pub(crate) fn assemble(&self) -> Output {
        self.assemble_in(1, 7).0
    }

    /// Slim values of all parts.
    pub(crate) fn facts(&self) -> Facts {
        self.assemble_in(2, 5).1
    }

    /// Completeness summed up over all functions and seconds of a provider.
    pub(crate) fn seen(&self, provider: &str) -> SeenCounts {
        let facts = self.facts();
        let mut sum = SeenCounts::default();
        for (key, counts) in &facts.seen {
            if facts.names.text(key.provider) == provider {
                sum.add(counts);
            }
        }
        sum
    }
}

fn rows_of<R: Row>(batch: &RecordBatch) -> Vec<R> {
    assert_eq!(batch.schema(), R::schema());
    R::from_batch(batch).expect("rows of the declared table")
}

impl Output {
    /// The only invocation of a function.
    pub(crate) fn invocation(&self, function: &str) -> &Invocation {
        let mut found = self.invocations.iter().filter(|invocation| &*invocation.function == function);
        let first = found.next().expect("an invocation of the function");
        assert!(found.next().is_none(), "more than one invocation of {function}");
        first
    }

    /// The only call row of a kind to a function.
    pub(crate) fn call(&self, kind: &str, callee: &str) -> &Call {
        let mut found = self
            .calls
            .iter()
            .filter(|call| &*call.kind == kind && &*call.callee_function == callee && !call.from_client);
        let first = found.next().expect("a call of the function");
        assert!(found.next().is_none(), "more than one call of {callee}");
        first
    }

    /// The only trace.
    pub(crate) fn trace(&self) -> &Trace {
        assert_eq!(self.traces.len(), 1);
        &self.traces[0]
    }
}

/// Issues of a row as a text; empty where there are none.
pub(crate) fn issues(issues: Option<&faaslens_schemas::table::Label>) -> &str {
    issues.map_or("", |issues| issues)
}

/// Whether two durations are equal to a nanosecond.
pub(crate) fn near(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-6)
}
