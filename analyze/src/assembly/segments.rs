//! Rows and facts of critical paths.

use super::emit::{Emitter, client_of};
use super::entries::{Part, dense};
use super::path::{Category, Segment};
use super::tree::{Caller, Tree, plus_ms};
use crate::facts::{Name, PathFact, WallShares};

/// A row of `critical_path` besides its context and number.
#[derive(Debug, Clone, Copy)]
struct Row {
    scope: Name,
    invocation: Option<usize>,
    function: Option<Name>,
    provider: Option<Name>,
    category: Name,
    start_us: i64,
    duration_ms: f64,
}

/// Rows of one context, numbered as they are written.
struct Numbered {
    context: i32,
    n: u32,
}

impl Emitter {
    /// Writes the rows of `critical_path` of a context: the client's time before the root, the root, the client's time
    /// after it, the longest chain of events.
    pub(super) fn emit_path(&mut self, context_id: &str, tree: &Tree<'_>, part: &Part<'_>) {
        let Some(root) = tree.root else { return };
        self.path_codes.clear();
        self.path_codes.resize(tree.invocations.len(), None);
        let mut rows = Numbered { context: self.path.context_id.add(context_id), n: 0 };
        let (before, after) = self.client_rows(root, tree, part);
        for row in before {
            self.put_path_row(&row, &mut rows);
        }
        for segment in &tree.path.segments {
            let row = self.segment_row(segment, tree.invocations[root].start_us, tree, part);
            self.put_path_row(&row, &mut rows);
        }
        if let Some(row) = after {
            self.put_path_row(&row, &mut rows);
        }
        for (publisher, event) in tree.longest_events() {
            let start_us = tree.invocations[publisher].start_us;
            let duration_ms = tree.trigger_delay_ms(publisher, event, part);
            let row = self.invocation_row(event, self.words.path.trigger, start_us, duration_ms, tree, part);
            self.put_path_row(&Row { scope: self.words.path.event, ..row }, &mut rows);
        }
    }

    fn put_path_row(&mut self, row: &Row, rows: &mut Numbered) {
        let code = row.invocation.map(|position| {
            let (id, ids) = (&self.ids[self.id_ranges[position].clone()], &mut self.path.invocation_id);
            *self.path_codes[position].get_or_insert_with(|| ids.add(id))
        });
        rows.n += 1;
        let sheet = &mut self.path;
        sheet.context_id.put(Some(rows.context));
        sheet.n.put(Some(rows.n));
        sheet.scope.put(Some(row.scope));
        sheet.invocation_id.put(code);
        sheet.function.put(row.function);
        sheet.provider.put(row.provider);
        sheet.category.put(Some(row.category));
        sheet.start.put(Some(row.start_us));
        sheet.duration_ms.put(Some(row.duration_ms));
    }

    fn segment_row(&self, segment: &Segment, root_us: i64, tree: &Tree<'_>, part: &Part<'_>) -> Row {
        let words = &self.words.path;
        let category = match segment.category {
            Category::Compute => words.compute,
            Category::Network => words.network,
            Category::Db => words.db,
            Category::Cold => words.cold,
        };
        let start_us = plus_ms(root_us, segment.start_ms);
        match segment.invocation {
            Some(position) => self.invocation_row(position, category, start_us, segment.duration_ms, tree, part),
            None => Row {
                scope: words.root,
                invocation: None,
                function: segment.missing,
                provider: None,
                category,
                start_us,
                duration_ms: segment.duration_ms,
            },
        }
    }

    fn invocation_row(
        &self,
        position: usize,
        category: Name,
        start_us: i64,
        duration_ms: f64,
        tree: &Tree<'_>,
        part: &Part<'_>,
    ) -> Row {
        let site = &part.sites[tree.invocations[position].site as usize];
        Row {
            scope: self.words.path.root,
            invocation: Some(position),
            function: Some(site.function),
            provider: Some(site.provider),
            category,
            start_us,
            duration_ms,
        }
    }

    /// The client's elapsed time less the root's duration: before and after the root where the wall clocks of both put
    /// the root inside the request, with the root's initialisation taken out of the time before it; else one figure.
    fn client_rows(&self, root: usize, tree: &Tree<'_>, part: &Part<'_>) -> (Vec<Row>, Option<Row>) {
        let invocation = &tree.invocations[root];
        let client = client_of(tree);
        let known = client.and_then(|client| Some((client.sent_us, client.elapsed_ms?, invocation.duration_ms?)));
        let Some((sent_us, elapsed_ms, ran_ms)) = known else { return (Vec::new(), None) };
        let words = &self.words.path;
        let row = |category: Name, start_us: i64, duration_ms: f64| Row {
            scope: self.words.client,
            ..self.invocation_row(root, category, start_us, duration_ms, tree, part)
        };
        let around_ms = elapsed_ms - ran_ms;
        let before_ms = invocation.start_us.wrapping_sub(sent_us) as f64 / 1000.0;
        let called = matches!(invocation.caller, Caller::Client(_));
        if !called || !(0.0..=around_ms).contains(&before_ms) {
            return (vec![row(words.client_network, sent_us, around_ms)], None);
        }
        let waited_ms = tree.waited_ms(root, sent_us, part).min(before_ms);
        let before = [
            row(words.client_network, sent_us, before_ms - waited_ms),
            row(words.cold, plus_ms(sent_us, before_ms - waited_ms), waited_ms),
        ];
        let after = row(words.client_network, plus_ms(invocation.start_us, ran_ms), around_ms - before_ms);
        let lasts = |row: &Row| row.duration_ms > 0.0;
        (before.into_iter().filter(lasts).collect(), Some(after).filter(lasts))
    }

    /// Keeps what each function has of the critical path of the trace that comes next.
    pub(super) fn add_path_facts(&mut self, tree: &Tree<'_>, part: &Part<'_>) {
        let trace = dense(self.facts.traces.len());
        self.path_places.clear();
        for segment in &tree.path.segments {
            let Some(position) = segment.invocation else { continue };
            let site = &part.sites[tree.invocations[position].site as usize];
            let (provider, function) = (site.provider, site.function);
            let paths = &mut self.facts.paths;
            let place = *self.path_places.entry((provider, function)).or_insert_with(|| {
                paths.push(PathFact { trace, provider, function, shares: WallShares::default() });
                paths.len() - 1
            });
            *segment.category.of(&mut paths[place].shares) += segment.duration_ms;
        }
    }
}
