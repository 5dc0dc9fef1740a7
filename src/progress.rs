//! Progress on standard error, and the user's wish to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Set by the first SIGINT or SIGTERM.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Lets SIGINT and SIGTERM end the work cleanly; a second one ends it at once.
///
/// # Errors
/// When the operating system refuses the signal handler.
pub(crate) fn catch_interruption() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "the user asked twice; a killed collection leaves a store that opens")]
            std::process::exit(130);
        }
    })
    .context("cannot listen for an interruption")
}

/// Whether the user asked to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// A progress bar of bytes or of pieces; drawn only where standard error is a terminal.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar over `total` bytes of input.
    pub(crate) fn bytes(title: &str, total: u64, quiet: bool) -> Self {
        Self::new(title, total, quiet, "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left")
    }

    /// A bar over `total` pieces.
    pub(crate) fn pieces(title: &str, total: u64, quiet: bool) -> Self {
        Self::new(title, total, quiet, "{msg} [{bar:30}] {pos}/{len} {eta} left")
    }

    fn new(title: &str, total: u64, quiet: bool, template: &str) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// `n` more are to do than was thought.
    pub(crate) fn lengthen(&self, n: u64) {
        self.bar.inc_length(n);
    }

    /// `n` more are done.
    pub(crate) fn advance_by(&self, n: u64) {
        self.bar.inc(n);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl faaslens_collect::Progress for Bar {
    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn pieces(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn cancelled(&self) -> bool {
        interrupted()
    }
}
