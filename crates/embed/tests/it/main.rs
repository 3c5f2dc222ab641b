//! The integration tests of this crate, one binary.

#![cfg(test)]

mod fixture;
mod graphs;
mod hub;
mod hub_server;
mod open;
mod parity;
mod python;
mod real;
mod remote;
mod remote_server;
mod static_encoder;
mod stream;
