//! Rows and facts of calls: of the client, of functions, of events.

use faaslens_schemas::time::Timestamp;

use super::emit::Emitter;
use super::entries::Part;
use super::legs::{CallerSide, Legs, shift_between};
use super::links::is_publisher;
use super::tree::{Caller, Invocation, Tree};
use crate::facts::{CallFact, CallKind, EventFact, Name};

/// What a row of `calls` is about, by its position in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    Client(usize),
    Operation(usize),
    Event(usize),
}

/// A row of `calls` besides its slim values.
struct Row {
    pair: u32,
    caller: Option<usize>,
    callee: Option<usize>,
    fact: CallFact,
    legs: Legs,
}

impl Emitter {
    /// Writes the rows of `calls` of a context, in order of start.
    pub(super) fn emit_calls(&mut self, context_id: &str, tree: &Tree<'_>, part: &mut Part<'_>) {
        let mut edges: Vec<(i64, Edge)> = Vec::with_capacity(tree.operations.len() + tree.clients.len());
        edges.extend(tree.clients.iter().enumerate().map(|(i, client)| (client.sent_us, Edge::Client(i))));
        let calls = tree.operations.iter().enumerate().filter(|(_, operation)| operation.is_call);
        edges.extend(calls.map(|(i, operation)| (operation.start_us, Edge::Operation(i))));
        let events = tree.events.iter().enumerate();
        edges.extend(events.map(|(i, (publisher, _))| (tree.invocations[*publisher].start_us, Edge::Event(i))));
        edges.sort_unstable();
        for (_, edge) in edges {
            let row = match edge {
                Edge::Client(i) => self.client_row(i, tree, part),
                Edge::Operation(i) => self.operation_row(i, tree, part),
                Edge::Event(i) => event_row(i, tree, part),
            };
            self.emit_call(context_id, &row, part);
            self.facts.calls.push(row.fact);
        }
    }

    fn client_row(&mut self, position: usize, tree: &Tree<'_>, part: &mut Part<'_>) -> Row {
        let client = &tree.clients[position];
        let by_client = (Some(self.words.client), Some(self.words.client));
        let times = (client.sent_us, client.elapsed_ms);
        let fact =
            sync_fact(by_client, client.callee, times, tree, part, |part| part.names.intern(path_of(client.url)));
        let caller = CallerSide {
            provider: self.words.client,
            clock: None,
            start_us: client.sent_us,
            duration_ms: client.elapsed_ms,
        };
        let legs = client.callee.map(|callee| self.legs(&caller, callee, tree, part)).unwrap_or_default();
        let fact = CallFact { from_client: true, ..fact };
        Row { pair: client.pair, caller: None, callee: client.callee, fact, legs }
    }

    fn operation_row(&mut self, position: usize, tree: &Tree<'_>, part: &mut Part<'_>) -> Row {
        let call = &tree.operations[position];
        let site = part.sites[call.site as usize];
        let by = (Some(site.provider), Some(site.function));
        let fact = sync_fact(by, call.callee, (call.start_us, call.duration_ms), tree, part, |part| {
            call.label.unwrap_or_else(|| part.names.intern(""))
        });
        let caller = CallerSide {
            provider: site.provider,
            clock: site.clock.map(|clock| (clock, call.start_ms)),
            start_us: call.start_us,
            duration_ms: call.duration_ms,
        };
        // Without the caller's clock its instants are a guess.
        let known = call.callee.filter(|_| site.clock.is_some());
        let legs = known.map(|callee| self.legs(&caller, callee, tree, part)).unwrap_or_default();
        Row { pair: call.callee_pair, caller: call.owner, callee: call.callee, fact, legs }
    }

    fn emit_call(&mut self, context_id: &str, row: &Row, part: &Part<'_>) {
        let id = |position: usize| self.id(Some(position));
        let (caller_id, callee_id) =
            (row.caller.and_then(id).map(str::to_owned), row.callee.and_then(id).map(str::to_owned));
        let fact = &row.fact;
        let rows = &mut self.calls;
        rows.context_id.put(Some(context_id));
        rows.pair_id.put(Some(part.pairs.text(row.pair)));
        rows.caller_id.put(caller_id.as_deref());
        rows.callee_id.put(callee_id.as_deref());
        rows.caller_function.put(fact.caller_function);
        rows.callee_function.put(Some(fact.callee_function));
        rows.caller_provider.put(fact.caller_provider);
        rows.callee_provider.put(fact.callee_provider);
        rows.kind.put(Some(match fact.kind {
            CallKind::Sync => self.words.sync,
            CallKind::Async => self.words.asynchronous,
        }));
        rows.start.put(Some(fact.start.micros()));
        rows.duration_ms.put(fact.duration_ms);
        rows.callee_duration_ms.put(fact.callee_duration_ms);
        rows.network_ms.put(fact.network_ms);
        rows.request_ms.put(row.legs.request_ms);
        rows.response_ms.put(less(fact.network_ms, row.legs.request_ms));
        let event = fact.event.as_deref();
        rows.publisher_duration_ms.put(event.and_then(|event| event.publisher_duration_ms));
        rows.publish_latency_ms.put(event.and_then(|event| event.publish_latency_ms));
        rows.trigger_delay_ms.put(event.and_then(|event| event.trigger_delay_ms));
        rows.trigger_delay_logged_ms.put(event.and_then(|event| event.trigger_delay_logged_ms));
        rows.uncertainty_ms.put(event.map_or(row.legs.uncertainty_ms, |event| event.uncertainty_ms));
        rows.clock_shift_ms.put(row.legs.shift_ms);
        rows.callee_cold.put(fact.callee_cold);
        rows.from_client.put(Some(fact.from_client));
    }
}

