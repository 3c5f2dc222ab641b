//! Which ids were given already, in bounded memory.
//!
//! An id is remembered as 128 bits of its hash: 17 bytes in a table that is between half and nearly
//! full, however long the id. Two of a billion different ids meet with a chance of one in 10^21.

use std::collections::HashSet;

use linprobe_core::RecordId;

/// The ids that a reader has met.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashSet<u128>);

impl Seen {
    /// Remembers an id; false when it was there.
    pub(crate) fn insert(&mut self, id: &RecordId) -> bool {
        let hash = blake3::hash(id.as_str().as_bytes());
        let (half, _) = hash.as_bytes().split_at(size_of::<u128>());
        self.0.insert(half.iter().fold(0, |sum, &byte| (sum << 8) | u128::from(byte)))
    }

    /// Remembers the id of a row, which no earlier one may have.
    pub(crate) fn insert_new(&mut self, id: &RecordId) -> Result<(), String> {
        if self.insert(id) {
            Ok(())
        } else {
            Err(format!("the id {:?} was given to an earlier row", id.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let mut seen = Seen::default();
        let [a, b] = ["a", "b"].map(|id| RecordId::new(id).unwrap());
        assert!(seen.insert(&a));
        assert!(seen.insert(&b));
        assert!(!seen.insert(&a));
    }
}
