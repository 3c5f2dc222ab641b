//! ONNX: a graph that runs wherever ONNX Runtime or its kin do.
//!
//! `embedding` [n, d], of unit length, gives `logit` [n, k] and `probability` [n, k], where a classifier that stands alone
//! has k = 1: a `Gemm` and a `Sigmoid`, of opset 17. The card stands in the metadata.

mod read;

use linprobe_tensors::onnx::{Attribute, Axis, Graph, Number};

use super::{CARD, ClassifierFile, ExportError, rows::Rows};

pub(super) use read::read;

impl ClassifierFile {
    /// Writes an ONNX model.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_onnx(&self) -> Result<Vec<u8>, ExportError> {
        Ok(Rows::of(self)?.to_onnx())
    }

    /// Writes an ONNX model with an encoder in front, which gives `embedding`: contents go in, prepared as the
    /// encoder takes them.
    ///
    /// # Errors
    /// [`ExportError::TooLarge`] when the encoder is larger than the format allows.
    pub fn to_onnx_behind(&self, encoder: Graph) -> Result<Vec<u8>, ExportError> {
        /// The largest message.
        const MAX_BYTES: usize = i32::MAX as usize;
        let rows = Rows::of(self)?;
        let model = rows.behind(encoder).into_model(&rows.notes());
        if model.len() > MAX_BYTES { Err(ExportError::TooLarge) } else { Ok(model) }
    }
}

impl Rows<'_> {
    pub(super) fn to_onnx(&self) -> Vec<u8> {
        let [_, dimension] = self.shape();
        let mut graph = Graph::new("classifier");
        graph.document("A linear classifier over embeddings of unit length.");
        graph.input("embedding", Number::F32, &columns(dimension));
        self.behind(graph).into_model(&self.notes())
    }

    fn notes(&self) -> Vec<(&str, &str)> {
        self.card.iter().map(|card| (CARD, card.as_str())).collect()
    }

    /// What is made of the `embedding` of a graph.
    fn behind(&self, mut graph: Graph) -> Graph {
        let [n_classes, dimension] = self.shape();
        graph.tensor("weight", Number::F32, &[n_classes, dimension], &self.weight_bytes());
        graph.tensor("bias", Number::F32, &[n_classes], &self.bias_bytes());
        let transposed = [("transB", Attribute::Integer(1))];
        graph.node("Gemm", &["embedding", "weight", "bias"], &["logit"], &transposed);
        graph.node("Sigmoid", &["logit"], &["probability"], &[]);
        graph.output("logit", Number::F32, &columns(n_classes));
        graph.output("probability", Number::F32, &columns(n_classes));
        graph
    }
}

fn columns(n_columns: usize) -> [Axis<'static>; 2] {
    [Axis::Named("n"), Axis::Fixed(n_columns)]
}
