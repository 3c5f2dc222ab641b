//! Which columns hold the ids, the texts and the labels.
//!
//! What was asked for wins, then what a column is called, then, for the texts alone, what stands in
//! the first rows. Nothing else is guessed: a table with two columns of words and no telling name
//! is an error that lists its columns.

use std::{collections::HashMap, path::Path};

use linprobe_core::{Metadata, RecordId, SourceError};

use super::{Row, Rows};
use crate::{
    SourceOptions,
    failure::{listed, unsupported},
    seen::Seen,
};

/// The name of the only column of a file that has no others.
pub(crate) const TEXT: &str = "text";

/// Names of text columns, the most telling first.
pub(crate) const TEXTS: [&str; 20] = [
    TEXT,
    "content",
    "sentence",
    "body",
    "description",
    "title",
    "review",
    "question",
    "utterance",
    "comment",
    "message",
    "document",
    "query",
    "prompt",
    "abstract",
    "summary",
    "headline",
    "caption",
    "tweet",
    "post",
];

const IDS: [&str; 7] = ["id", "_id", "uuid", "guid", "key", "idx", "index"];

const LABELS: [&str; 9] =
    ["label", "labels", "class", "category", "intent", "target", "section", "topic", "tag"];

/// How many rows tell what columns there are.
const N_SAMPLED: usize = 1000;

/// The most columns that a table has.
pub(crate) const MAX_COLUMNS: usize = 16_384;

/// Whether a name is one of those by which columns are found.
pub(crate) fn is_known(name: &str) -> bool {
    IDS.iter().chain(&TEXTS).chain(&LABELS).any(|known| known.eq_ignore_ascii_case(name.trim()))
}

/// Whether a name is one of those by which columns of texts are found.
pub(crate) fn is_known_text(name: &str) -> bool {
    TEXTS.iter().any(|known| known.eq_ignore_ascii_case(name.trim()))
}

/// Whether a value is a number.
pub(crate) fn is_number(value: &str) -> bool {
    value.trim().parse::<f64>().is_ok_and(f64::is_finite)
}

/// The columns that make a record.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Without one the place of the row is its id.
    pub(crate) id: Option<String>,
    /// Where rows are no texts, there may be none.
    text: Option<String>,
    label: Option<String>,
    /// The columns kept as metadata; all when none are named.
    metadata: Option<Vec<String>>,
}

impl Columns {
    /// The columns of a file of lines.
    pub(crate) fn text_alone() -> Self {
        Self { id: None, text: Some(TEXT.to_owned()), label: None, metadata: None }
    }

    /// Chooses the columns.
    pub(crate) fn choose(
        path: &Path,
        sample: &Sample,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        sample.require_any(path)?;
        let asked = sample.require_asked(path, options)?;
        let id = options.id.clone().or_else(|| sample.named_like(&IDS, &asked));
        let label = options.label.clone().or_else(|| sample.named_like(&LABELS, &asked));
        let pair = sample.unnamed_pair().filter(|_| asked.iter().all(|name| name.is_none()));
        let (text, label) = match (&options.text, pair) {
            (Some(text), _) => (text.clone(), label),
            (None, Some((text, label))) => (text, Some(label)),
            (None, None) => (sample.text(path, &[&id, &label])?, label),
        };
        Ok(Self { id, text: Some(text), label, metadata: options.metadata.clone() })
    }

    /// Chooses the columns of rows whose content is no text; one is shown beside it, if it is named like a text.
    pub(crate) fn beside_content(
        path: &Path,
        sample: &Sample,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        let asked = sample.require_asked(path, options)?;
        let named_like = |asked_for: &Option<String>, known: &[&str]| {
            asked_for.clone().or_else(|| sample.named_like(known, &asked))
        };
        Ok(Self {
            id: named_like(&options.id, &IDS),
            text: named_like(&options.text, &TEXTS),
            label: named_like(&options.label, &LABELS),
            metadata: options.metadata.clone(),
        })
    }

    /// The id of a row: the one that is known by its place, or what its column says and no earlier row did. Tells it
    /// as soon as it is known.
    pub(crate) fn take_new_id(
        &self,
        fields: &mut Metadata,
        seen: &mut Seen,
        known: &mut Option<RecordId>,
    ) -> Result<RecordId, String> {
        if let Some(id) = known {
            return Ok(id.clone());
        }
        let id = self.take_id(fields)?;
        *known = Some(id.clone());
        seen.insert_new(&id)?;
        Ok(id)
    }

    /// Takes the id out of a row that has a column for it.
    pub(crate) fn take_id(&self, fields: &mut Metadata) -> Result<RecordId, String> {
        let column = self.id.as_deref().unwrap_or_default();
        let id =
            fields.remove(column).ok_or_else(|| format!("the id is missing: no {column:?}"))?;
        RecordId::new(id).map_err(|reason| reason.to_string())
    }

    /// Takes the text out of a row.
    pub(crate) fn take_text(&self, fields: &mut Metadata) -> Result<String, String> {
        let column = self.text.as_deref().unwrap_or_default();
        let text =
            fields.remove(column).ok_or_else(|| format!("the text is missing: no {column:?}"))?;
        if text.trim().is_empty() {
            Err("the text is empty".to_owned())
        } else if text.contains('\0') {
            Err("the text holds a NUL character".to_owned())
        } else {
            Ok(text)
        }
    }

    /// Whether a column holds labels.
    pub(crate) fn has_label(&self) -> bool {
        self.label.is_some()
    }

