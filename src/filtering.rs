//! Filters of traces on the command line.

use clap::Args;
use faaslens_collect::formats::stamp;
use faaslens_schemas::filter::{Filter, Starts};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::time::Timestamp;

use crate::outcome::wrong_use;

/// Which traces are meant; every option given has to hold.
#[derive(Debug, Args)]
pub(crate) struct FilterArguments {
    /// Traces with an invocation by this provider; may be given several times.
    #[arg(long = "provider", value_name = "NAME")]
    providers: Vec<String>,
    /// Traces with an invocation of this function (by such a provider); may be given several times.
    #[arg(long = "function", value_name = "NAME")]
    functions: Vec<String>,
    /// Traces with this entry route, such as 'GET /cart'; may be given several times.
    #[arg(long = "route", value_name = "ROUTE")]
    routes: Vec<String>,
    /// Traces with a cold start (cold) or without any (warm).
    #[arg(long, value_name = "STARTS", value_parser = starts)]
    starts: Option<Starts>,
    /// Complete traces only.
    #[arg(long)]
    complete_only: bool,
    /// Traces that start at or after this instant (RFC 3339), or this long after the run's first log stamp (`+30s`).
    #[arg(long, value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Traces that start before this instant, likewise.
    #[arg(long, value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    to: Option<Moment>,
}

/// An instant, or a time since the begin of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    At(Timestamp),
    AfterMs(f64),
}

fn starts(name: &str) -> Result<Starts, String> {
    let known = Starts::NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, starts)| *starts).ok_or_else(|| "expected cold or warm".to_owned())
}

fn moment(text: &str) -> Result<Moment, String> {
    let since = text.strip_prefix('+').and_then(|rest| rest.strip_suffix('s')).and_then(|digits| digits.parse().ok());
    if let Some(seconds) = since.filter(|seconds: &f64| seconds.is_finite()) {
        return Ok(Moment::AfterMs(seconds * 1000.0));
    }
    match stamp::read(text.as_bytes()) {
        Some((at, length)) if length == text.len() => Ok(Moment::At(at)),
        _ => Err("expected an instant such as 2026-11-22T07:02:00Z, or +30s after the run's begin".to_owned()),
    }
}

impl FilterArguments {
    /// The filter for the traces of a run.
    ///
    /// # Errors
    /// When a time is relative to a run of which no log stamp is known.
    pub(crate) fn filter(&self, manifest: &Manifest) -> anyhow::Result<Filter> {
        let begin = manifest.window.as_ref().and_then(|window| stamp::read(window.from.as_bytes())).map(|(at, _)| at);
        let instant = |moment: Option<Moment>| -> anyhow::Result<Option<Timestamp>> {
            Ok(match moment {
                None => None,
                Some(Moment::At(at)) => Some(at),
                Some(Moment::AfterMs(ms)) => {
                    let unknown = || wrong_use(format!("run {:?} has no log stamp: give an instant", manifest.run));
                    Some(begin.ok_or_else(unknown)?.plus_ms(ms))
                }
            })
        };
        Ok(Filter {
            providers: self.providers.clone(),
            functions: self.functions.clone(),
            routes: self.routes.clone(),
            starts: self.starts,
            complete_only: self.complete_only,
            from: instant(self.from)?,
            to: instant(self.to)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faaslens_schemas::manifest::Window;

    #[test]
    fn times_are_instants_or_seconds_since_the_begin_of_the_run() {
        assert_eq!(moment("+1.5s"), Ok(Moment::AfterMs(1500.0)));
        assert!(matches!(moment("2026-11-22T07:02:00Z"), Ok(Moment::At(_))));
        for refused in ["", "30s", "+30", "+NaNs", "yesterday", "2026-11-22T07:02:00Zjunk"] {
            assert!(moment(refused).is_err(), "{refused}");
        }
        let mut manifest = Manifest::new("r", 1);
        let arguments = FilterArguments {
            providers: Vec::new(),
            functions: Vec::new(),
            routes: Vec::new(),
            starts: None,
            complete_only: false,
            from: Some(Moment::AfterMs(1000.0)),
            to: None,
        };
        assert!(arguments.filter(&manifest).is_err());
        manifest.window =
            Some(Window { from: "2026-11-22T07:00:00Z".to_owned(), to: "2026-11-22T08:00:00Z".to_owned() });
        let filter = arguments.filter(&manifest).expect("a filter");
        assert_eq!(filter.from.expect("begin").to_string(), "2026-11-22T07:00:01.000000Z");
    }
}
