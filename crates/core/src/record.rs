//! A record is one thing of a dataset: a picture, a text, or a vector that somebody else made.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// One thing of a dataset, as its [`Source`](crate::Source) yields it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Names the record within its dataset, for ever.
    pub id: RecordId,
    /// What is embedded, and shown to the person who labels.
    pub content: Content,
    /// The class that the dataset gives it, when it gives one.
    pub label: Option<String>,
    /// Everything else that the dataset says of it, by column name.
    pub metadata: Metadata,
}

/// Further columns of a record, by name.
pub type Metadata = BTreeMap<String, String>;

/// What a record consists of.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text in UTF-8.
    Text(String),
    /// An encoded picture: the bytes of a JPEG, PNG, WebP, GIF, BMP or TIFF file.
    Image(Vec<u8>),
    /// A vector made elsewhere, not yet normalized, and the text to show for it.
    Vector {
        /// The raw values.
        values: Vec<f32>,
        /// What a person reads in its place.
        text: Option<String>,
    },
}

impl Content {
    /// Names the kind of content: `text`, `image` or `vector`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Vector { .. } => "vector",
        }
    }

    /// The words that a person can read, where there are any.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Vector { text, .. } => text.as_deref(),
            Self::Image(_) => None,
        }
    }
}

/// The name of a record: 1 to 512 bytes of UTF-8 without control characters.
///
/// Cheap to clone, ordered by its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(Arc<str>);

impl RecordId {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// Checks a name.
    ///
    /// # Errors
    /// [`BadId`] when it is empty, too long, or holds a control character.
    pub fn new(name: impl AsRef<str>) -> Result<Self, BadId> {
        let name = name.as_ref();
        if name.is_empty() {
            Err(BadId::Empty)
        } else if name.len() > Self::MAX_BYTES {
            Err(BadId::TooLong { bytes: name.len() })
        } else if name.chars().any(char::is_control) {
            Err(BadId::ControlCharacter)
        } else {
            Ok(Self(name.into()))
        }
    }

    /// The name of a record that is known by its place alone: `17` for the row of index 17.
    pub fn from_row(row_idx: u64) -> Self {
        Self(row_idx.to_string().into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({:?})", &*self.0)
    }
}

impl AsRef<str> for RecordId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Why a name names no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// There is nothing in it.
    #[error("the id is empty")]
    Empty,
    /// It is longer than [`RecordId::MAX_BYTES`].
    #[error("the id has {bytes} bytes, at most {} are allowed", RecordId::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It holds a NUL, a line break or another control character.
    #[error("the id holds a control character")]
    ControlCharacter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_refused_when_no_store_could_hold_it() {
        assert_eq!(RecordId::new(""), Err(BadId::Empty));
        assert_eq!(RecordId::new("a\0b"), Err(BadId::ControlCharacter));
        assert_eq!(RecordId::new("x".repeat(513)), Err(BadId::TooLong { bytes: 513 }));
    }

    #[test]
    fn an_id_may_hold_slashes_spaces_and_any_script() {
        let name = "n02/a dog 🐕 собака.jpg";
        assert_eq!(RecordId::new(name).unwrap().as_str(), name);
    }
}
