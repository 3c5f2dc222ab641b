//! The binary as a user runs it: real input, real files, real exit codes.

#![cfg(test)]

mod audit;
#[cfg(unix)]
mod bucket;
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
mod manual;
#[cfg(unix)]
mod milvus;
#[cfg(unix)]
mod model;
mod pages;
#[cfg(unix)]
mod postgres;
mod python;
mod qdrant;
mod serve;
mod session_log;
mod shell;
mod simulate;
mod sorting;
#[cfg(unix)]
mod stage;
mod support;
mod terminal;
mod typed;
#[cfg(unix)]
mod upkeep;
mod wanted;
