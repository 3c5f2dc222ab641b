//! Tar archives as `WebDataset` has them: neighbours that share a name up to its first dot are one sample.
//!
//! A sample is a picture, or else a text; its other members say what is known of it: `cls` its class, `json` anything.
//! The shared name is its id. A place may name many shards at once, as in `shard-{000..041}.tar`. The names in
//! an archive are looked through before its samples are read, so that each can be read by itself.

mod braces;
mod sample;

use std::{
    collections::HashMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use linprobe_core::{BadRecord, Record, RecordId, Records, Source, SourceError};
use tar::Archive;

use self::sample::{Member, Roles, Sample, split_name};
use crate::{
    SourceOptions,
    failure::{self, unsupported},
    place::Place,
    seen::Seen,
};

pub(crate) use self::braces::expand;

/// A header, and what members are padded to.
const BLOCK: u64 = 512;

/// Archives of samples.
#[derive(Debug)]
pub(crate) struct Shards {
    fingerprint: String,
    files: Vec<Archived>,
    roles: Roles,
    /// Which archive holds an id, and where, once somebody asks for a record by its id.
    places: OnceLock<HashMap<RecordId, (usize, Location)>>,
}

/// An archive, and what its place tells.
#[derive(Debug)]
struct Archived {
    path: PathBuf,
    split: Option<String>,
}

/// Where a sample is in its archive.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Location {
    /// The name that its members share.
    key: String,
    offset: u64,
    n_members: usize,
}

impl Shards {
    /// Finds the archives. None of them is opened.
    pub(crate) fn open(
        place: &Place,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        let files = match expand(place.root()) {
            Some(files) => files,
            None => place.files(is_archive)?,
        };
        if let Some(missing) = files.iter().find(|file| !file.is_file()) {
            let hint = "all archives that the braces name must be there";
            return Err(unsupported(missing, "there is no such archive", hint));
        }
        let archived = |path: PathBuf| Archived { split: place.split_of(&path), path };
        let files = files.into_iter().map(archived).collect();
        Ok(Self { fingerprint, files, roles: Roles::of(options), places: OnceLock::new() })
    }

    fn find_places(&self) -> HashMap<RecordId, (usize, Location)> {
        let mut places = HashMap::new();
        for (file_idx, Archived { path, .. }) in self.files.iter().enumerate() {
            let Ok(file) = File::open(path) else { continue };
            for place in scan(&file).0 {
                if let Ok(id) = RecordId::new(&place.key) {
                    places.entry(id).or_insert((file_idx, place));
                }
            }
        }
        places
    }
}

impl Source for Shards {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        let seen = Seen::default();
        Box::new(Walk { shards: self, files: self.files.iter(), reading: None, seen })
    }

    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        let places = self.places.get_or_init(|| self.find_places());
        let (file_idx, place) =
            places.get(id).ok_or_else(|| SourceError::NotFound { id: id.clone() })?;
        let archived = &self.files[*file_idx];
        let file = File::open(&archived.path).map_err(failure::io(&archived.path))?;
        Ok(read(&file, archived, place, &self.roles)?)
    }
}

/// Goes through the archives, one sample at a time.
struct Walk<'a> {
    shards: &'a Shards,
    files: std::slice::Iter<'a, Archived>,
    reading: Option<Reading<'a>>,
    seen: Seen,
}

/// An archive that is being read.
struct Reading<'a> {
    archived: &'a Archived,
    file: File,
    places: std::vec::IntoIter<Location>,
    /// Why the names end, where they end early.
    damage: Option<String>,
}

impl Walk<'_> {
    fn next_record(&mut self) -> Option<Result<Record, SourceError>> {
        loop {
            if let Some(reading) = &mut self.reading {
                if let Some(place) = reading.places.next() {
                    let record = read(&reading.file, reading.archived, &place, &self.shards.roles);
                    return Some(record.map_err(SourceError::from));
                }
                let damage = reading.damage.take();
                let path = &reading.archived.path;
                self.reading = None;
                if let Some(reason) = damage {
                    let reason = format!("the archive ends early: {reason}");
                    let (file, row, id) = (path.to_owned(), None, None);
                    return Some(Err(BadRecord { file, row, id, reason }.into()));
                }
            }
            let archived = self.files.next()?;
            match File::open(&archived.path) {
                Ok(file) => {
                    let (places, damage) = scan(&file);
                    let places = places.into_iter();
                    self.reading = Some(Reading { archived, file, places, damage });
                }
                Err(error) => return Some(Err(failure::io(&archived.path)(error))),
            }
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Record, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.next_record()?;
        if let Ok(Record { id, .. }) = &record
            && !self.seen.insert(id)
        {
            let (id, file) =
                (Some(id.clone()), self.reading.as_ref().map(|r| r.archived.path.clone()));
            let reason = "its id was given to an earlier sample".to_owned();
            return Some(Err(
                BadRecord { file: file.unwrap_or_default(), row: None, id, reason }.into()
            ));
        }
        Some(record)
    }
}

/// The samples of an archive, and why there are no more where it is damaged.
fn scan(file: &File) -> (Vec<Location>, Option<String>) {
    let mut places: Vec<Location> = Vec::new();
    let end = scan_into(file, &mut places).err();
    (places, end.map(|error| error.to_string()))
}

fn scan_into(mut file: &File, places: &mut Vec<Location>) -> io::Result<()> {
    io::Seek::rewind(&mut file)?;
    let mut archive = Archive::new(file);
    // A member begins where the one before it has ended: a long name stands before its header.
    let mut end = 0;
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let offset = end;
        end = entry.raw_file_position() + entry.header().entry_size()?.next_multiple_of(BLOCK);
        let path = entry.path()?;
        let named = path.to_str().and_then(split_name);
        let Some((key, _)) = named.filter(|_| entry.header().entry_type().is_file()) else {
            if let Some(last) = places.last_mut() {
                last.n_members += 1;
            }
            continue;
        };
        match places.last_mut() {
            Some(last) if last.key == key => last.n_members += 1,
            _ => places.push(Location { key: key.to_owned(), offset, n_members: 1 }),
        }
    }
    Ok(())
}

/// Reads the members of a sample.
fn read(
    file: &File,
    archived: &Archived,
    place: &Location,
    roles: &Roles,
) -> Result<Record, BadRecord> {
    let id = RecordId::new(&place.key);
    let bad = |reason: String| BadRecord {
        file: archived.path.clone(),
        row: None,
        id: id.as_ref().ok().cloned(),
        reason: format!("{}: {reason}", place.key),
    };
    let record_id = id.as_ref().map_err(|reason| bad(reason.to_string()))?.clone();
    let mut sample = Sample::of(archived.split.as_deref());
    members(file, place, |member| sample.add(member)).map_err(|error| bad(error.to_string()))?;
    sample.into_record(record_id, roles).map_err(bad)
}

fn members(
    mut file: &File,
    place: &Location,
    mut add: impl FnMut(&mut Member<'_>) -> io::Result<()>,
) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(place.offset))?;
    let mut archive = Archive::new(file);
    for entry in archive.entries()?.take(place.n_members) {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let size = entry.size();
        if let Some((_, ending)) = path.to_str().and_then(split_name) {
            add(&mut Member { ending, size, content: &mut entry })?;
        }
    }
    Ok(())
}

/// Whether the name of a file says that it is an archive.
pub(crate) fn is_archive(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tar"))
}
