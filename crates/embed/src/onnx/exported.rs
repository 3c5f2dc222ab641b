//! An exported graph as the beginning of another: cut down to what one of its outputs needs, with the weights of the
//! files beside it taken in, and its names set apart from those of what is added.
//!
//! Message by message, numbered as in `onnx.proto`. What operators mean is left to who runs them.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use linprobe_tensors::{
    onnx::Graph,
    protobuf::{Damaged, Fields, Message, Value},
};

use super::{
    signature::{BadGraph, Signature, entry, text},
    tower::Inputs,
};
use crate::model::emit::{Exported, MASK};

/// The oldest version of the operators with which what is added here has the same form as today.
const MIN_OPSET: u64 = 11;

/// Why a graph cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBegun {
    #[error(transparent)]
    Bad(#[from] BadGraph),
    #[error("its operators are of version {0}, and can be gone on with from {MIN_OPSET} on")]
    Old(u64),
    #[error("its weights in {path} cannot be read: {source}", path = path.display())]
    Weights { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Damaged> for NotBegun {
    fn from(damaged: Damaged) -> Self {
        Self::Bad(damaged.into())
    }
}

/// Reads a graph, as far as it is needed for that output.
pub(super) fn begun(file: &Path, inputs: &Inputs, output: &str) -> Result<Exported, NotBegun> {
    let bytes = fs::read(file)?;
    // No weights from elsewhere, no graphs within graphs without end.
    Signature::read(&bytes)?;
    let rewriter = Rewriter { folder: file.parent().unwrap_or(Path::new("")), inputs };
    let output = rewriter.name(output);
    let (mut model, mut cut) = (Message::default(), Cut::default());
    for field in Fields(&bytes) {
        match field? {
            (7, Value::Bytes(graph)) => cut = rewriter.cut(graph, &output)?,
            (8, Value::Bytes(operators)) => {
                check_version(operators)?;
                model.bytes(8, operators);
            }
            // How it was trained.
            (20, _) => {}
            (number, value) => model.value(number, value),
        }
    }
    let Cut { parts, has_mask } = cut;
    Ok(Exported { graph: Graph::begun(model, parts), output, has_mask })
}

/// Refuses old operators; those of others than the standard are none that are added here.
fn check_version(operators: &[u8]) -> Result<(), NotBegun> {
    let (mut is_standard, mut version) = (true, 0);
    for field in Fields(operators) {
        match field? {
            (1, Value::Bytes(domain)) => is_standard = domain.is_empty() || domain == b"ai.onnx",
            (2, Value::Number(number)) => version = number,
            _ => {}
        }
    }
    if is_standard && version < MIN_OPSET { Err(NotBegun::Old(version)) } else { Ok(()) }
}

/// What of a graph is needed.
#[derive(Default)]
struct Cut {
    parts: Vec<Message>,
    has_mask: bool,
}

/// An operator, and the names of what it gives and reads, also in graphs within.
struct Node {
    message: Message,
    outputs: Vec<String>,
    reads: Vec<String>,
}

/// Writes messages again.
struct Rewriter<'a> {
    folder: &'a Path,
    inputs: &'a Inputs,
}

impl Rewriter<'_> {
    /// A name that no part of what is added has. Inputs get the names by which they are known.
    fn name(&self, name: &str) -> String {
        match self.inputs.known_name(name) {
            Some(known) => known.to_owned(),
            // An input that is left out.
            None if name.is_empty() => String::new(),
            None => format!("encoder/{name}"),
        }
    }

    fn name_of(&self, bytes: &[u8]) -> Result<String, NotBegun> {
        Ok(self.name(&text(bytes)?))
    }

    fn cut(&self, graph: &[u8], output: &str) -> Result<Cut, NotBegun> {
        let mut needed = BTreeSet::from([output.to_owned()]);
        let mut nodes = Vec::new();
        for node in Fields(graph).each(1).collect::<Result<Vec<_>, _>>()?.into_iter().rev() {
            let node = self.node(node)?;
            if node.outputs.iter().any(|name| needed.contains(name)) {
                needed.extend(node.reads);
                nodes.push(node.message);
            }
        }
        let mut parts = vec![Message::default()];
        nodes.iter().rev().for_each(|node| parts[0].message(1, node));
        self.add_weights(graph, &mut needed, &mut parts)?;
        // What is left has no weights: it is what the graph is given.
        for port in Fields(graph).each(11) {
            let (name, port) = self.port(port?)?;
            if needed.contains(&name) {
                parts[0].message(11, &port);
            }
        }
        Ok(Cut { parts, has_mask: needed.contains(MASK) })
    }

    /// Adds the weights that are needed, and strikes out their names.
    fn add_weights(
        &self,
        graph: &[u8],
        needed: &mut BTreeSet<String>,
        parts: &mut Vec<Message>,
    ) -> Result<(), NotBegun> {
        for field in Fields(graph) {
            let (number, Value::Bytes(bytes)) = field? else { continue };
            match number {
                2 | 10 => parts[0].bytes(number, bytes),
                5 if needed.remove(&self.tensor_name(bytes)?) => {
                    parts.push(Message::default().with_message(5, &self.tensor(bytes)?));
                }
                15 => {
                    let values = Fields(bytes).each(1).next().unwrap_or(Err(Damaged))?;
                    if needed.remove(&self.tensor_name(values)?) {
                        parts.push(Message::default().with_message(15, &self.sparse(bytes)?));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn tensor_name(&self, tensor: &[u8]) -> Result<String, NotBegun> {
        self.name_of(Fields(tensor).each(8).next().unwrap_or(Err(Damaged))?)
    }

    fn node(&self, message: &[u8]) -> Result<Node, NotBegun> {
        let mut node = Node { message: Message::default(), outputs: Vec::new(), reads: Vec::new() };
        for field in Fields(message) {
            match field? {
                (number @ (1 | 2), Value::Bytes(name)) => {
                    let name = self.name_of(name)?;
                    node.message.text(number, &name);
                    if number == 1 { &mut node.reads } else { &mut node.outputs }.push(name);
                }
                (5, Value::Bytes(attribute)) => {
                    let attribute = self.attribute(attribute, &mut node.reads)?;
                    node.message.message(5, &attribute);
                }
                (number, value) => node.message.value(number, value),
            }
        }
        Ok(node)
    }

    fn attribute(&self, message: &[u8], reads: &mut Vec<String>) -> Result<Message, NotBegun> {
        rewritten(message, |number, bytes| {
            Ok(match number {
                5 | 10 => Some(self.tensor(bytes)?),
                6 | 11 => Some(self.graph_within(bytes, reads)?),
                22 | 23 => Some(self.sparse(bytes)?),
                _ => None,
            })
        })
    }

    fn graph_within(&self, graph: &[u8], reads: &mut Vec<String>) -> Result<Message, NotBegun> {
        rewritten(graph, |number, bytes| {
            Ok(match number {
                1 => {
                    let node = self.node(bytes)?;
                    reads.extend(node.reads);
                    Some(node.message)
                }
                5 => Some(self.tensor(bytes)?),
                11..=13 => {
                    let (name, port) = self.port(bytes)?;
                    reads.push(name);
                    Some(port)
                }
                15 => Some(self.sparse(bytes)?),
                _ => None,
            })
        })
    }

    /// An input or output, and its name.
    fn port(&self, port: &[u8]) -> Result<(String, Message), NotBegun> {
        let (mut name, mut message) = (String::new(), Message::default());
        for field in Fields(port) {
            match field? {
                (1, Value::Bytes(bytes)) => {
                    name = self.name_of(bytes)?;
                    message.text(1, &name);
                }
                (number, value) => message.value(number, value),
            }
        }
        Ok((name, message))
    }

    fn sparse(&self, message: &[u8]) -> Result<Message, NotBegun> {
        rewritten(message, |number, bytes| match number {
            1 | 2 => self.tensor(bytes).map(Some),
            _ => Ok(None),
        })
    }

    /// A tensor, with its numbers in it.
    fn tensor(&self, tensor: &[u8]) -> Result<Message, NotBegun> {
        let (mut message, mut place) = (Message::default(), Outside::default());
        for field in Fields(tensor) {
            match field? {
                (8, Value::Bytes(name)) => message.text(8, &self.name_of(name)?),
                (13, Value::Bytes(bytes)) => place.add(entry(bytes)?)?,
                // Where the numbers are.
                (14, _) => {}
                (number, value) => message.value(number, value),
            }
        }
        if let Some(file) = &place.file {
            let path = self.folder.join(file);
            let bytes = place.bytes(&path);
            message.bytes(9, &bytes.map_err(|source| NotBegun::Weights { path, source })?);
        }
        Ok(message)
    }
}

/// Where in a file the numbers of a tensor are.
#[derive(Default)]
struct Outside {
    file: Option<String>,
    offset: u64,
    n_bytes: Option<u64>,
}

impl Outside {
    fn add(&mut self, (key, value): (String, String)) -> Result<(), BadGraph> {
        let number = |text: &str| text.parse().ok().ok_or(BadGraph::Damaged);
        match key.as_str() {
            "location" => self.file = Some(value),
            "offset" => self.offset = number(&value)?,
            "length" => self.n_bytes = Some(number(&value)?),
            _ => {}
        }
        Ok(())
    }

    fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let n_rest = file.metadata()?.len().saturating_sub(self.offset);
        let n_bytes = self.n_bytes.unwrap_or(n_rest);
        if n_bytes > n_rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(n_bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Copies a message, with other contents in the fields for which there are some.
fn rewritten(
    message: &[u8],
    mut contents: impl FnMut(u32, &[u8]) -> Result<Option<Message>, NotBegun>,
) -> Result<Message, NotBegun> {
    let mut copy = Message::default();
    for field in Fields(message) {
        let (number, value) = field?;
        let other = match value {
            Value::Bytes(bytes) => contents(number, bytes)?,
            Value::Number(_) | Value::Fixed(_) => None,
        };
        match other {
            Some(other) => copy.message(number, &other),
            None => copy.value(number, value),
        }
    }
    Ok(copy)
}
