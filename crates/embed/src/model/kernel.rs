//! The operations in which nearly all the time of a transformer goes, below every architecture.
//!
//! Each runs on the thread that asks for it: batches go through a model beside each other, a thread
//! for each, over the same weights, so no operation is split and no thread waits for another. Products with
//! weights are our own where the processor has AVX2 or more, since weights can then be laid out once, as a model is
//! read (`panels`); other matrix products are those of `gemm`. The rest is compiled for every instruction
//! set, and all is picked at run time.

mod attend;
mod depthwise;
mod layout;
mod linear;
mod norm;
#[cfg(target_arch = "x86_64")]
mod panels;
mod product;
pub(super) mod simd;
mod weights;

pub(super) use attend::attend;
pub(crate) use depthwise::Depthwise;
pub(crate) use linear::{Linear, linear, linear_b, linear_no_bias};
pub(crate) use norm::{LayerNorm, layer_norm};
pub(crate) use weights::Precision;
