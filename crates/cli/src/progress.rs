//! A bar on standard error with rate, time left and skipped records. It hides itself where nobody
//! looks: in a pipe, and beside JSON.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use linprobe::{IndexProgress, Transfer};

const KNOWN: &str = "{bar:32} {pos}/{len} {msg} · {per_sec:1} · {eta} left";
const UNKNOWN: &str = "{spinner} {pos} {msg} · {per_sec:1} · {elapsed}";
const DOWNLOAD: &str = "{bar:32} {bytes}/{total_bytes} {msg} · {bytes_per_sec} · {eta} left";

/// Redraws at least this often, so that a slow model does not look like a dead one.
const TICK: Duration = Duration::from_millis(200);

pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(json: bool) -> Self {
        let drawn = ProgressBar::no_length().with_style(style(UNKNOWN));
        if json {
            drawn.set_draw_target(ProgressDrawTarget::hidden());
        }
        drawn.enable_steady_tick(TICK);
        Self(drawn)
    }

    /// Shows how far indexing has come.
    pub(crate) fn show(&self, progress: IndexProgress) {
        if let (None, Some(n_records)) = (self.0.length(), progress.n_records_hint) {
            self.0.set_length(n_records);
            self.0.set_style(style(KNOWN));
        }
        self.0.set_position(progress.n_done());
        self.0.set_message(format!("records, {} skipped", progress.n_skipped));
    }

    /// Shows how many records are scored.
    pub(crate) fn show_scored(&self, n_scored: usize) {
        self.0.set_position(n_scored as u64);
        self.0.set_message("records scored");
    }

    /// Shows how many games of a simulation have ended.
    pub(crate) fn show_games(&self, n_ended: usize, n_games: usize) {
        if self.0.length().is_none() {
            self.0.set_length(n_games as u64);
            self.0.set_style(style(KNOWN));
        }
        self.0.set_position(n_ended as u64);
        self.0.set_message("games");
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Files on their way from the hub, a bar for each while it comes.
pub(crate) struct Downloads {
    json: bool,
    shown: Mutex<Option<ProgressBar>>,
}

impl Downloads {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, shown: Mutex::new(None) }
    }

    pub(crate) fn show(&self, transfer: &Transfer<'_>) {
        if self.json {
            return;
        }
        // A bar that was left half drawn by a panic is no reason not to go on.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = shown.get_or_insert_with(|| {
            let drawn = ProgressBar::new(transfer.n_total).with_style(style(DOWNLOAD));
            drawn.with_message(transfer.file.to_owned()).with_position(transfer.n_bytes)
        });
        drawn.set_position(transfer.n_bytes);
        if transfer.n_bytes == transfer.n_total {
            drawn.finish_and_clear();
            *shown = None;
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}
