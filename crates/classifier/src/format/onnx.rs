//! ONNX: a graph that runs wherever ONNX Runtime or its kin do.
//!
//! `embedding` [n, d], of unit length, gives `logit` [n, k] and `probability` [n, k], where a classifier that stands alone
//! has k = 1: a `Gemm` and a `Sigmoid`, of opset 17. The
//! card stands in the metadata. The format is a Protocol Buffers message of a handful of fields, which are
//! written here as they are numbered in `onnx.proto`.

mod read;

use super::{CARD, ClassifierFile, ExportError, rows::Rows};

pub(super) use read::read;

/// The version of the format, and of the operators.
const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;

/// The number of the type of single precision.
const FLOAT: u64 = 1;

/// The number of the type of attributes that are integers.
const INT: u64 = 2;

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
        let mut model = Message::default();
        model.number(1, IR_VERSION);
        model.text(2, "linprobe");
        model.text(3, env!("CARGO_PKG_VERSION"));
        model.message(7, &self.graph());
        model.message(8, &Message::default().with_text(1, "").with_number(2, OPSET));
        if let Some(card) = &self.card {
            model.message(14, &Message::default().with_text(1, CARD).with_text(2, card));
        }
        model.0
    }

    fn graph(&self) -> Message {
        let [n_classes, dimension] = self.shape().map(|n| n as u64);
        let mut graph = Message::default();
        let transposed =
            Message::default().with_text(1, "transB").with_number(3, 1).with_number(20, INT);
        graph.message(
            1,
            &node("Gemm", &["embedding", "weight", "bias"], "logit").with_message(5, &transposed),
        );
        graph.message(1, &node("Sigmoid", &["logit"], "probability"));
        graph.text(2, "classifier");
        graph.message(5, &tensor("weight", &[n_classes, dimension], &self.weight_bytes()));
        graph.message(5, &tensor("bias", &[n_classes], &self.bias_bytes()));
        graph.text(10, "A linear classifier over embeddings of unit length.");
        graph.message(11, &value("embedding", dimension));
        graph.message(12, &value("logit", n_classes));
        graph.message(12, &value("probability", n_classes));
        graph
    }
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Message {
    let mut node = Message::default();
    for input in inputs {
        node.text(1, input);
    }
    node.text(2, output);
    node.text(3, operator);
    node.text(4, operator);
    node
}

fn tensor(name: &str, shape: &[u64], values: &[u8]) -> Message {
    let mut tensor = Message::default();
    for &n in shape {
        tensor.number(1, n);
    }
    tensor.number(2, FLOAT);
    tensor.text(8, name);
    tensor.bytes(9, values);
    tensor
}

/// An input or output of any number of rows and so many columns.
fn value(name: &str, n_columns: u64) -> Message {
    let (rows, columns) =
        (Message::default().with_text(2, "n"), Message::default().with_number(1, n_columns));
    let shape = Message::default().with_message(1, &rows).with_message(1, &columns);
    let tensor = Message::default().with_number(1, FLOAT).with_message(2, &shape);
    Message::default()
        .with_text(1, name)
        .with_message(2, &Message::default().with_message(1, &tensor))
}

/// A message of Protocol Buffers: fields by their numbers, in the order in which they are added.
#[derive(Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, message: &Self) {
        self.bytes(field, &message.0);
    }

    /// Seven bits to a byte, the lowest first; the highest bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn with_number(mut self, field: u64, value: u64) -> Self {
        self.number(field, value);
        self
    }

    fn with_text(mut self, field: u64, text: &str) -> Self {
        self.text(field, text);
        self
    }

    fn with_message(mut self, field: u64, message: &Self) -> Self {
        self.message(field, message);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_format_has_them() {
        assert_eq!(Message::default().with_number(1, 150).0, [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().with_text(2, "testing").0, b"\x12\x07testing");
        assert_eq!(Message::default().with_number(20, 0).0, [0xa0, 0x01, 0x00]);
    }
}
