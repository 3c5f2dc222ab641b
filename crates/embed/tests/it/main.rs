//! The integration tests of this crate, one binary.

mod parity;
mod static_encoder;