    /// Takes the label out of a row; an empty one is none.
    pub(crate) fn take_label(&self, fields: &mut Metadata) -> Option<String> {
        fields.remove(self.label.as_deref()?).filter(|label| !label.is_empty())
    }

    /// Drops what is not to be kept.
    pub(crate) fn keep(&self, fields: &mut Metadata) {
        if let Some(kept) = &self.metadata {
            fields.retain(|name, _| kept.contains(name));
        }
    }
}

/// What the first rows tell of the columns.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    columns: Vec<Column>,
    places: HashMap<String, usize>,
    /// Why the first row that cannot be read cannot be read.
    fault: Option<String>,
}

#[derive(Debug, Default)]
struct Column {
    name: String,
    n_values: u64,
    /// Values that are neither empty, nor a number, nor a boolean.
    n_words: u64,
    n_bytes: u64,
}

impl Sample {
    /// Looks at the first rows. What is wrong with the file as a whole is for its readers to tell.
    pub(crate) fn of(names: &[String], rows: Rows<'_>) -> Result<Self, SourceError> {
        let mut sample = Self::default();
        for name in names {
            sample.place(name);
        }
        for row in rows.take(N_SAMPLED) {
            match row {
                Ok(Row { fields: Ok(fields), .. }) => sample.add(&fields),
                Ok(Row { fields: Err(reason), line, .. }) => {
                    sample.fault.get_or_insert(format!("row {line}: {reason}"));
                }
                Err(error) if sample.columns.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(sample)
    }

    fn add(&mut self, fields: &Metadata) {
        for (name, value) in fields {
            if let Some(column) = self.place(name).and_then(|place| self.columns.get_mut(place)) {
                column.add(value);
            }
        }
    }

    /// Where a column is, a new one at the end; those beyond the limit are not known.
    fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(&place) = self.places.get(name) {
            return Some(place);
        }
        let place = self.columns.len();
        if place >= MAX_COLUMNS {
            return None;
        }
        self.places.insert(name.to_owned(), place);
        self.columns.push(Column { name: name.to_owned(), ..Column::default() });
        Some(place)
    }

    fn require_any(&self, path: &Path) -> Result<(), SourceError> {
        if !self.columns.is_empty() {
            return Ok(());
        }
        let reason = self.fault.as_deref().unwrap_or("there are no rows");
        Err(unsupported(path, format!("no row can be read: {reason}"), "is it the right file?"))
    }

    /// Makes sure that every column is there that is asked for, and gives those of ids, texts and labels.
    fn require_asked<'a>(
        &self,
        path: &Path,
        options: &'a SourceOptions,
    ) -> Result<[&'a Option<String>; 3], SourceError> {
        let asked = [&options.id, &options.text, &options.label];
        let kept = options.metadata.iter().flatten();
        for name in asked.into_iter().flatten().chain(kept) {
            self.require(path, name)?;
        }
        Ok(asked)
    }

    /// Whether there is a column of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    fn require(&self, path: &Path, name: &str) -> Result<(), SourceError> {
        if self.has(name) {
            return Ok(());
        }
        Err(unsupported(path, format!("there is no column {name:?}"), self.hint("there are")))
    }

    /// The first column that has one of the names and was not asked for as something else.
    fn named_like(&self, known: &[&str], asked: &[&Option<String>]) -> Option<String> {
        let free = |column: &&Column| asked.iter().all(|a| a.as_deref() != Some(&column.name));
        known.iter().find_map(|known| {
            let mut columns = self.columns.iter().filter(free);
            let found = columns.find(|column| known.eq_ignore_ascii_case(column.name.trim()))?;
            Some(found.name.clone())
        })
    }

    /// Two columns without names: the longer values are the texts, the others the labels.
    fn unnamed_pair(&self) -> Option<(String, String)> {
        let columns = self.columns.iter().filter(|column| column.name != "split");
        let [first, second] = columns.collect::<Vec<_>>().try_into().ok()?;
        if (first.name.as_str(), second.name.as_str()) != ("1", "2") {
            return None;
        }
        let (text, label) =
            if first.n_bytes >= second.n_bytes { (first, second) } else { (second, first) };
        Some((text.name.clone(), label.name.clone()))
    }

    /// The column of texts, by its name or as the only one of words.
    fn text(&self, path: &Path, others: &[&Option<String>]) -> Result<String, SourceError> {
        if let Some(name) = self.named_like(&TEXTS, others) {
            return Ok(name);
        }
        let free = |column: &&Column| others.iter().all(|o| o.as_deref() != Some(&column.name));
        let words: Vec<&Column> =
            self.columns.iter().filter(free).filter(|column| column.is_words()).collect();
        if let [only] = words.as_slice() {
            return Ok(only.name.clone());
        }
        let reason = "no column is named like a text";
        Err(unsupported(path, reason, self.hint("name the text column, one of")))
    }

    fn hint(&self, lead: &str) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        format!("{lead} {}", listed(&names))
    }
}

impl Column {
    fn add(&mut self, value: &str) {
        let is_boolean = ["true", "false"].iter().any(|b| value.eq_ignore_ascii_case(b));
        self.n_values += 1;
        self.n_bytes += value.len() as u64;
        self.n_words += u64::from(!(value.is_empty() || is_boolean || is_number(value)));
    }

    /// Most of its values are words.
    fn is_words(&self) -> bool {
        self.n_words * 2 > self.n_values
    }
}
