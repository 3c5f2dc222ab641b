//! Models of ONNX as they are written: operators and weights, what goes in and what comes out.
//!
//! The messages have a handful of fields, which are written here as they are numbered in `onnx.proto`.

use crate::protobuf::Message;

/// The version of the format.
const IR_VERSION: u64 = 8;

/// The version of the operators: that of 2022, which every engine of today knows.
const OPSET: u64 = 17;

/// What a tensor consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Single precision.
    F32,
    /// Integers of 64 bits.
    I64,
    /// True or false.
    Bool,
}

impl Number {
    /// What operators are told of it by.
    pub fn code(self) -> i64 {
        match self {
            Self::F32 => 1,
            Self::I64 => 7,
            Self::Bool => 9,
        }
    }
}

/// The length of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis<'a> {
    /// It is always the same.
    Fixed(usize),
    /// It is whatever is given, the same for all axes of that name.
    Named(&'a str),
}

/// What an operator is told beside its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attribute<'a> {
    /// A number in single precision.
    Float(f32),
    /// A whole number.
    Integer(i64),
    /// Several.
    Integers(&'a [i64]),
}

/// A graph that is being written.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The fields of the model that the graph is in.
    model: Message,
    /// The fields of the message, large ones by themselves.
    parts: Vec<Message>,
}

impl Graph {
    /// A graph of that name.
    pub fn new(name: &str) -> Self {
        let mut model = Message::default().with_number(1, IR_VERSION).with_text(2, "linprobe");
        model.text(3, env!("CARGO_PKG_VERSION"));
        model.message(8, &Message::default().with_text(1, "").with_number(2, OPSET));
        Self { model, parts: vec![Message::default().with_text(2, name)] }
    }

    /// A graph that others began: the fields of its model but for the graph, and those of the graph, large ones by
    /// themselves. The model says of which version the operators are, those that are added here too.
    pub fn begun(model: Message, parts: Vec<Message>) -> Self {
        Self { model, parts }
    }

    /// Says what the graph is for.
    pub fn document(&mut self, text: &str) {
        self.last().text(10, text);
    }

    /// Adds an operator, whose inputs stand before it.
    pub fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) {
        let mut node = Message::default();
        for input in inputs {
            node.text(1, input);
        }
        for output in outputs {
            node.text(2, output);
        }
        node.text(4, operator);
        for (name, value) in attributes {
            node.message(5, &attribute(name, *value));
        }
        self.last().message(1, &node);
    }

    /// Adds weights, or other numbers that stay the same, in little endian.
    pub fn tensor(&mut self, name: &str, number: Number, shape: &[usize], bytes: &[u8]) {
        let mut tensor = Message::default();
        for &size in shape {
            tensor.number(1, size as u64);
        }
        tensor.number(2, number.code().cast_unsigned());
        tensor.text(8, name);
        tensor.bytes(9, bytes);
        self.parts.push(Message::default());
        self.last().message_of(5, vec![tensor]);
        self.parts.push(Message::default());
    }

    /// Says what the graph takes.
    pub fn input(&mut self, name: &str, number: Number, shape: &[Axis<'_>]) {
        self.last().message(11, &port(name, number, shape));
    }

    /// Says what it gives.
    pub fn output(&mut self, name: &str, number: Number, shape: &[Axis<'_>]) {
        self.last().message(12, &port(name, number, shape));
    }

    /// The bytes of a file with the graph, and with notes by their names.
    pub fn into_model(self, notes: &[(&str, &str)]) -> Vec<u8> {
        let mut model = self.model;
        for (name, text) in notes {
            model.message(14, &Message::default().with_text(1, name).with_text(2, text));
        }
        model.message_of(7, self.parts);
        model.into_bytes()
    }

    fn last(&mut self) -> &mut Message {
        if self.parts.is_empty() {
            self.parts.push(Message::default());
        }
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }
}

fn attribute(name: &str, value: Attribute<'_>) -> Message {
    let mut attribute = Message::default().with_text(1, name);
    let kind = match value {
        Attribute::Float(value) => {
            attribute.float(2, value);
            1
        }
        Attribute::Integer(value) => {
            attribute.number(3, value.cast_unsigned());
            2
        }
        Attribute::Integers(values) => {
            for value in values {
                attribute.number(8, value.cast_unsigned());
            }
            7
        }
    };
    attribute.with_number(20, kind)
}

/// An input or output.
fn port(name: &str, number: Number, shape: &[Axis<'_>]) -> Message {
    let mut axes = Message::default();
    for axis in shape {
        axes.message(
            1,
            &match axis {
                Axis::Fixed(size) => Message::default().with_number(1, *size as u64),
                Axis::Named(name) => Message::default().with_text(2, name),
            },
        );
    }
    let tensor = Message::default().with_number(1, number.code().cast_unsigned());
    let kind = Message::default().with_message(1, &tensor.with_message(2, &axes));
    Message::default().with_text(1, name).with_message(2, &kind)
}
