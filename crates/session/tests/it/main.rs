//! The promises of the session crate, one module a subject.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod journal;
mod laboratory;
mod rounds;
mod stage;
mod undo;
