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
}

impl Rows<'_> {
    pub(super) fn to_onnx(&self) -> Vec<u8> {
        let notes: Vec<_> = self.card.iter().map(|card| (CARD, card.as_str())).collect();
        self.graph().into_model(&notes)
    }

    fn graph(&self) -> Graph {
        let [n_classes, dimension] = self.shape();
        let columns = |n_columns| [Axis::Named("n"), Axis::Fixed(n_columns)];
        let mut graph = Graph::new("classifier");
        graph.document("A linear classifier over embeddings of unit length.");
        graph.tensor("weight", Number::F32, &[n_classes, dimension], &self.weight_bytes());
        graph.tensor("bias", Number::F32, &[n_classes], &self.bias_bytes());
        graph.input("embedding", Number::F32, &columns(dimension));
        let transposed = [("transB", Attribute::Integer(1))];
        graph.node("Gemm", &["embedding", "weight", "bias"], &["logit"], &transposed);
        graph.node("Sigmoid", &["logit"], &["probability"], &[]);
        graph.output("logit", Number::F32, &columns(n_classes));
        graph.output("probability", Number::F32, &columns(n_classes));
        graph
    }
}
