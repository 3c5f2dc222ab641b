//! Vector stores: an exact memory-mapped one and an in-memory oracle.
//!
//! [`EmbeddedStore`] keeps points in a folder and looks at every one of them in each search, with
//! all cores: to some ten million points that takes less than a person notices, needs no index, and
//! misses nothing. [`MemoryStore`] says what the right answer is. `conformance` (a feature) holds
//! the promises that both keep, as checks that any other store can be put to.

#[cfg(feature = "conformance")]
pub mod conformance;
mod embedded;
mod histogram;
mod memory;
mod sample;

pub use embedded::{
    CheckReport, Compaction, Damaged, EmbeddedStore, Norms, ScoredPoint, Violation, check, compact,
};
pub use memory::MemoryStore;
