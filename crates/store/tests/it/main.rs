//! The stores, each against its promises.

#![cfg(test)]

mod compaction;
mod conformance;
mod copy;
mod damage;
mod durability;
mod engines;
#[cfg(unix)]
mod faults;
mod format;
#[cfg(unix)]
mod milvus;
#[cfg(unix)]
mod milvus_faults;
mod moving;
mod oracle;
#[cfg(unix)]
mod postgres;
#[cfg(unix)]
mod postgres_approximate;
#[cfg(unix)]
mod postgres_faults;
#[cfg(unix)]
mod postgres_tls;
mod sharing;
mod support;
mod tls;
