//! What the readers promise, on small files made here, hostile files that are kept, and real ones.

#![cfg(test)]

mod choices;
mod columnar;
mod files;
mod folder;
mod formats;
mod fuzz;
mod hostile;
mod hub;
mod ids;
mod real;
mod shards;
mod splits;
mod told;
mod vectors;
