//! Records that are labelled once: of a group of near-duplicates a session shows one.
//!
//! What is said of one counts for the others in what is shown afterwards, and in nothing else: labels, fits, counts and audits are of
//! records. Groups are no part of what has happened, so a session may be resumed with others, or without.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use linprobe_core::{Excluded, RecordId};

/// Groups of records of which one is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    groups: Vec<Vec<RecordId>>,
    group_of: BTreeMap<RecordId, usize>,
}

impl Groups {
    /// Of these; a record that is in several belongs to the first.
    pub fn new(groups: Vec<Vec<RecordId>>) -> Self {
        let mut group_of = BTreeMap::new();
        for (group_idx, group) in groups.iter().enumerate() {
            for id in group {
                group_of.entry(id.clone()).or_insert(group_idx);
            }
        }
        Self { groups, group_of }
    }

    /// The groups.
    pub fn groups(&self) -> &[Vec<RecordId>] {
        &self.groups
    }

    /// What was seen, and what is in a group with it.
    pub(crate) fn hidden<'a>(&self, seen: &'a Excluded) -> Cow<'a, Excluded> {
        let met: BTreeSet<usize> =
            seen.iter().filter_map(|id| self.group_of.get(id).copied()).collect();
        if met.is_empty() {
            return Cow::Borrowed(seen);
        }
        let mates = met.into_iter().filter_map(|group_idx| self.groups.get(group_idx)).flatten();
        Cow::Owned(seen.iter().chain(mates).cloned().collect())
    }

    /// Keeps the first of each group.
    pub(crate) fn keep_first<T>(&self, records: &mut Vec<T>, id_of: impl Fn(&T) -> &RecordId) {
        let mut met = BTreeSet::new();
        records.retain(|record| match self.group_of.get(id_of(record)) {
            Some(group_idx) => met.insert(*group_idx),
            None => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<const N: usize>(names: [&str; N]) -> Vec<RecordId> {
        names.map(|name| RecordId::new(name).unwrap()).into()
    }

    #[test]
    fn what_is_in_a_group_with_something_seen_is_hidden() {
        let groups = Groups::new(vec![ids(["a", "b"]), ids(["c", "d", "e"])]);
        let seen: Excluded = ids(["d", "x"]).into_iter().collect();
        let hidden: Vec<RecordId> = groups.hidden(&seen).iter().cloned().collect();
        assert_eq!(hidden, ids(["c", "d", "e", "x"]));
        assert!(matches!(Groups::default().hidden(&seen), Cow::Borrowed(_)));
    }

    #[test]
    fn of_a_group_the_first_is_kept() {
        let groups = Groups::new(vec![ids(["a", "b"])]);
        let mut records = ids(["x", "b", "y", "a"]);
        groups.keep_first(&mut records, |id| id);
        assert_eq!(records, ids(["x", "b", "y"]));
    }
}
