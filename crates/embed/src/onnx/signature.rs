//! What an ONNX file says of itself: what its graph takes and gives, and which files beside it hold
//! weights.
//!
//! Read without an engine, so that a file is hashed and refused before anything runs. The file is a
//! message in the format of Protocol Buffers: fields by number, of which a few lead to messages
//! within. Nothing is allocated by a size that the file states.

use std::{
    collections::BTreeSet,
    path::{Component, Path},
};

use linprobe_tensors::protobuf::{Damaged, Fields, Value};

/// How deep graphs within graphs may be: those of models are a few levels deep.
const MAX_DEPTH: usize = 64;

/// What goes into a graph and comes out of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    /// The files that hold weights, by their places from the graph's folder on.
    pub(super) external: BTreeSet<String>,
}

/// One input or output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) element: Element,
    /// For each axis its size; none where it is whatever it is given.
    pub(super) shape: Vec<Option<usize>>,
}

/// The types of numbers that are told apart here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    F32,
    I32,
    I64,
    #[default]
    Other,
}

/// Why a file is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadGraph {
    /// It is no message, or cut short.
    #[error("it is not an ONNX file, or damaged")]
    Damaged,
    /// Weights would be read from somewhere else.
    #[error("its weights are in {0:?}, which is not a place in its folder")]
    Outside(String),
}

impl From<Damaged> for BadGraph {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl Signature {
    /// Reads an ONNX file.
    pub(super) fn read(file: &[u8]) -> Result<Self, BadGraph> {
        let mut reader = Reader::default();
        reader.visit(Kind::Model, file, 0)?;
        let Reader { mut signature, initialized } = reader;
        // Graphs of before 2019 name their weights among their inputs.
        signature.inputs.retain(|port| !initialized.contains(&port.name));
        if signature.outputs.is_empty() {
            return Err(BadGraph::Damaged);
        }
        match signature.external.iter().find(|place| !is_inside(place)) {
            Some(place) => Err(BadGraph::Outside(place.clone())),
            None => Ok(signature),
        }
    }
}

/// Whether a path leads from a folder to something in it.
fn is_inside(path: &str) -> bool {
    let is_name = |part: Component<'_>| matches!(part, Component::Normal(_));
    !path.is_empty() && !path.contains('\\') && Path::new(path).components().all(is_name)
}

/// The messages in which there may be weights, or what a graph takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    Training,
}

/// Which field of a message holds messages of which kind, by `onnx.proto`.
const WITHIN: [(Kind, u32, Kind); 18] = [
    (Kind::Model, 7, Kind::Graph),
    (Kind::Model, 20, Kind::Training),
    (Kind::Model, 25, Kind::Function),
    (Kind::Graph, 1, Kind::Node),
    (Kind::Graph, 5, Kind::Tensor),
    (Kind::Graph, 15, Kind::SparseTensor),
    (Kind::Node, 5, Kind::Attribute),
    (Kind::Attribute, 5, Kind::Tensor),
    (Kind::Attribute, 6, Kind::Graph),
    (Kind::Attribute, 10, Kind::Tensor),
    (Kind::Attribute, 11, Kind::Graph),
    (Kind::Attribute, 22, Kind::SparseTensor),
    (Kind::Attribute, 23, Kind::SparseTensor),
    (Kind::SparseTensor, 1, Kind::Tensor),
    (Kind::SparseTensor, 2, Kind::Tensor),
    (Kind::Function, 7, Kind::Node),
    (Kind::Training, 1, Kind::Graph),
    (Kind::Training, 2, Kind::Graph),
];

#[derive(Default)]
struct Reader {
    signature: Signature,
    /// The names of the weights of the outermost graph.
    initialized: BTreeSet<String>,
}

impl Reader {
    fn visit(&mut self, kind: Kind, message: &[u8], depth: usize) -> Result<(), BadGraph> {
        if depth > MAX_DEPTH {
            return Err(BadGraph::Damaged);
        }
        for field in Fields(message) {
            let (number, value) = field?;
            let Value::Bytes(bytes) = value else { continue };
            let within = WITHIN.iter().find(|(of, at, _)| (*of, *at) == (kind, number));
            match (kind, number, depth) {
                (Kind::Graph, 11, 1) => self.signature.inputs.push(Port::read(bytes)?),
                (Kind::Graph, 12, 1) => self.signature.outputs.push(Port::read(bytes)?),
                (Kind::Tensor, 8, 2) => {
                    self.initialized.insert(text(bytes)?);
                }
                (Kind::Tensor, 13, _) => {
                    let (key, value) = entry(bytes)?;
                    self.signature.external.extend((key == "location").then_some(value));
                }
                _ => {}
            }
            if let Some((_, _, inner)) = within {
                self.visit(*inner, bytes, depth + 1)?;
            }
        }
        Ok(())
    }
}

