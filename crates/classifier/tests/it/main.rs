//! The promises of the classifier crate, one module a subject.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::cast_possible_truncation, reason = "the numbers of tests are small")]

mod background;
mod calibration;
mod doubting;
mod fitting;
mod formats;
mod golden;
mod heads;
mod labelled;
mod many;
mod world;
