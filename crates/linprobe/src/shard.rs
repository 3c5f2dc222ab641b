//! A share of a dataset, for one of several machines that index it together.
//!
//! Whose a record is, its id alone tells: the first eight bytes of its BLAKE3 hash, the lowest first, divided by the
//! number of shards, leave the number of its shard, counted from 0. So no machine has to know of another, none has to
//! be finished before another begins, and a record that comes or goes moves no other. This rule is for ever: a later
//! version goes on where an earlier one was.
//!
//! The price is that every machine lists the whole dataset. Pictures of other shards are not opened; rows of tables
//! are read and passed over.

use std::{fmt, num::NonZeroU64, str::FromStr};

use linprobe_core::{BadRecord, RecordId};

/// One of several shares of a dataset, which have no record in common and are together the whole.
///
/// ```
/// use linprobe::{RecordId, Shard};
///
/// let shards = ["1/3", "2/3", "3/3"].map(|shard| shard.parse::<Shard>().unwrap());
/// let id = RecordId::new("n02/img_17.jpg").unwrap();
/// assert_eq!(shards.iter().filter(|shard| shard.has(&id)).count(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 1.
    number: u64,
    n_shards: NonZeroU64,
}

/// What is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadShard {
    /// It is not two numbers.
    #[error("{text:?} is not two numbers with a slash between them: the second of eight is 2/8")]
    NotAFraction {
        /// What was given.
        text: String,
    },
    /// The number is that of no shard.
    #[error(
        "there is no {text}: shards are counted from 1, so of {n_shards} there are 1/{n_shards} to {n_shards}/{n_shards}"
    )]
    OutOfRange {
        /// What was given.
        text: String,
        /// How many shards there are.
        n_shards: NonZeroU64,
    },
}

impl Shard {
    /// Whether a record is in it.
    pub fn has(&self, id: &RecordId) -> bool {
        let hash = blake3::hash(id.as_str().as_bytes());
        let first = hash.as_bytes().first_chunk().expect("a hash of 32 bytes has 8");
        u64::from_le_bytes(*first) % self.n_shards == self.number - 1
    }

    /// Whether it is this shard that tells of a record which cannot be read. One without an id is told of by the
    /// first.
    pub(crate) fn tells_of(&self, bad: &BadRecord) -> bool {
        bad.id.as_ref().map_or(self.number == 1, |id| self.has(id))
    }

    /// As many of so many records as a shard has, about.
    pub(crate) fn share_of(&self, n_records: u64) -> u64 {
        n_records.div_ceil(self.n_shards.get())
    }
}

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        let numbers = text.split_once('/').and_then(|(number, n_shards)| {
            Some((number.parse::<u64>().ok()?, n_shards.parse::<NonZeroU64>().ok()?))
        });
        match numbers {
            Some((number, n_shards)) if (1..=n_shards.get()).contains(&number) => {
                Ok(Self { number, n_shards })
            }
            Some((_, n_shards)) => Err(BadShard::OutOfRange { text: text.to_owned(), n_shards }),
            None => Err(BadShard::NotAFraction { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.n_shards)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOLDEN: [(&str, &str); 4] =
        [("a", "8/8"), ("n02/img_17.jpg", "13/64"), ("0", "774/1000"), ("Ü 😀", "7/7")];

    fn shard(text: &str) -> Shard {
        text.parse().unwrap()
    }

    fn id(name: &str) -> RecordId {
        RecordId::new(name).unwrap()
    }

    proptest! {
        #[test]
        fn every_record_is_in_one_shard(name in "[^\\p{C}]{1,40}", n_shards in 1_u64..50) {
            let id = RecordId::new(&name).unwrap();
            let n_having = (1..=n_shards).filter(|n| shard(&format!("{n}/{n_shards}")).has(&id)).count();
            prop_assert_eq!(n_having, 1);
        }
    }

    /// Other implementations of BLAKE3 say the same.
    #[test]
    fn a_record_is_in_the_same_shard_for_ever() {
        for (name, expected) in GOLDEN {
            assert!(shard(expected).has(&id(name)), "{name}");
        }
    }

    #[test]
    fn shards_are_about_equal() {
        let shard = shard("3/8");
        let n_having = (0..8_000).filter(|n| shard.has(&RecordId::from_row(*n))).count();
        assert!((900..1_100).contains(&n_having), "{n_having}");
    }

    #[test]
    fn a_record_that_cannot_be_read_is_told_of_once() {
        let bad = |id| BadRecord { file: "f".into(), row: None, id, reason: "bad".into() };
        let shards = ["1/3", "2/3", "3/3"].map(shard);
        for bad in [bad(None), bad(Some(id("a"))), bad(Some(id("b")))] {
            assert_eq!(shards.iter().filter(|shard| shard.tells_of(&bad)).count(), 1, "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for (text, words) in [
            ("0/4", "counted from 1, so of 4 there are 1/4 to 4/4"),
            ("5/4", "there is no 5/4"),
            ("1/0", "the second of eight is 2/8"),
            ("-1/4", "not two numbers"),
            ("3", "not two numbers"),
            ("", "not two numbers"),
            ("1/4/2", "not two numbers"),
        ] {
            let refused = text.parse::<Shard>().unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
