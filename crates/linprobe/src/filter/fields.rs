//! What can be asked after: the columns of the dataset, and what every record has.

use std::collections::BTreeSet;

use linprobe_core::{Metadata, Record};

use super::{BadFilter, Field, Filter};
use crate::catalogue::CatalogueRecord;

/// What every record may be asked after, where its dataset has no column of the name.
pub(crate) const OWN: [&str; 4] = ["id", "kind", "label", "text"];

/// What is known of a record, wherever it is from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    id: &'a str,
    kind: &'a str,
    text: Option<&'a str>,
    label: Option<&'a str>,
    metadata: &'a Metadata,
}

impl<'a> From<&'a CatalogueRecord> for Known<'a> {
    fn from(record: &'a CatalogueRecord) -> Self {
        let CatalogueRecord { id, kind, text, label, metadata } = record;
        let (text, label) = (text.as_deref(), label.as_deref());
        Self { id: id.as_str(), kind, text, label, metadata }
    }
}

impl<'a> From<&'a Record> for Known<'a> {
    fn from(record: &'a Record) -> Self {
        let Record { id, content, label, metadata } = record;
        let (kind, text) = (content.kind(), content.text());
        Self { id: id.as_str(), kind, text, label: label.as_deref(), metadata }
    }
}

impl Field {
    /// What a record has of it.
    pub(super) fn of<'a>(&self, known: Known<'a>) -> Option<&'a str> {
        let own = || match self.name.as_str() {
            "id" => Some(known.id),
            "kind" => Some(known.kind),
            "label" => known.label,
            "text" => known.text,
            _ => None,
        };
        known.metadata.get(&self.name).map(String::as_str).or_else(own)
    }
}

/// A filter that notes which fields it has met, so that one that no record has is not taken for one that
/// merely fits none.
#[derive(Debug)]
pub(crate) struct Sieve<'a> {
    filter: &'a Filter,
    /// The fields that no record had so far.
    unmet: Vec<&'a Field>,
    /// Those that were met while some were not.
    met: BTreeSet<String>,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(filter: &'a Filter) -> Self {
        let is_own = |field: &&Field| OWN.contains(&field.name.as_str());
        let unmet = filter.fields.iter().filter(|field| !is_own(field)).collect();
        Self { filter, unmet, met: BTreeSet::new() }
    }

    /// Whether a record goes through.
    pub(crate) fn lets_through<'r>(&mut self, record: impl Into<Known<'r>>) -> bool {
        let known = record.into();
        if !self.unmet.is_empty() {
            self.unmet.retain(|field| field.of(known).is_none());
            let new = known.metadata.keys().filter(|name| !self.met.contains(*name));
            let new: Vec<String> = new.cloned().collect();
            self.met.extend(new);
        }
        self.filter.holds_of(known)
    }

    /// Refuses a filter that asks after a field that no record had.
    ///
    /// # Errors
    /// [`BadFilter`], with the fields that they had.
    pub(crate) fn check(self) -> Result<(), BadFilter> {
        let Some(Field { name, column }) = self.unmet.first() else { return Ok(()) };
        Err(BadFilter {
            text: self.filter.text.clone(),
            column: *column,
            reason: format!("no record has a field {name:?}"),
            fields: all(self.met),
        })
    }
}

/// Columns and what every record has, in order.
pub(crate) fn all(columns: BTreeSet<String>) -> Vec<String> {
    let own = OWN.into_iter().map(str::to_owned);
    columns.into_iter().chain(own).collect::<BTreeSet<_>>().into_iter().collect()
}