impl Port {
    /// The size of an axis; none where it is whatever it is given.
    pub(super) fn size(&self, axis: usize) -> Option<usize> {
        self.shape.get(axis).copied().flatten()
    }

    /// Reads a `ValueInfoProto`.
    fn read(message: &[u8]) -> Result<Self, BadGraph> {
        let mut port = Self::default();
        for field in Fields(message) {
            match field? {
                (1, Value::Bytes(name)) => port.name = text(name)?,
                (2, Value::Bytes(kind)) => port.read_type(kind)?,
                _ => {}
            }
        }
        Ok(port)
    }

    /// Reads a `TypeProto`, as far as it is that of a tensor.
    fn read_type(&mut self, message: &[u8]) -> Result<(), BadGraph> {
        for tensor in Fields(message).each(1) {
            for field in Fields(tensor?) {
                match field? {
                    (1, Value::Number(element)) => self.element = Element::of(element),
                    (2, Value::Bytes(shape)) => self.shape = sizes(shape)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Element {
    fn of(number: u64) -> Self {
        match number {
            1 => Self::F32,
            6 => Self::I32,
            7 => Self::I64,
            10 => Self::F16,
            _ => Self::Other,
        }
    }
}

/// Reads a `TensorShapeProto`.
fn sizes(shape: &[u8]) -> Result<Vec<Option<usize>>, BadGraph> {
    Fields(shape).each(1).map(|axis| size(axis?)).collect()
}

/// The size of an axis, where it is fixed.
fn size(axis: &[u8]) -> Result<Option<usize>, BadGraph> {
    let mut size = None;
    for field in Fields(axis) {
        if let (1, Value::Number(number)) = field? {
            size = usize::try_from(number).ok().filter(|size| *size > 0);
        }
    }
    Ok(size)
}

/// An entry of a tensor's `external_data`: a key and its value.
pub(super) fn entry(entry: &[u8]) -> Result<(String, String), BadGraph> {
    let (mut key, mut value) = (String::new(), String::new());
    for field in Fields(entry) {
        match field? {
            (1, Value::Bytes(bytes)) => key = text(bytes)?,
            (2, Value::Bytes(bytes)) => value = text(bytes)?,
            _ => {}
        }
    }
    Ok((key, value))
}

pub(super) fn text(bytes: &[u8]) -> Result<String, BadGraph> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_not_text| BadGraph::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, contents: &[u8]) -> Vec<u8> {
        let n_bytes = u16::try_from(contents.len()).unwrap();
        let low = u8::try_from(n_bytes & 0x7F).unwrap() | 0x80;
        let high = u8::try_from(n_bytes >> 7).unwrap();
        [&[number << 3 | 2, low, high], contents].concat()
    }

    /// A model with one output and a weight that is kept in a file.
    fn model(location: &str) -> Vec<u8> {
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let tensor = [field(8, b"weight"), field(13, &entry)].concat();
        let axes = [field(1, &field(2, b"n")), field(1, &[8, 3])].concat();
        let kind = field(1, &[vec![8, 1], field(2, &axes)].concat());
        let port = |name: &[u8]| [field(1, name), field(2, &kind)].concat();
        let ports = [field(11, &port(b"x")), field(11, &port(b"weight")), field(12, &port(b"y"))];
        field(7, &[field(5, &tensor), ports.concat()].concat())
    }

    #[test]
    fn what_a_graph_takes_and_gives_is_read_without_its_weights() {
        let signature = Signature::read(&model("weights.bin")).unwrap();
        let port = |name: &str| Port {
            name: name.to_owned(),
            element: Element::F32,
            shape: vec![None, Some(3)],
        };
        assert_eq!(signature.inputs, [port("x")]);
        assert_eq!(signature.outputs, [port("y")]);
        assert!(signature.external.contains("weights.bin"));
    }

    #[test]
    fn weights_outside_of_the_folder_are_refused() {
        for place in ["../weights", "/etc/passwd", "a/../../b", "", "..\\weights", "./weights"] {
            let refused = Signature::read(&model(place));
            assert_eq!(refused, Err(BadGraph::Outside(place.to_owned())), "{place}");
        }
        assert!(Signature::read(&model("weights/part.bin")).is_ok());
    }

    #[test]
    fn a_file_that_is_cut_short_anywhere_is_refused() {
        let model = model("weights.bin");
        for n_bytes in 0..model.len() {
            assert_eq!(Signature::read(&model[..n_bytes]), Err(BadGraph::Damaged), "{n_bytes}");
        }
    }

    #[test]
    fn graphs_within_graphs_without_end_are_refused() {
        let mut attribute = Vec::new();
        for _ in 0..1000 {
            attribute = field(6, &field(1, &field(5, &attribute)));
        }
        let graph = [field(12, b""), field(1, &field(5, &attribute))].concat();
        assert_eq!(Signature::read(&field(7, &graph)), Err(BadGraph::Damaged));
    }
}
