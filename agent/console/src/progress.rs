//! How far a long command has come: a bar on standard error, for a person who looks on.

use std::{
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::said;

/// How often the time left is drawn again while nothing else changes.
const TICK: Duration = Duration::from_millis(500);

/// Done, half done, to be done.
const BAR: &str = "█▌░";

/// The look of a bar whose end is known.
fn filled(count: &str) -> String {
    format!("{{bar:32}} {{percent:>3}} % {count} {} {{eta}}", said!("progress-left"))
}

/// A bar with the time left. Where standard error is no terminal nothing is ever drawn.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Counts records, of `total` where that is known.
    #[must_use]
    pub fn records(total: Option<u64>) -> Self {
        Self::new(total, "{pos}/{len}")
    }

    /// Counts bytes, of `total` where that is known.
    #[must_use]
    pub fn bytes(total: Option<u64>) -> Self {
        Self::new(total, "{bytes}/{total_bytes}")
    }

    fn new(total: Option<u64>, count: &str) -> Self {
        if !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match total.filter(|it| *it > 0) {
            Some(total) => (ProgressBar::new(total), filled(count)),
            // What ends nobody knows when has no bar to fill.
            None => (ProgressBar::no_length(), format!("{{spinner}} {}", count.split('/').next().unwrap_or(count))),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars(BAR));
        }
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// So much more is done.
    pub fn add(&self, more: u64) {
        self.0.inc(more);
    }

    /// So much is done altogether.
    pub fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// How much there is has become known.
    pub fn of(&self, total: u64) {
        if self.0.length() != Some(total) && total > 0 {
            self.0.set_length(total);
            if let Ok(style) = ProgressStyle::with_template(&filled("{pos}/{len}")) {
                self.0.set_style(style.progress_chars(BAR));
            }
        }
    }

    /// Wipes the bar; the command says itself what came out.
    pub fn clear(self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // An error message must not stand behind half a bar.
        self.0.finish_and_clear();
    }
}
