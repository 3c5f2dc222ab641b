//! Index jobs: one at a time for a project, on a thread of its own, watched by whoever likes.
//!
//! A job belongs to the server that started it and ends with it; what it had written stays, and the
//! same job again goes on from there.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use linprobe::{
    Blame, Cancel, IndexOptions, IndexProgress, Indexed, Project, ProjectError, SourceOptions,
};
use tokio::sync::watch;

use crate::{
    desk::Desk,
    lock::lock,
    problem::{Kind, Problem},
    wire,
};

/// What is said of a job that nobody can say more of.
const BROKEN: &str =
    "the job has ended before it was done\nhint: start it again; it goes on where it was";

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
        lock(&self.0)
    }
}

impl Task {
    /// The job as it begins.
    pub(crate) fn job(&self) -> wire::Job {
        self.progress.borrow().clone()
    }

    /// Does it, lets go of the sessions over what was there before, and says how it ended. Blocks the thread.
    pub(crate) fn run(self, desk: &Desk) {
        self.run_by(desk, Project::index);
    }

    fn run_by(
        self,
        desk: &Desk,
        index: impl FnOnce(
            &Project,
            &Path,
            &IndexOptions,
            &mut (dyn FnMut(IndexProgress) + Send),
        ) -> Result<Indexed, ProjectError>,
    ) {
        let started = Instant::now();
        let mut report = |so_far: IndexProgress| {
            self.progress.send_modify(|job| advance(job, so_far, started));
        };
        let done = {
            let _closing = Closing(desk);
            index(&desk.project, &self.location, &self.options, &mut report)
        };
        self.progress.send_modify(|job| end(job, done, started));
    }
}

impl Drop for Task {
    /// One that was never begun, or that a panic ended, does not run any longer.
    fn drop(&mut self) {
        self.progress.send_if_modified(|job| {
            let was_running = is_running(job);
            if was_running {
                job.state = wire::JobState::Failed;
                job.problem = Some(Problem::new(Kind::Internal, BROKEN));
            }
            was_running
        });
    }
}

/// Closes the sessions of a desk in the end, also when that is a panic.
struct Closing<'a>(&'a Desk);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close_sessions();
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

/// Refuses a model that is a folder of this machine outside of the roots, and one on another machine: what asks it
/// carries a token, which must not go where whoever sends a request says. Only that of the project itself,
/// which its owner has chosen, may be there.
pub(crate) fn check_model(
    model: Option<&str>,
    project: &Project,
    roots: &[PathBuf],
) -> Result<(), Problem> {
    let Some(name) = model else { return Ok(()) };
    if name.contains("://") {
        let is_own = project.model()?.is_some_and(|own| own.id == name);
        return if is_own { Ok(()) } else { Err(elsewhere(name)) };
    }
    if Path::new(name).exists() { below_roots(name, roots).map(drop) } else { Ok(()) }
}

fn elsewhere(model: &str) -> Problem {
    let words = format!(
        "{model:?} is the address of another machine, which no request may choose\n\
         hint: choose it with linprobe init --model"
    );
    Problem::new(Kind::OutsideRoots, words)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write,
        panic::{AssertUnwindSafe, catch_unwind},
        sync::Arc,
    };

    use linprobe::{Clock, Method, OpenOptions, StartFrom, Surroundings};

    use super::*;

    fn new_job() -> wire::NewJob {
        wire::NewJob {
            source: "texts.csv".to_owned(),
            model: None,
            text_column: None,
            id_column: None,
            label_column: None,
            prune: None,
        }
    }

    fn desk(folder: &Path) -> Desk {
        let surroundings = Surroundings { models: OpenOptions::default(), clock: Clock::new(|| 0) };
        Desk::new(Arc::new(Project::create(folder, surroundings).unwrap()))
    }

    fn state(desk: &Desk) -> (wire::JobState, bool) {
        let job = desk.jobs.all().pop().unwrap();
        (job.state, job.problem.is_some())
    }

    #[test]
    fn a_job_that_never_begins_has_failed_and_another_can_be_started() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let task = desk.jobs.enter(&new_job(), PathBuf::new()).unwrap();
        assert!(desk.jobs.enter(&new_job(), PathBuf::new()).is_err(), "one at a time");
        drop(task);
        assert_eq!(state(&desk), (wire::JobState::Failed, true));
        desk.jobs.enter(&new_job(), PathBuf::new()).unwrap();
    }

    #[test]
    fn a_job_that_panics_has_failed_and_the_sessions_are_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let table = folder.path().join("texts.csv");
        fs::File::create(&table).unwrap().write_all(b"id,text\n1,a dog\n2,a cat\n").unwrap();
        desk.project.index(&table, &IndexOptions::default(), &mut |_| ()).unwrap();
        let from = StartFrom { phrases: vec!["a dog".to_owned()], ..StartFrom::default() };
        let session = desk.project.start_session("dogs", &from, Method::default());
        let live = desk.keep(pollster::block_on(session).unwrap());
        let task = desk.jobs.enter(&new_job(), table).unwrap();
        let run = || task.run_by(&desk, |_, _, _, _| panic!("a bug"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(state(&desk), (wire::JobState::Failed, true));
        assert!(!Arc::ptr_eq(&live, &desk.session("dogs").unwrap()));
    }
}
