//! The binary as a user runs it: real input, real files, real exit codes.

#![cfg(test)]

mod audit;
#[cfg(unix)]
mod datasets;
mod demo;
mod doctor;
mod duplicates;
mod durability;
mod errors;
mod exchange;
mod filter;
mod frozen;
#[cfg(unix)]
mod guides;
mod heads;
mod help;
mod journey;
mod label_tools;
#[cfg(unix)]
mod milvus;
#[cfg(unix)]
mod model;
#[cfg(unix)]
mod postgres;
mod python;
mod qdrant;
mod serve;
mod session_log;
mod simulate;
mod sorting;
mod support;
mod terminal;
#[cfg(unix)]
mod upkeep;
mod wanted;
