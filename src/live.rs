//! The view of a load while it runs: one line on the terminal, nothing elsewhere.

use std::sync::Arc;
use std::time::Duration;

use faaslens_loadgen::engine::{Observer, Seen};
use faaslens_loadgen::output::summary::pooled;
use faaslens_loadgen::profile::Profile;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::Printer;
use crate::progress::interrupted;

/// Shows a load while it runs.
#[derive(Debug)]
pub(crate) struct Live {
    bar: ProgressBar,
    profile: Arc<Profile>,
    before: (Duration, u64),
}

impl Live {
    /// A view of a load of a profile that goes on for a known time, or 0.
    pub(crate) fn new(profile: Arc<Profile>, length_s: f64, printer: &Printer) -> Self {
        let target = if printer.quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let length = length_s.ceil() as u64;
        let bar = ProgressBar::with_draw_target((length > 0).then_some(length), target);
        let template = if length > 0 { "[{bar:5}] {pos}/{len} s {wide_msg}" } else { "{spinner} {elapsed} {wide_msg}" };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        Self { bar, profile, before: (Duration::ZERO, 0) }
    }
}

impl Observer for Live {
    fn look(&mut self, seen: &Seen) {
        if self.bar.is_hidden() {
            return;
        }
        let seconds = seen.elapsed.saturating_sub(self.before.0).as_secs_f64().max(0.001);
        let rate = (seen.tally.ended - self.before.1) as f64 / seconds;
        self.before = (seen.elapsed, seen.tally.ended);
        let (times, _, _) = pooled(&seen.tally, &self.profile.sites);
        let ms = |quantile| times.quantile_ms(quantile).map_or_else(|| "n/a".to_owned(), |ms| format!("{ms:.1}"));
        self.bar.set_position(seen.elapsed.as_secs());
        // What is rare comes last: a narrow terminal cuts it off.
        let waiting = if seen.waiting > 0 { format!(", {} waiting", seen.waiting) } else { String::new() };
        self.bar.set_message(format!(
            "{rate:.0}/s, p50 {} p95 {} p99 {} ms, {} failed, {} users, {} sockets{waiting}",
            ms(0.5),
            ms(0.95),
            ms(0.99),
            seen.tally.failed,
            seen.active,
            seen.sockets,
        ));
    }

    fn cancelled(&self) -> bool {
        interrupted()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
