//! The promises of the session crate, one module a subject.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod audit;
#[path = "../../examples/audit_coverage/world.rs"]
mod audit_world;
mod insight;
mod journal;
mod laboratory;
mod looks;
mod rounds;
mod seats;
mod stage;
mod undo;
