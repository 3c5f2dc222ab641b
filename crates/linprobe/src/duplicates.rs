//! Near-duplicates: found once over the whole project, and labelled once where that is asked for.
//!
//! Records are alike by their embeddings, and pictures by what they look like when they are very small, which tells copies of other sizes
//! and qualities whatever the model makes of them. Groups that are kept stand in the file `duplicates.json` of the project, which can
//! be deleted at any time; sessions then show one record of each.

mod looks;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::Arc,
};

use linprobe_core::{Embedding, RecordId};
use linprobe_session::Groups;
use serde::{Deserialize, Serialize};

use self::looks::Looks;
use crate::{error::ProjectError, files::write_atomic, project::Project};

const FILE: &str = "duplicates.json";

/// The version of the file.
const FORMAT: u32 = 1;

/// Pictures that look the same are the same only if the model does not say otherwise.
const LEAST_COSINE_OF_LOOKS: f32 = 0.8;

/// How near is near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DuplicateOptions {
    /// The cosine from which records are near-duplicates.
    pub least_cosine: f32,
    /// Whether pictures are compared by what they look like, too, which reads every one.
    pub by_looks: bool,
}

/// Records that are nearly the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateGroup {
    /// The records; the first is the one that was indexed first.
    pub ids: Vec<RecordId>,
}

/// Groups of near-duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// The groups, each of two records at least.
    pub groups: Vec<DuplicateGroup>,
    /// Pictures that could not be looked at.
    pub n_unseen: u64,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    groups: Vec<Vec<String>>,
}

impl Project {
    /// Finds groups of near-duplicates, and tells how many pictures were looked at.
    ///
    /// # Errors
    /// [`ProjectError::Empty`], or the database or the store fails.
    pub fn find_duplicates(
        &self,
        options: DuplicateOptions,
        report: &mut dyn FnMut(usize),
    ) -> Result<Duplicates, ProjectError> {
        if let Some(store) = self.store_address()? {
            return Err(ProjectError::DuplicatesElsewhere { store });
        }
        let groups = self.embedded_store()?.alike(options.least_cosine)?;
        if !options.by_looks {
            return Ok(Duplicates::new(groups, 0));
        }
        let mut looks = Looks::default();
        for id in self.pictures()? {
            looks.look(id, self);
            report(looks.n_looked_at());
        }
        let n_unseen = looks.n_unseen();
        let mut merged = Merged::new(groups);
        let pairs = looks.alike();
        for [a, b] in self.not_told_apart(pairs)? {
            merged.join(&a, &b);
        }
        Ok(Duplicates::new(merged.groups, n_unseen))
    }

    fn pictures(&self) -> Result<Vec<RecordId>, ProjectError> {
        let mut ids = Vec::new();
        self.catalogue().each_record(|record| {
            if record.kind == "image" {
                ids.push(record.id);
            }
        })?;
        Ok(ids)
    }

    /// Those pairs that the model does not tell apart.
    fn not_told_apart(
        &self,
        pairs: Vec<[RecordId; 2]>,
    ) -> Result<Vec<[RecordId; 2]>, ProjectError> {
        let ids: BTreeSet<RecordId> = pairs.iter().flatten().cloned().collect();
        let (store, ids) = (self.store()?, ids.into_iter().collect::<Vec<_>>());
        let points = pollster::block_on(store.fetch(&ids))?.into_iter();
        let embeddings: BTreeMap<RecordId, Embedding> =
            points.map(|point| (point.id, point.embedding)).collect();
        let are_alike = |[a, b]: &[RecordId; 2]| {
            let [Some(a), Some(b)] = [a, b].map(|id| embeddings.get(id)) else { return false };
            a.dot(b.as_slice()) >= LEAST_COSINE_OF_LOOKS
        };
        Ok(pairs.into_iter().filter(are_alike).collect())
    }

    /// Lets sessions show one record of each group from the next time that they are opened.
    ///
    /// # Errors
    /// [`ProjectError::Io`] when the project cannot be written.
    pub fn keep_duplicates(&self, duplicates: &Duplicates) -> Result<(), ProjectError> {
        let names = |group: &DuplicateGroup| group.ids.iter().map(ToString::to_string).collect();
        let groups = duplicates.groups.iter().map(names).collect();
        let kept = serde_json::to_vec(&Kept { format: FORMAT, groups });
        write_atomic(&self.duplicates_file(), &kept.expect("texts are JSON"))
    }

    /// Lets sessions show every record again. Says whether there was anything to forget.
    ///
    /// # Errors
    /// [`ProjectError::Io`] when the project cannot be written.
    pub fn forget_duplicates(&self) -> Result<bool, ProjectError> {
        let path = self.duplicates_file();
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(ProjectError::Io { path, source }),
        }
    }

    /// The groups of which sessions show one; none where none are kept.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`] when the file is none of ours.
    pub(crate) fn kept_duplicates(&self) -> Result<Arc<Groups>, ProjectError> {
        let path = self.duplicates_file();
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Arc::default()),
            read => read.map_err(|source| ProjectError::Io { path: path.clone(), source })?,
        };
        let damaged = |reason: String| {
            let reason =
                format!("{reason}\nhint: make it anew with \"linprobe duplicates --label-once\"");
            ProjectError::Damaged { path: path.clone(), reason }
        };
        let kept: Kept =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if kept.format != FORMAT {
            return Err(damaged(format!("it has format {}", kept.format)));
        }
        let ids = |names: Vec<String>| names.into_iter().map(RecordId::new).collect();
        let groups = kept.groups.into_iter().map(ids).collect::<Result<_, _>>();
        Ok(Arc::new(Groups::new(groups.map_err(|bad| damaged(bad.to_string()))?)))
    }

    fn duplicates_file(&self) -> PathBuf {
        self.folder().join(FILE)
    }
}

impl Duplicates {
    fn new(groups: Vec<Vec<RecordId>>, n_unseen: u64) -> Self {
        let groups = groups.into_iter().map(|ids| DuplicateGroup { ids }).collect();
        Self { groups, n_unseen }
    }

    /// Records that would be shown no longer: all but one of each group.
    pub fn n_spared(&self) -> usize {
        self.groups.iter().map(|group| group.ids.len().saturating_sub(1)).sum()
    }
}

/// Groups that grow together.
struct Merged {
    groups: Vec<Vec<RecordId>>,
    group_of: BTreeMap<RecordId, usize>,
}

impl Merged {
    fn new(groups: Vec<Vec<RecordId>>) -> Self {
        let members = groups.iter().enumerate();
        let group_of = members.flat_map(|(n, group)| group.iter().map(move |id| (id.clone(), n)));
        Self { group_of: group_of.collect(), groups }
    }

    /// Puts a record that is alone with the other one; two that are in groups stay where they are.
    fn join(&mut self, a: &RecordId, b: &RecordId) {
        let (group_idx, alone) = match (self.group_of.get(a), self.group_of.get(b)) {
            (Some(_), Some(_)) => return,
            (Some(&group_idx), None) => (group_idx, b),
            (None, Some(&group_idx)) => (group_idx, a),
            (None, None) => {
                self.groups.push(vec![a.clone()]);
                self.group_of.insert(a.clone(), self.groups.len() - 1);
                (self.groups.len() - 1, b)
            }
        };
        self.groups[group_idx].push(alone.clone());
        self.group_of.insert(alone.clone(), group_idx);
    }
}
