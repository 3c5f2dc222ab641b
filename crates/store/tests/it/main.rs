//! The stores, each against its promises.

#![cfg(test)]

mod compaction;
mod conformance;
mod copy;
mod damage;
mod durability;
mod format;
mod oracle;
mod sharing;
mod support;
