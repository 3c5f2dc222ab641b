//! The server as its clients see it: requests in, answers out, over projects on the disk.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod attacks;
mod door;
mod jobs;
mod labelling;
mod openapi;
mod pictures;
mod python;
mod results;
mod stage;
