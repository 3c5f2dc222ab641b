//! A project that is open, with what is kept between requests: its live sessions, sizes of pictures,
//! uploads.
//!
//! Whoever works on a session does so by its name, over the one that is live here: so a notebook and the cards that it shows
//! see the same labels without asking the disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use linprobe::{
    Blame, CatalogueRecord, Exemplar, PictureSize, Project, ProjectError, RecordId, Session,
    StartFrom, View,
};

use crate::{
    jobs::Jobs,
    live::LiveSession,
    lock::lock,
    problem::{Kind, Problem},
    slots::Slots,
    uploads::Uploads,
    wire,
};

/// Sizes of pictures that are remembered; then all are forgotten.
const MAX_SIZES: usize = 200_000;

/// A project that is open.
#[derive(Debug)]
pub struct Desk {
    pub(crate) project: Arc<Project>,
    pub(crate) uploads: Uploads,
    pub(crate) jobs: Jobs,
    sessions: Slots<LiveSession>,
    sizes: Mutex<BTreeMap<RecordId, Option<PictureSize>>>,
}

impl Desk {
    /// Of a project that is open.
    pub fn new(project: Arc<Project>) -> Self {
        Self {
            project,
            uploads: Uploads::default(),
            jobs: Jobs::default(),
            sessions: Slots::default(),
            sizes: Mutex::default(),
        }
    }

    /// The project.
    pub fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// The session of a name, resumed if it is not live.
    pub(crate) fn session(&self, name: &str) -> Result<Arc<LiveSession>, ProjectError> {
        self.sessions.open(name, || {
            let session = pollster::block_on(self.project.resume_session(name))?;
            Ok(LiveSession::new(session))
        })
    }

    /// The session of a name as it was when it was last written to here, resumed if it is not live. Does not wait for whoever
    /// writes to it.
    ///
    /// # Errors
    /// [`ProjectError`] when there is no such session, or it cannot be read.
    pub fn view(&self, name: &str) -> Result<View, ProjectError> {
        Ok(self.session(name)?.view())
    }

    /// Resumes a session, even one that is live: other processes may have written to it.
    ///
    /// # Errors
    /// [`ProjectError`] when there is no such session, or it cannot be read.
    pub fn resume(&self, name: &str) -> Result<(), ProjectError> {
        self.keep(pollster::block_on(self.project.resume_session(name))?);
        Ok(())
    }

    /// Keeps a session that was just opened, and gives its name.
    pub fn open(&self, session: Session) -> String {
        self.keep(session).view().state().name().to_owned()
    }

    pub(crate) fn keep(&self, session: Session) -> Arc<LiveSession> {
        self.sessions.keep(session.state().name().to_owned(), LiveSession::new(session))
    }

    /// Works on a session. When another process has written to it meanwhile, it is resumed and the
    /// work is done once more. Blocks the thread, which must not be one that drives futures.
    ///
    /// # Errors
    /// [`ProjectError`] when there is no such session, or the work fails.
    pub fn work<T>(
        &self,
        name: &str,
        mut work: impl FnMut(&mut Session) -> Result<T, ProjectError>,
    ) -> Result<T, ProjectError> {
        let live = self.session(name)?;
        match work(&mut live.lock()) {
            Err(error) if error.blame() == Blame::OtherWriter => {}
            done => return done,
        }
        self.sessions.let_go(name, &live);
        let live = self.session(name)?;
        let mut session = live.lock();
        work(&mut session)
    }

    /// Lets go of all sessions, so that they are resumed over what is indexed now.
    pub fn close_sessions(&self) {
        self.sessions.clear();
    }

    /// Reads records at once that are then asked for one by one.
    pub(crate) fn read_ahead<'a>(
        &self,
        ids: impl Iterator<Item = &'a RecordId>,
    ) -> Result<(), Problem> {
        Ok(self.project.read_ahead(&ids.cloned().collect::<Vec<_>>())?)
    }

    /// A record for the wire.
    pub(crate) fn record(&self, id: &RecordId) -> Result<wire::Record, Problem> {
        Ok(self.dress(self.project.record(id)?))
    }

    /// A record for the wire, of one that was read.
    pub(crate) fn dress(&self, record: CatalogueRecord) -> wire::Record {
        let size = if record.kind == "image" { self.size(&record.id) } else { None };
        wire::Record::new(record, size)
    }

    /// A picture whose file is gone has no size; that is no reason not to show the rest.
    fn size(&self, id: &RecordId) -> Option<PictureSize> {
        if let Some(size) = lock(&self.sizes).get(id) {
            return *size;
        }
        let size = self.project.picture_size(id).unwrap_or_default();
        let mut sizes = lock(&self.sizes);
        if sizes.len() >= MAX_SIZES {
            sizes.clear();
        }
        sizes.insert(id.clone(), size);
        size
    }

    /// Where to start, with uploads and classifiers found.
    pub(crate) fn start_from(&self, start: &wire::Start) -> Result<StartFrom, Problem> {
        let records = |ids: &[String]| -> Result<Vec<Exemplar>, Problem> {
            ids.iter().map(|id| Ok(Exemplar::Record(self.known_record(id)?))).collect()
        };
        let mut like = records(&start.records)?;
        for upload in &start.uploads {
            let content = self.uploads.content(upload).ok_or_else(|| {
                let words = format!("no upload {upload:?}\nhint: uploads are kept for an hour");
                Problem::new(Kind::BadStart, words)
            })?;
            like.push(Exemplar::Content("an upload".to_owned(), content));
        }
        let classifier = start.classifier.as_ref().map(|name| {
            let file = self.project.kept_classifier(name)?;
            Ok::<_, Problem>((name.clone(), file.classifier))
        });
        let words = |phrases: &[String]| -> Vec<String> {
            let phrases = phrases.iter().map(|phrase| phrase.trim().to_owned());
            phrases.filter(|phrase| !phrase.is_empty()).collect()
        };
        let filter = start.filter.as_deref().filter(|text| !text.trim().is_empty());
        Ok(StartFrom {
            phrases: words(&start.phrases),
            negative_phrases: words(&start.not_phrases),
            like,
            unlike: records(&start.not_records)?,
            vector: start.vector.clone(),
            classifier: classifier.transpose()?,
            filter: filter.map(|text| self.project.filter(text)).transpose()?,
        })
    }

    fn known_record(&self, id: &str) -> Result<RecordId, Problem> {
        let id = record_id(id)?;
        self.project.record(&id)?;
        Ok(id)
    }
}

/// The id that stands in a request.
pub(crate) fn record_id(name: &str) -> Result<RecordId, Problem> {
    let bad = |reason| Problem::new(Kind::UnknownRecord, format!("{name:?} is no id: {reason}"));
    RecordId::new(name).map_err(bad)
}