/// A call that waits for its answer; `named` is how the caller names a callee that is missing.
fn sync_fact(
    (caller_provider, caller_function): (Option<Name>, Option<Name>),
    callee: Option<usize>,
    (start_us, duration_ms): (i64, Option<f64>),
    tree: &Tree<'_>,
    part: &mut Part<'_>,
    named: impl FnOnce(&mut Part<'_>) -> Name,
) -> CallFact {
    let callee = callee.map(|callee| &tree.invocations[callee]);
    let site = callee.map(|callee| part.sites[callee.site as usize]);
    let callee_function = site.map_or_else(|| named(part), |site| site.function);
    let callee_duration_ms = callee.and_then(|callee| callee.duration_ms);
    CallFact {
        kind: CallKind::Sync,
        start: Timestamp::from_micros(start_us),
        caller_provider,
        caller_function,
        callee_provider: site.map(|site| site.provider),
        callee_function,
        to_publisher: is_publisher(part.names.text(callee_function)),
        from_client: false,
        duration_ms,
        callee_duration_ms,
        network_ms: less(duration_ms, callee_duration_ms),
        event: None,
        callee_cold: callee.and_then(|callee| callee.cold),
    }
}

fn event_row(position: usize, tree: &Tree<'_>, part: &Part<'_>) -> Row {
    let (from, to) = tree.events[position];
    let (publisher, event) = (&tree.invocations[from], &tree.invocations[to]);
    let (at, site) = (part.sites[publisher.site as usize], part.sites[event.site as usize]);
    let published_ms = match publisher.caller {
        Caller::Call(call) => tree.operations[call].duration_ms.filter(|_| tree.operations[call].callee == Some(from)),
        Caller::Client(client) => tree.clients[client].elapsed_ms.filter(|_| tree.clients[client].callee == Some(from)),
        Caller::Publisher(_) | Caller::Nobody => None,
    };
    let logged = event.start_logged_us.zip(publisher.start_logged_us);
    let clocks = at.clock.zip(site.clock);
    let own = EventFact {
        publish_latency_ms: less(published_ms, publisher.duration_ms),
        publisher_duration_ms: publisher.duration_ms,
        trigger_delay_ms: Some(tree.trigger_delay_ms(from, to, part)),
        trigger_delay_logged_ms: logged.map(|(event, publisher)| event.wrapping_sub(publisher) as f64 / 1000.0),
        uncertainty_ms: clocks.map(|(a, b)| a.uncertainty_ms(publisher.start_ms) + b.uncertainty_ms(event.start_ms)),
    };
    let fact = CallFact {
        kind: CallKind::Async,
        start: Timestamp::from_micros(publisher.start_us),
        caller_provider: Some(at.provider),
        caller_function: Some(at.function),
        callee_provider: Some(site.provider),
        callee_function: site.function,
        to_publisher: false,
        from_client: false,
        duration_ms: None,
        callee_duration_ms: event.duration_ms,
        network_ms: None,
        event: Some(Box::new(own)),
        callee_cold: event.cold,
    };
    let shift_ms = |invocation: &Invocation| part.sites[invocation.site as usize].clock?.shift_ms(invocation.start_ms);
    let legs = Legs { shift_ms: shift_between(shift_ms(publisher), shift_ms(event)), ..Legs::default() };
    Row { pair: event.pair, caller: Some(from), callee: Some(to), fact, legs }
}

fn less(whole: Option<f64>, part: Option<f64>) -> Option<f64> {
    Some(whole? - part?)
}

/// The path of a URL, without host and query: how the client names what it calls.
fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |slash| &after_scheme[slash..]);
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_names_a_callee_by_the_path_of_its_url() {
        assert_eq!(path_of("http://127.0.0.1:21001/dev/frontend/cart?x=1"), "/dev/frontend/cart");
        assert_eq!(path_of("http://host"), "");
        assert_eq!(path_of(""), "");
    }
}
