//! Which traces are meant: one filter for exports and for pages.

use crate::tables::{Invocation, Trace};
use crate::time::Timestamp;

/// Whether traces with or without cold starts are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// Traces with at least one cold start.
    Cold,
    /// Traces without any.
    Warm,
}

impl Starts {
    /// Every value by its name on the command line and in URLs.
    pub const NAMES: &'static [(&'static str, Self)] = &[("cold", Self::Cold), ("warm", Self::Warm)];
}

/// A choice among the traces of a run. Every part that is given has to hold; several names of one part add up. The default keeps
/// every trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Traces with an invocation by one of these providers.
    pub providers: Vec<String>,
    /// Traces with an invocation of one of these functions; of one invocation together with `providers`.
    pub functions: Vec<String>,
    /// Traces with one of these entry routes (`traces.entry_route`).
    pub routes: Vec<String>,
    /// Traces with or without cold starts.
    pub starts: Option<Starts>,
    /// Complete traces only.
    pub complete_only: bool,
    /// Traces that start at this instant or later.
    pub from: Option<Timestamp>,
    /// Traces that start before this instant.
    pub to: Option<Timestamp>,
}

impl Filter {
    /// Whether every trace passes.
    pub fn keeps_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a trace passes; `invocations` are those of the trace.
    pub fn keeps(&self, trace: &Trace, invocations: &[Invocation]) -> bool {
        self.keeps_trace(trace) && self.keeps_invocations(invocations)
    }

    /// Whether a trace passes as far as its own row tells: everything but providers and functions.
    pub fn keeps_trace(&self, trace: &Trace) -> bool {
        let route = trace.entry_route.as_deref();
        let starts = match self.starts {
            None => true,
            Some(Starts::Cold) => trace.cold_starts > 0,
            Some(Starts::Warm) => trace.cold_starts == 0,
        };
        let on_route = self.routes.is_empty() || self.routes.iter().any(|wanted| Some(wanted.as_str()) == route);
        let complete = trace.complete || !self.complete_only;
        on_route && starts && complete && self.within(trace.start)
    }

    /// Whether an instant lies in the time range.
    pub fn within(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    fn keeps_invocations(&self, invocations: &[Invocation]) -> bool {
        let named = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
        (self.providers.is_empty() && self.functions.is_empty())
            || invocations
                .iter()
                .any(|row| named(&self.providers, &row.provider) && named(&self.functions, &row.function))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> (Trace, Vec<Invocation>) {
        let row = |provider: &str, function: &str| Invocation {
            provider: provider.into(),
            function: function.into(),
            ..Invocation::default()
        };
        let trace = Trace {
            entry_route: Some("GET /".into()),
            start: Timestamp::from_millis(1000),
            cold_starts: 1,
            complete: false,
            ..Trace::default()
        };
        (trace, vec![row("aws", "frontend"), row("google", "email")])
    }

    fn keeps(filter: &Filter) -> bool {
        let (trace, invocations) = trace();
        filter.keeps(&trace, &invocations)
    }

    #[test]
    fn a_filter_of_nothing_keeps_everything() {
        assert!(Filter::default().keeps_all());
        assert!(keeps(&Filter::default()));
    }

    #[test]
    fn provider_and_function_have_to_meet_in_one_invocation() {
        let of = |provider: &str, function: &str| Filter {
            providers: vec![provider.to_owned()],
            functions: vec![function.to_owned()],
            ..Filter::default()
        };
        assert!(keeps(&of("aws", "frontend")));
        assert!(!keeps(&of("google", "frontend")));
        assert!(keeps(&Filter { providers: vec!["azure".to_owned(), "google".to_owned()], ..Filter::default() }));
    }

    #[test]
    fn routes_starts_completeness_and_time_are_those_of_the_trace() {
        let at = |ms| Some(Timestamp::from_millis(ms));
        assert!(keeps(&Filter { routes: vec!["GET /".to_owned()], ..Filter::default() }));
        assert!(!keeps(&Filter { routes: vec!["GET".to_owned()], ..Filter::default() }));
        assert!(keeps(&Filter { starts: Some(Starts::Cold), ..Filter::default() }));
        assert!(!keeps(&Filter { starts: Some(Starts::Warm), ..Filter::default() }));
        assert!(!keeps(&Filter { complete_only: true, ..Filter::default() }));
        assert!(keeps(&Filter { from: at(1000), to: at(1001), ..Filter::default() }));
        assert!(!keeps(&Filter { to: at(1000), ..Filter::default() }), "the end of a range is outside of it");
    }
}
