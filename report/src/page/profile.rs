//! Time on critical paths by call path, and durations of invocations.

use std::collections::{BTreeMap, HashMap};

use faaslens_schemas::tables::{Invocation, PathSegment};

use super::explored::{PartRows, Plan};
use super::frame::Frame;

/// Deepest call path; what lies deeper counts there.
const DEPTH_MAX: usize = 64;
/// Call paths of a run; what comes later counts at its entry function.
const PATHS_MAX: usize = 4_000;

/// A call path: a function under its callers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Path {
    parent: Option<u32>,
    function: String,
    provider: Option<String>,
}

#[derive(Debug)]
struct Timed {
    trace: usize,
    function: String,
    provider: String,
    trigger: String,
    duration_ms: Option<f64>,
    cold: Option<bool>,
    complete: bool,
}

/// Rows of `paths`, `own` and `invocations`.
#[derive(Debug, Default)]
pub(super) struct Profile {
    paths: Vec<Path>,
    places: HashMap<Path, u32>,
    own: BTreeMap<(usize, u32, String), f64>,
    invocations: Vec<Timed>,
}

impl Profile {
    pub(super) fn add(&mut self, plan: &Plan, rows: &PartRows) {
        let by_id: HashMap<&str, &Invocation> =
            rows.invocations.iter().map(|row| (row.invocation_id.as_str(), row)).collect();
        for row in &rows.invocations {
            let Some(trace) = plan.timed(&row.context_id) else { continue };
            self.invocations.push(Timed {
                trace,
                function: row.function.to_string(),
                provider: row.provider.to_string(),
                trigger: row.trigger.to_string(),
                duration_ms: row.duration_ms,
                cold: row.cold,
                complete: row.complete,
            });
        }
        let mut known: HashMap<&str, u32> = HashMap::new();
        for segment in &rows.segments {
            let Some(trace) = plan.timed(&segment.context_id) else { continue };
            let path = self.path_of(segment, &by_id, &mut known);
            *self.own.entry((trace, path, segment.category.to_string())).or_default() += segment.duration_ms;
        }
    }

    /// The call path of a segment's invocation.
    fn path_of<'a>(
        &mut self,
        segment: &'a PathSegment,
        by_id: &HashMap<&str, &'a Invocation>,
        known: &mut HashMap<&'a str, u32>,
    ) -> u32 {
        let found = segment.invocation_id.as_deref().and_then(|id| by_id.get(id));
        let Some(&invocation) = found else {
            let function = segment.function.as_deref().unwrap_or("unknown").to_owned();
            return self.place(Path {
                parent: None,
                function,
                provider: segment.provider.as_deref().map(str::to_owned),
            });
        };
        if let Some(&path) = known.get(invocation.invocation_id.as_str()) {
            return path;
        }
        let mut chain = vec![invocation];
        while let Some(caller) = chain.last().and_then(|row| row.parent_id.as_deref()).and_then(|id| by_id.get(id))
            && chain.len() < DEPTH_MAX
        {
            chain.push(caller);
        }
        let mut parent = None;
        for row in chain.into_iter().rev() {
            let (function, provider) = (row.function.to_string(), Some(row.provider.to_string()));
            let path = self.place(Path { parent, function, provider });
            known.insert(&row.invocation_id, path);
            parent = Some(path);
        }
        parent.unwrap_or(0)
    }

    fn place(&mut self, path: Path) -> u32 {
        if let Some(&place) = self.places.get(&path) {
            return place;
        }
        if self.paths.len() >= PATHS_MAX
            && let Some(parent) = path.parent
        {
            return parent;
        }
        let place = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.paths.push(path.clone());
        self.places.insert(path, place);
        place
    }

    pub(super) fn frames(mut self) -> [Frame; 3] {
        self.invocations.sort_by(|a, b| (a.trace, &a.function).cmp(&(b.trace, &b.function)));
        let paths = Frame::new("paths", self.paths.len())
            .int("parent", self.paths.iter().map(|path| path.parent.map(i64::from)))
            .text("function", self.paths.iter().map(|path| Some(path.function.as_str())))
            .text("provider", self.paths.iter().map(|path| path.provider.as_deref()));
        let own = Frame::new("own", self.own.len())
            .delta("trace", self.own.keys().map(|(trace, ..)| i64::try_from(*trace).ok()))
            .int("path", self.own.keys().map(|(_, path, _)| Some(i64::from(*path))))
            .text("category", self.own.keys().map(|(.., category)| Some(category.as_str())))
            .millis("time", self.own.values().map(|ms| Some(*ms)));
        let rows = &self.invocations;
        let invocations = Frame::new("invocations", rows.len())
            .delta("trace", rows.iter().map(|row| i64::try_from(row.trace).ok()))
            .text("function", rows.iter().map(|row| Some(row.function.as_str())))
            .text("provider", rows.iter().map(|row| Some(row.provider.as_str())))
            .text("trigger", rows.iter().map(|row| Some(row.trigger.as_str())))
            .millis("duration", rows.iter().map(|row| row.duration_ms))
            .flag("cold", rows.iter().map(|row| row.cold))
            .flag("complete", rows.iter().map(|row| Some(row.complete)));
        [paths, own, invocations]
    }
}
