//! Index jobs: one at a time for a project, on a thread of its own, watched by whoever likes.
//!
//! A job belongs to the server that started it and ends with it; what it had written stays, and the
//! same job again goes on from there.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use linprobe::{
    Blame, Cancel, IndexOptions, IndexProgress, Indexed, Project, ProjectError, SourceOptions,
};
use tokio::sync::watch;

use crate::{
    problem::{Kind, Problem},
    wire,
};

/// The jobs of a project, the first one first.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    /// Ends when the job does: its task holds the other end.
    progress: watch::Receiver<wire::Job>,
    cancel: Cancel,
}

/// A job that was entered, and has to be done.
#[derive(Debug)]
pub(crate) struct Task {
    progress: watch::Sender<wire::Job>,
    location: PathBuf,
    options: IndexOptions,
}

impl Jobs {
    /// Enters a job over a dataset that may be read.
    pub(crate) fn enter(&self, new: &wire::NewJob, location: PathBuf) -> Result<Task, Problem> {
        let mut jobs = self.lock();
        if jobs.iter().any(|entry| is_running(&entry.progress.borrow())) {
            let words = "the project is being indexed already\nhint: wait, or cancel that job";
            return Err(Problem::new(Kind::Conflict, words));
        }
        let job = wire::Job {
            id: (jobs.len() + 1).to_string(),
            source: new.source.clone(),
            state: wire::JobState::Running,
            n_done: 0,
            n_embedded: 0,
            n_skipped: 0,
            n_pruned: 0,
            n_total: None,
            records_per_second: 0.0,
            notes: Vec::new(),
            problem: None,
        };
        let progress = watch::Sender::new(job);
        let options = options(new);
        let cancel = options.cancel.clone();
        jobs.push(Entry { progress: progress.subscribe(), cancel });
        Ok(Task { progress, location, options })
    }

    /// All jobs.
    pub(crate) fn all(&self) -> Vec<wire::Job> {
        self.lock().iter().map(|entry| entry.progress.borrow().clone()).collect()
    }

    /// Watches a job.
    pub(crate) fn watch(&self, id: &str) -> Result<watch::Receiver<wire::Job>, Problem> {
        let jobs = self.lock();
        Ok(found(&jobs, id)?.progress.clone())
    }

    /// Lets a job end before its next record.
    pub(crate) fn cancel(&self, id: &str) -> Result<wire::Job, Problem> {
        let jobs = self.lock();
        let entry = found(&jobs, id)?;
        entry.cancel.cancel();
        let job = entry.progress.borrow().clone();
        Ok(job)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    /// The job as it begins.
    pub(crate) fn job(&self) -> wire::Job {
        self.progress.borrow().clone()
    }

    /// Does it, and says how it ended. Blocks the thread.
    pub(crate) fn run(self, project: &Project) {
        let Self { progress, location, options } = self;
        let started = Instant::now();
        let mut report = |so_far: IndexProgress| {
            progress.send_modify(|job| advance(job, so_far, started));
        };
        let done = project.index(&location, &options, &mut report);
        progress.send_modify(|job| end(job, done, started));
    }
}

fn options(new: &wire::NewJob) -> IndexOptions {
    let source = SourceOptions {
        id: new.id_column.clone(),
        text: new.text_column.clone(),
        label: new.label_column.clone(),
        ..SourceOptions::default()
    };
    let prune = new.prune.unwrap_or_default();
    IndexOptions { model: new.model.clone(), source, prune, ..IndexOptions::default() }
}

fn is_running(job: &wire::Job) -> bool {
    job.state == wire::JobState::Running
}

fn found<'a>(jobs: &'a [Entry], id: &str) -> Result<&'a Entry, Problem> {
    let unknown = || Problem::new(Kind::UnknownJob, format!("no job {id:?}"));
    jobs.iter().find(|entry| entry.progress.borrow().id == id).ok_or_else(unknown)
}

fn advance(job: &mut wire::Job, progress: IndexProgress, started: Instant) {
    job.n_done = progress.n_done();
    job.n_embedded = progress.n_embedded;
    job.n_skipped = progress.n_skipped;
    job.n_pruned = progress.n_pruned;
    job.n_total = progress.n_records_hint;
    job.records_per_second = job.n_done as f64 / started.elapsed().as_secs_f64().max(1e-3);
}

fn end(job: &mut wire::Job, done: Result<Indexed, ProjectError>, started: Instant) {
    match done {
        Ok(Indexed { progress, notes, .. }) => {
            advance(job, progress, started);
            job.notes = notes;
            job.state = wire::JobState::Done;
        }
        Err(error) if error.blame() == Blame::Cancelled => job.state = wire::JobState::Cancelled,
        Err(error) => {
            job.state = wire::JobState::Failed;
            job.problem = Some(error.into());
        }
    }
}

/// The place of a dataset, if it lies below one of the roots: links are followed first, so that no
/// name leads out of them.
pub(crate) fn below_roots(source: &str, roots: &[PathBuf]) -> Result<PathBuf, Problem> {
    let outside = || {
        let words = format!(
            "{source:?} is not in a folder that may be indexed\nhint: serve it with --data-root FOLDER"
        );
        Problem::new(Kind::OutsideRoots, words)
    };
    // What is not there and what may not be looked at must look the same.
    let Ok(place) = Path::new(source).canonicalize() else { return Err(outside()) };
    if roots.iter().any(|root| place.starts_with(root)) { Ok(place) } else { Err(outside()) }
}

/// Refuses a model that is a folder of this machine outside of the roots.
pub(crate) fn check_model(model: Option<&str>, roots: &[PathBuf]) -> Result<(), Problem> {
    match model {
        Some(name) if Path::new(name).exists() => below_roots(name, roots).map(drop),
        _ => Ok(()),
    }
}
