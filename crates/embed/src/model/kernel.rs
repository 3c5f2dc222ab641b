//! The operations in which nearly all the time of a transformer goes, below every architecture.
//!
//! Each runs on the thread that asks for it: batches go through a model beside each other, a thread
//! for each, over the same weights, so no operation is split and no thread waits for another. The
//! matrix products are those of `gemm`, the rest is compiled for every instruction set and picked
//! at run time.

mod attend;
mod linear;
mod product;
pub(super) mod simd;

pub(super) use attend::attend;
pub(crate) use linear::{Linear, linear, linear_b, linear_no_bias};
