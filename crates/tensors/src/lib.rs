//! The containers in which other tools keep arrays: `torch.save`'s zips and pickles, the headers of
//! `NumPy`, and the messages of ONNX.
//!
//! They are read without running anything, whoever made them: nothing is allocated by a size that a file
//! merely states, and what nests is followed only so deep. What the numbers mean is for the callers. Models of
//! ONNX are written, too.

mod element;
mod npy;
pub mod onnx;
mod pickle;
pub mod protobuf;
mod torch;

pub use element::{Element, Endian, Order};
pub use npy::{NpyError, NpyHeader};
pub use pickle::{PickleError, Storage, View};
pub use torch::{TorchError, TorchFile};
