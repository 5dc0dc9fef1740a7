//! How a command ended, and the exit code that says so.

use faaslens_collect as collect;
use faaslens_loadgen as loadgen;
use faaslens_report as report;
use faaslens_schemas as schemas;

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Everything was done.
    Done,
    /// Done, but some input was refused or lossy; it has been named on standard error.
    Lossy,
    /// Done, and a regression is proven that the user asked to fail on.
    Regressed,
}

impl Outcome {
    /// The exit code: 0, 1 or 4.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Lossy => 1,
            Self::Regressed => REGRESSED,
        }
    }
}

/// The command line asks for something that does not exist or contradicts itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);

/// A [`WrongUse`] as an error of any function.
pub(crate) fn wrong_use(message: impl Into<String>) -> anyhow::Error {
    WrongUse(message.into()).into()
}

/// The user stopped the command.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; nothing of run {run:?} was changed: run the same command again")]
pub(crate) struct Interrupted {
    /// The run that was worked on.
    pub(crate) run: String,
}

/// Wrong use.
const WRONG_USE: u8 = 2;
/// Failed.
const FAILED: u8 = 3;
/// A regression is proven.
const REGRESSED: u8 = 4;
/// Interrupted: 128 + SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// The exit code of an error: 2 wrong use, 3 failed, 130 interrupted.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    error.chain().find_map(code_of_cause).unwrap_or(FAILED)
}

fn code_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<WrongUse>() {
        return Some(WRONG_USE);
    }
    if cause.is::<Interrupted>() {
        return Some(INTERRUPTED);
    }
    if let Some(error) = cause.downcast_ref::<collect::Error>() {
        return match error {
            collect::Error::Usage(_) => Some(WRONG_USE),
            collect::Error::Interrupted { .. } | collect::Error::Paused => Some(INTERRUPTED),
            collect::Error::Store(inner) => code_of_store(inner),
            _ => None,
        };
    }
    if let Some(loadgen::Error::Usage(_) | loadgen::Error::Profile { .. }) = cause.downcast_ref() {
        return Some(WRONG_USE);
    }
    if let Some(error) = cause.downcast_ref::<report::Error>() {
        use report::Error::{Length, Nothing, Order, OutOfRange, UnknownFigure};
        return matches!(
            error,
            UnknownFigure { .. } | OutOfRange { .. } | Length { .. } | Order { .. } | Nothing { .. }
        )
        .then_some(WRONG_USE);
    }
    cause.downcast_ref::<schemas::Error>().and_then(code_of_store)
}

fn code_of_store(error: &schemas::Error) -> Option<u8> {
    use schemas::Error::{NoRun, NotAStore, RunId};
    matches!(error, NoRun { .. } | NotAStore { .. } | RunId { .. }).then_some(WRONG_USE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn exit_codes_tell_wrong_use_failure_and_interruption_apart() {
        assert_eq!(code_of(&wrong_use("no table x")), 2);
        assert_eq!(code_of(&anyhow::anyhow!("disk full")), 3);
        assert_eq!(code_of(&Interrupted { run: "r".to_owned() }.into()), 130);
        let nested: anyhow::Result<()> = Err(schemas::Error::RunId { id: "..".to_owned() }).context("collect");
        assert_eq!(code_of(&nested.expect_err("an error")), 2);
        let store = collect::Error::Store(schemas::Error::RunId { id: String::new() });
        assert_eq!(code_of(&store.into()), 2);
    }
}
