//! The projects that are served, by the names that stand in addresses.
//!
//! A project that cannot be opened is listed with the reason and does not stop the others; it is tried
//! again whenever somebody asks for it. A folder of projects is looked through again with every
//! list, so that what is made there by other means appears.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use linprobe::{Project, ProjectError, Surroundings};

use crate::{
    desk::Desk,
    lock::lock,
    problem::{Kind, Problem},
};

/// The file that tells a project from any other folder.
const DATABASE: &str = "project.db";

/// The longest name of a project, in characters.
const MAX_NAME: usize = 80;

/// All projects that are served.
#[derive(Debug)]
pub(crate) struct Workspace {
    projects: Vec<PathBuf>,
    /// Where further projects are found and made.
    folder: Option<PathBuf>,
    surroundings: Surroundings,
    entries: Mutex<BTreeMap<String, Entry>>,
}

/// A project that is served.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its name in addresses.
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
    folder: PathBuf,
    desk: Option<Arc<Desk>>,
}

impl Workspace {
    /// Serves projects, and all projects in folders that are none themselves. New ones are made in
    /// the first of these.
    pub(crate) fn new(paths: &[PathBuf], surroundings: Surroundings) -> Self {
        let (projects, folders): (Vec<_>, Vec<_>) =
            paths.iter().cloned().partition(|path| path.join(DATABASE).exists());
        let folder = folders.into_iter().next();
        Self { projects, folder, surroundings, entries: Mutex::default() }
    }

    /// Of one project that is open already; gives its name in addresses, too.
    pub(crate) fn of_desk(desk: Arc<Desk>, surroundings: Surroundings) -> (Self, String) {
        let mut entries = BTreeMap::new();
        let folder = desk.project.folder().to_owned();
        let entry = Entry { desk: Some(desk), ..enter(&mut entries, &folder) };
        let slug = entry.slug.clone();
        entries.insert(slug.clone(), entry);
        let entries = Mutex::new(entries);
        (Self { projects: Vec::new(), folder: None, surroundings, entries }, slug)
    }

    /// Whether new projects can be made.
    pub(crate) fn can_create(&self) -> bool {
        self.folder.is_some()
    }

    /// Every project, opened or not, in the order of their names in addresses.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.lock();
        for folder in self.projects.iter().cloned().chain(self.found()) {
            enter(&mut entries, &folder);
        }
        entries.values().cloned().collect()
    }

    /// The project of a name, opened.
    pub(crate) fn desk(&self, slug: &str) -> Result<Arc<Desk>, Problem> {
        let known = self.lock().get(slug).cloned();
        let found = known.or_else(|| self.entries().into_iter().find(|entry| entry.slug == slug));
        let entry = found.ok_or_else(|| Problem::unknown_project(slug))?;
        self.open(&entry)
    }

    /// Opens the project of an entry, if it is not open.
    pub(crate) fn open(&self, entry: &Entry) -> Result<Arc<Desk>, Problem> {
        let mut entries = self.lock();
        let kept =
            entries.get_mut(&entry.slug).ok_or_else(|| Problem::unknown_project(&entry.slug));
        let kept = kept?;
        if let Some(desk) = &kept.desk {
            return Ok(Arc::clone(desk));
        }
        let opened = Project::open(&kept.folder, self.surroundings.clone());
        let project = opened.map_err(|error| {
            let words = Problem::from(error);
            Problem::new(Kind::BrokenProject, words.detail())
        })?;
        let desk = Arc::new(Desk::new(Arc::new(project)));
        kept.desk = Some(Arc::clone(&desk));
        Ok(desk)
    }

    /// Makes a project.
    pub(crate) fn create(&self, name: &str) -> Result<Entry, Problem> {
        let no_folder = || {
            let words = "no folder for new projects is served\nhint: serve a folder of projects";
            Problem::new(Kind::Conflict, words)
        };
        let folder = self.folder.as_ref().ok_or_else(no_folder)?;
        let name = name.trim();
        let slug = slug(name);
        if slug.is_empty() || name.chars().count() > MAX_NAME {
            let words = format!("{name:?} is no name for a project\nhint: letters and digits");
            return Err(Problem::new(Kind::BadRequest, words));
        }
        let folder = folder.join(&slug);
        if folder.exists() {
            let words = format!("there is a folder {slug:?} already\nhint: take another name");
            return Err(Problem::new(Kind::NameTaken, words));
        }
        match Project::create(&folder, self.surroundings.clone()) {
            Ok(_) => Ok(enter(&mut self.lock(), &folder)),
            Err(error @ ProjectError::AlreadyAProject { .. }) => {
                Err(Problem::new(Kind::NameTaken, error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The projects in the folder of projects.
    fn found(&self) -> Vec<PathBuf> {
        let inside = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        let paths = inside.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mut found: Vec<PathBuf> = paths.filter(|path| path.join(DATABASE).exists()).collect();
        found.sort_unstable();
        found
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        lock(&self.entries)
    }
}

/// Enters a folder under a name that is free, if it is not entered yet.
fn enter(entries: &mut BTreeMap<String, Entry>, folder: &Path) -> Entry {
    if let Some(entry) = entries.values().find(|entry| entry.folder == folder) {
        return entry.clone();
    }
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = whole.file_name().map_or_else(|| "project".into(), |name| name.to_string_lossy());
    let base = Some(slug(&name)).filter(|slug| !slug.is_empty()).unwrap_or("project".to_owned());
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    let mut free = std::iter::once(base.clone()).chain(numbered);
    let slug = free.find(|slug| !entries.contains_key(slug)).unwrap_or(base);
    let name = name.into_owned();
    let entry = Entry { slug: slug.clone(), name, folder: folder.to_owned(), desk: None };
    entries.insert(slug, entry.clone());
    entry
}

/// A name as it can stand in an address: lower case, words parted by one hyphen.
fn slug(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' });
    let lower: String = letters.flat_map(char::to_lowercase).collect();
    lower.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_can_stand_in_an_address_and_leaves_no_folder() {
        assert_eq!(slug("Debian Packages (all)"), "debian-packages-all");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("Ünïcode"), "ünïcode");
        assert_eq!(slug(".."), "");
    }

    #[test]
    fn two_folders_of_one_name_have_two_slugs_and_keep_them() {
        let mut entries = BTreeMap::new();
        let first = enter(&mut entries, Path::new("a/tickets"));
        let second = enter(&mut entries, Path::new("b/tickets"));
        assert_eq!((first.slug.as_str(), second.slug.as_str()), ("tickets", "tickets-2"));
        assert_eq!(enter(&mut entries, Path::new("a/tickets")).slug, "tickets");
        assert_eq!(entries.len(), 2);
    }
}
