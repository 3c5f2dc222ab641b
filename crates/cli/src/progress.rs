//! A bar on standard error with rate, time left and skipped records. It hides itself where nobody
//! looks: in a pipe, and beside JSON.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use linprobe::{CopyProgress, IndexProgress, Transfer};

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

    /// Shows how far a copy has come: each point is looked at twice.
    pub(crate) fn show_copy(&self, progress: CopyProgress) {
        let CopyProgress { n_points, n_written, n_unchanged, n_verified } = progress;
        if self.0.length().is_none() {
            self.0.set_length(2 * n_points);
            self.0.set_style(style(KNOWN));
        }
        self.0.set_position(n_written + n_unchanged + n_verified);
        self.0.set_message(format!("steps, {n_written} written, {n_verified} compared"));
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

/// Files on their way from the hub: one bar for all that come at the same time.
pub(crate) struct Downloads {
    json: bool,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    drawn: Option<ProgressBar>,
    /// How much of each is here, and how much there is.
    files: BTreeMap<String, (u64, u64)>,
}

impl Downloads {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, shown: Mutex::default() }
    }

    pub(crate) fn show(&self, transfer: &Transfer<'_>) {
        if self.json {
            return;
        }
        // A bar that was left half drawn by a panic is no reason not to go on.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).show(transfer);
    }
}

impl Shown {
    fn show(&mut self, transfer: &Transfer<'_>) {
        let Transfer { file, n_bytes, n_total } = *transfer;
        self.files.insert(file.to_owned(), (n_bytes, n_total));
        if self.files.values().all(|(n_bytes, n_total)| n_bytes == n_total) {
            self.files.clear();
            self.drawn.take().iter().for_each(ProgressBar::finish_and_clear);
            return;
        }
        let drawn =
            self.drawn.get_or_insert_with(|| ProgressBar::new(0).with_style(style(DOWNLOAD)));
        let (here, all) =
            self.files.values().fold((0, 0), |(here, all), (n, total)| (here + n, all + total));
        drawn.set_length(all);
        drawn.set_position(here);
        drawn.set_message(match self.files.len() {
            1 => file.to_owned(),
            n_files => format!("{n_files} files"),
        });
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}
