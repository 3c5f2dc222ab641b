//! A session as lines of JSON, an event each: to be read by others, kept in version control, and taken up in another
//! project.
//!
//! A line is the event as the database has it, its number, its time, and its vectors and scores as numbers, which come
//! back bit for bit.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Entry, codec};
use crate::Deed;

#[derive(Serialize, Deserialize)]
struct Line {
    seq: u64,
    at_ms: u64,
    deed: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vectors: Vec<f32>,
}

impl Entry {
    /// The event as a line of JSON, without its end.
    ///
    /// # Errors
    /// Not known to happen.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        let (payload, vectors) = codec::encode(&Deed::from(self.clone()))?;
        let vectors = vectors.unwrap_or_default();
        let vectors = vectors.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word));
        let Self { seq, at_ms, .. } = *self;
        let deed = serde_json::from_str(&payload)?;
        serde_json::to_string(&Line { seq, at_ms, deed, vectors: vectors.collect() })
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let Line { seq, at_ms, deed, vectors } =
            serde_json::from_str(line).map_err(|bad| bad.to_string())?;
        let vectors: Vec<u8> = vectors.into_iter().flat_map(f32::to_le_bytes).collect();
        let deed = codec::decode(&deed.to_string(), &vectors).map_err(|bad| bad.to_string())?;
        let Deed { event, by, request, .. } = deed;
        Ok(Self { seq, at_ms, event, by, request })
    }
}
