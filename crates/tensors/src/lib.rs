//! The containers in which other tools keep arrays: `torch.save`'s zips and pickles, the headers of
//! `NumPy`, and the messages of ONNX.
//!
//! They are read without running anything, whoever made them: nothing is allocated by a size that a file
//! merely states, and what nests is followed only so deep. What the numbers mean is for the callers. Models of
//! ONNX are written, too.
//!
//! Read, an array of `NumPy` is a header and the numbers behind it:
//!
//! ```
//! use linprobe_tensors::{Element, NpyHeader};
//!
//! let mut file = b"\x93NUMPY\x01\x00".to_vec();
//! let text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
//! file.extend(u16::try_from(text.len())?.to_le_bytes());
//! file.extend(text);
//! let header = NpyHeader::read(file.as_slice())?;
//! assert_eq!((header.element, header.shape), (Element::F32, vec![3, 2]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file of `torch.save` is opened as a [`TorchFile`], whose tensors have names and say where in the file their numbers are. Written, a
//! graph of ONNX is put together operator by operator, with its weights as bytes:
//!
//! ```
//! use linprobe_tensors::onnx::{Axis, Graph, Number};
//!
//! let mut graph = Graph::new("twice");
//! graph.tensor("two", Number::F32, &[1], &2.0_f32.to_le_bytes());
//! graph.node("Mul", &["x", "two"], &["y"], &[]);
//! graph.input("x", Number::F32, &[Axis::Named("n")]);
//! graph.output("y", Number::F32, &[Axis::Named("n")]);
//! let model = graph.into_model(&[("made by", "hand")]);
//! assert!(model.windows(3).any(|bytes| bytes == b"Mul"));
//! ```

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
