//! Reads the graphs of a linear layer: ours, and those in which PyTorch exports one.

use std::collections::BTreeMap;

use linprobe_tensors::{
    Element, Endian, Order,
    protobuf::{Damaged, Fields, Value, packed},
};

use super::CARD;
use crate::format::{
    ImportError,
    layer::Found,
    tensor::{Layout, Tensor},
};

/// Reads the layer of a graph: a `Gemm` over what goes in, and the `Sigmoid` of it.
pub(in crate::format) fn read<T>(
    bytes: &[u8],
    take: impl FnOnce(Found<'_>) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    let model = Model::read(bytes)?;
    let Parts { weight, bias, has_rows_of_classes } = model.layer()?;
    let tensor = |name: &str, role: &str| {
        let missing = || unreadable(format!("it does not hold the numbers of {name:?}"));
        model.tensors.get(name).ok_or_else(missing)?.tensor(role)
    };
    let (weight, bias) = (tensor(weight, "weight")?, tensor(bias, "bias")?);
    let weight = if has_rows_of_classes { weight } else { weight.transposed() };
    take(Found { tensors: vec![weight, bias], card: model.card, ..Found::default() })
}

/// The names of the parts of a layer.
struct Parts<'a> {
    weight: &'a str,
    bias: &'a str,
    /// Whether the weights have a row for each class; else a column.
    has_rows_of_classes: bool,
}

#[derive(Default)]
struct Model<'a> {
    nodes: Vec<Node<'a>>,
    tensors: BTreeMap<&'a str, Proto<'a>>,
    card: Option<String>,
}

/// A step of a graph.
#[derive(Default)]
struct Node<'a> {
    operator: &'a str,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    /// By name: a single-precision or an integer number, whichever it is.
    attributes: BTreeMap<&'a str, (f32, u64)>,
}

/// A `TensorProto`.
#[derive(Default)]
struct Proto<'a> {
    kind: u64,
    shape: Vec<usize>,
    bytes: &'a [u8],
    is_elsewhere: bool,
}

impl<'a> Model<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let mut model = Self::default();
        for field in Fields(bytes) {
            match field? {
                (7, Value::Bytes(graph)) => model.read_graph(graph)?,
                (14, Value::Bytes(entry)) => {
                    let [key, value] = texts(entry, [1, 2])?;
                    if key == CARD {
                        model.card = Some(value.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(model)
    }

    fn read_graph(&mut self, graph: &'a [u8]) -> Result<(), ImportError> {
        for field in Fields(graph) {
            match field? {
                (1, Value::Bytes(node)) => self.nodes.push(Node::read(node)?),
                (5, Value::Bytes(tensor)) => {
                    let [name] = texts(tensor, [8])?;
                    self.tensors.insert(name, Proto::read(tensor)?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The parts of a layer, if the graph is one and nothing else.
    fn layer(&self) -> Result<Parts<'a>, ImportError> {
        let refused = |what: &str| {
            unreadable(format!("{what}: only a Gemm, and a Sigmoid of it, are a linear classifier"))
        };
        let [gemm, rest @ ..] = &self.nodes[..] else { return Err(refused("its graph is empty")) };
        if gemm.operator != "Gemm" {
            return Err(refused(&format!("its graph begins with {:?}", gemm.operator)));
        }
        let is_sigmoid =
            |node: &&Node<'_>| node.operator == "Sigmoid" && node.inputs == gemm.outputs;
        if let Some(node) = rest.iter().find(|node| !is_sigmoid(node)) {
            return Err(refused(&format!("its graph goes on with {:?}", node.operator)));
        }
        let is = |name: &str, default: (f32, u64), wanted: (f32, u64)| {
            *gemm.attributes.get(name).unwrap_or(&default) == wanted
        };
        let (one, zero) = ((1.0, 0), (0.0, 0));
        let is_plain = is("alpha", one, one) && is("beta", one, one) && is("transA", zero, zero);
        match gemm.inputs[..] {
            [_, weight, bias] if is_plain => {
                Ok(Parts { weight, bias, has_rows_of_classes: !is("transB", zero, zero) })
            }
            _ => Err(refused("its Gemm is scaled, or has no bias")),
        }
    }
}

impl<'a> Node<'a> {
    fn read(node: &'a [u8]) -> Result<Self, ImportError> {
        let mut read = Self::default();
        for field in Fields(node) {
            match field? {
                (1, Value::Bytes(name)) => read.inputs.push(text(name)?),
                (2, Value::Bytes(name)) => read.outputs.push(text(name)?),
                (4, Value::Bytes(name)) => read.operator = text(name)?,
                (5, Value::Bytes(attribute)) => {
                    let [name] = texts(attribute, [1])?;
                    read.attributes.insert(name, number(attribute)?);
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The number of an attribute.
fn number(attribute: &[u8]) -> Result<(f32, u64), ImportError> {
    let mut number = (0.0, 0);
    for field in Fields(attribute) {
        match field? {
            (2, Value::Fixed(&[a, b, c, d])) => number.0 = f32::from_le_bytes([a, b, c, d]),
            (3, Value::Number(integer)) => number.1 = integer,
            _ => {}
        }
    }
    Ok(number)
}

impl<'a> Proto<'a> {
    fn read(tensor: &'a [u8]) -> Result<Self, ImportError> {
        let mut read = Self::default();
        for field in Fields(tensor) {
            match field? {
                (1, Value::Number(size)) => {
                    read.shape.push(usize::try_from(size).unwrap_or(usize::MAX));
                }
                (1, Value::Bytes(sizes)) => {
                    let sizes = packed(sizes)?.into_iter();
                    read.shape.extend(sizes.map(|n| usize::try_from(n).unwrap_or(usize::MAX)));
                }
                (13 | 14, _) => read.is_elsewhere = true,
                (2, Value::Number(kind)) => read.kind = kind,
                // Single and double precision have a field of their own beside that of all.
                (4 | 9 | 10, Value::Bytes(bytes)) => read.bytes = bytes,
                _ => {}
            }
        }
        Ok(read)
    }

    fn tensor(&self, name: &str) -> Result<Tensor<'a>, ImportError> {
        if self.is_elsewhere {
            return Err(unreadable(format!("its {name} stands in another file")));
        }
        let element = match self.kind {
            1 => Element::F32,
            10 => Element::F16,
            11 => Element::F64,
            16 => Element::Bf16,
            other => Element::Other(format!("type {other} of ONNX")),
        };
        let layout = Layout::plain(self.shape.clone(), Order::C);
        Tensor::new(name, (element, Endian::Little), layout, self.bytes)
    }
}

/// The texts in some fields of a message.
fn texts<const N: usize>(message: &[u8], numbers: [u32; N]) -> Result<[&str; N], ImportError> {
    let mut texts = [""; N];
    for field in Fields(message) {
        let (number, value) = field?;
        let place = numbers.iter().position(|wanted| *wanted == number);
        if let (Some(place), Value::Bytes(bytes)) = (place, value) {
            texts[place] = text(bytes)?;
        }
    }
    Ok(texts)
}

fn text(bytes: &[u8]) -> Result<&str, ImportError> {
    Ok(std::str::from_utf8(bytes).map_err(|_no_text| Damaged)?)
}

impl From<Damaged> for ImportError {
    fn from(_: Damaged) -> Self {
        unreadable("it is damaged".to_owned())
    }
}

fn unreadable(reason: String) -> ImportError {
    ImportError::Unreadable { form: "ONNX", reason }
}
