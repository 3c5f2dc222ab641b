//! The stores, each against its promises.

#![cfg(test)]

mod compaction;
mod conformance;
mod copy;
mod damage;
mod durability;
mod format;
mod oracle;
#[cfg(unix)]
mod postgres;
#[cfg(unix)]
mod postgres_faults;
mod sharing;
mod support;
