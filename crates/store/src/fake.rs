//! Vector engines for tests, on a port of this machine: as much of their APIs as stores ask for, with the faults that
//! networks have. They take nothing but what the engines' documentation has.

#![expect(clippy::unwrap_used, reason = "a test that cannot start its server has failed")]

mod http;
mod milvus;
mod qdrant;

pub use self::{
    http::{Answer, Asked, Fault, HttpServer},
    milvus::{FakeMilvus, MilvusFault},
    qdrant::{Collection, FakeQdrant, Id, Stored},
};
