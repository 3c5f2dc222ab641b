//! A model written down as a graph of ONNX, for the engines that run graphs.
//!
//! Each part of a model says, beside what it computes, how that is written. Weights are those that it computes with,
//! so queries are scaled and norms folded already. What goes in has the names that exporters give it.
//! What pools may also stand after a graph that was exported with operators of another version, so it is written in
//! operators whose form is the same from version 11 on.

use candle_core::{Result, Tensor};
use candle_nn::Embedding;
use linprobe_tensors::onnx::{Attribute, Axis, Graph, Number};

use super::{
    encoder::{ImageModel, ImageTower, TextModel, TextTower},
    kernel::LayerNorm,
};
use crate::image::Size;

/// Writes what a model makes of token ids: hidden states.
pub(crate) fn text_graph(model: &dyn TextModel) -> Result<Vec<u8>> {
    let mut emitter = Emitter::new("texts");
    let hidden = model.emit(&mut emitter)?;
    Ok(emitter.finish(&hidden, "last_hidden_state", &["texts", "tokens", "hidden"]))
}

/// Writes what a model makes of pictures of a size: a vector for each.
pub(crate) fn image_graph(model: &dyn ImageModel, size: Size) -> Result<Vec<u8>> {
    let mut emitter = Emitter::new("pictures");
    let pixels = emitter.pixels(size);
    let vectors = model.emit(&mut emitter, &pixels)?;
    Ok(emitter.finish(&vectors, "image_embeds", &["pictures", "dimension"]))
}

/// Writes what a tower makes of token ids: `embedding`, vectors of unit length.
pub(crate) fn text_encoder(tower: &TextTower) -> Result<Graph> {
    let mut emitter = Emitter::new("texts");
    let hidden = tower.model.emit(&mut emitter)?;
    let vectors = tower.pooler.emit(&mut emitter, &hidden)?;
    Ok(emitter.into_encoder(&vectors))
}

/// Writes what a tower makes of pixels: the same.
pub(crate) fn image_encoder(tower: &ImageTower) -> Result<Graph> {
    let mut emitter = Emitter::new("pictures");
    let pixels = emitter.pixels(tower.processor.size());
    let vectors = tower.model.emit(&mut emitter, &pixels)?;
    Ok(emitter.into_encoder(&vectors))
}

/// A graph that is being written.
#[derive(Debug)]
pub(crate) struct Emitter {
    graph: Graph,
    n_edges: usize,
    /// What tells tokens from padding, once it was asked for.
    mask: Option<Edge>,
}

/// What the graph is given, or what an operator gives.
#[derive(Clone, Debug)]
pub(crate) struct Edge(String);

/// A graph that was exported, to be gone on with.
#[derive(Debug)]
pub(crate) struct Exported {
    pub(crate) graph: Graph,
    /// What it gives.
    pub(crate) output: String,
    /// Whether it takes what tells tokens from padding.
    pub(crate) has_mask: bool,
}

/// The names of what goes in, as exporters give them.
pub(crate) const INPUT_IDS: &str = "input_ids";
pub(crate) const MASK: &str = "attention_mask";
pub(crate) const PIXELS: &str = "pixel_values";

/// The shape of token ids.
const TOKENS: [Axis<'static>; 2] = [Axis::Named("texts"), Axis::Named("tokens")];

/// What an operator is told beside its inputs.
type Attributes<'a> = &'a [(&'a str, Attribute<'a>)];

/// What a layer is told beside its hidden states, as in [`Context`](super::attention::Context).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surroundings<'a> {
    /// Added to the scores.
    pub(crate) bias: Option<&'a Edge>,
    /// The cosines and sines by which queries and keys are turned.
    pub(crate) rotary: Option<&'a [Edge; 2]>,
}

impl Emitter {
    fn new(name: &str) -> Self {
        Self { graph: Graph::new(name), n_edges: 0, mask: None }
    }

    fn finish(mut self, edge: &Edge, name: &str, axes: &[&str]) -> Vec<u8> {
        self.graph.node("Identity", &[&edge.0], &[name], &[]);
        let axes: Vec<_> = axes.iter().map(|axis| Axis::Named(axis)).collect();
        self.graph.output(name, Number::F32, &axes);
        self.graph.into_model(&[])
    }

    /// Vectors in unit length, under the name by which classifiers take them.
    fn into_encoder(mut self, vectors: &Edge) -> Graph {
        const EMBEDDING: &str = "embedding";
        let lengths = [("axis", Attribute::Integer(-1)), ("p", Attribute::Integer(2))];
        self.graph.node("LpNormalization", &[&vectors.0], &[EMBEDDING], &lengths);
        self.graph.output(EMBEDDING, Number::F32, &["n", "dimension"].map(Axis::Named));
        self.graph
    }

    fn input(&mut self, name: &str, number: Number, shape: &[Axis<'_>]) -> Edge {
        self.graph.input(name, number, shape);
        Edge(name.to_owned())
    }

    /// Goes on with a graph that was exported, in place of what was written so far.
    pub(crate) fn go_on_with(&mut self, Exported { graph, output, has_mask }: Exported) -> Edge {
        self.graph = graph;
        self.mask = has_mask.then(|| Edge(MASK.to_owned()));
        Edge(output)
    }

    /// Token ids `texts x tokens`.
    pub(crate) fn token_ids(&mut self) -> Edge {
        self.input(INPUT_IDS, Number::I64, &TOKENS)
    }

    /// The same, in what stands after a model that asked for them.
    pub(crate) fn given_ids() -> Edge {
        Edge(INPUT_IDS.to_owned())
    }

    /// 1 for a token, 0 for padding: `texts x tokens`.
    pub(crate) fn mask(&mut self) -> Edge {
        if let Some(mask) = &self.mask {
            return mask.clone();
        }
        let mask = self.input(MASK, Number::I64, &TOKENS);
        self.mask.insert(mask).clone()
    }

    /// Pixels `pictures x 3 x height x width`.
    fn pixels(&mut self, size: Size) -> Edge {
        let [height, width] = [size.height, size.width].map(Axis::Fixed);
        let shape = [Axis::Named("pictures"), Axis::Fixed(3), height, width];
        self.input(PIXELS, Number::F32, &shape)
    }

    /// What keeps tokens from looking at padding, to be added to scores: `texts x 1 x 1 x tokens`.
    pub(crate) fn padding(&mut self) -> Edge {
        let marks = self.marks();
        self.unsqueeze(&marks, &[1, 2])
    }

    /// 0 for a token, the lowest number for padding: `texts x tokens`.
    pub(crate) fn marks(&mut self) -> Edge {
        let mask = self.mask();
        let is_token = self.cast(&mask, Number::Bool);
        self.mark(&is_token, f32::MIN)
    }

    /// How many tokens the texts have: one number.
    pub(crate) fn n_tokens(&mut self, ids: &Edge) -> Edge {
        let shape = self.apply("Shape", &[ids], &[]);
        let second = self.integers(&[1]);
        self.apply("Gather", &[&shape, &second], &[])
    }

    /// The embeddings of tokens, with those of their positions, which are counted from the first one on.
    pub(crate) fn embedded(
        &mut self,
        ids: &Edge,
        tokens: &Embedding,
        positions: &Tensor,
    ) -> Result<Edge> {
        let tokens = self.weights(tokens.embeddings())?;
        let tokens = self.rows(&tokens, ids);
        let n_tokens = self.n_tokens(ids);
        let positions = self.weights(positions)?;
        let positions = self.first(&positions, &n_tokens, &[0]);
        Ok(self.apply("Add", &[&tokens, &positions], &[]))
    }

    /// Positions as RoBERTa counts them: from one past the id of its padding token on, at which a token of that id is
    /// left out.
    pub(crate) fn positions_past(&mut self, ids: &Edge, padding: u32) -> Edge {
        let padding = self.integers(&[padding.into()]);
        let is_padding = self.apply("Equal", &[ids, &padding], &[]);
        let is_token = self.apply("Not", &[&is_padding], &[]);
        let tokens = self.cast(&is_token, Number::I64);
        let second = self.index(1);
        let counted = self.apply("CumSum", &[&tokens, &second], &[]);
        let counted = self.apply("Mul", &[&counted, &tokens], &[]);
        self.apply("Add", &[&counted, &padding], &[])
    }

    /// Nought where something holds, and another number elsewhere.
    pub(crate) fn mark(&mut self, holds: &Edge, elsewhere: f32) -> Edge {
        let [nought, elsewhere] = [0.0, elsewhere].map(|number| self.number(number));
        self.apply("Where", &[holds, &nought, &elsewhere], &[])
    }

    /// An operator with one output.
    pub(crate) fn apply(
        &mut self,
        operator: &str,
        inputs: &[&Edge],
        attributes: Attributes<'_>,
    ) -> Edge {
        let edge = self.edge();
        let inputs: Vec<_> = inputs.iter().map(|input| input.0.as_str()).collect();
        self.graph.node(operator, &inputs, &[&edge.0], attributes);
        edge
    }

    /// Numbers that stay the same.
    pub(crate) fn weights(&mut self, tensor: &Tensor) -> Result<Edge> {
        let numbers = tensor.flatten_all()?.to_vec1::<f32>()?;
        let edge = self.edge();
        self.graph.tensor(&edge.0, Number::F32, tensor.dims(), bytemuck::cast_slice(&numbers));
        Ok(edge)
    }

    /// One number that stays the same.
    pub(crate) fn number(&mut self, number: f32) -> Edge {
        let edge = self.edge();
        self.graph.tensor(&edge.0, Number::F32, &[], &number.to_le_bytes());
        edge
    }

    /// The number of a place, which stays the same.
    fn index(&mut self, place: i64) -> Edge {
        let edge = self.edge();
        self.graph.tensor(&edge.0, Number::I64, &[], &place.to_le_bytes());
        edge
    }

    /// Whole numbers that stay the same, one after the other.
    pub(crate) fn integers(&mut self, integers: &[i64]) -> Edge {
        let edge = self.edge();
        self.graph.tensor(&edge.0, Number::I64, &[integers.len()], bytemuck::cast_slice(integers));
        edge
    }

    pub(crate) fn scaled(&mut self, edge: &Edge, factor: f32) -> Edge {
        let factor = self.number(factor);
        self.apply("Mul", &[edge, &factor], &[])
    }

    pub(crate) fn reshape(&mut self, edge: &Edge, shape: &[i64]) -> Edge {
        let shape = self.integers(shape);
        self.apply("Reshape", &[edge, &shape], &[])
    }

    pub(crate) fn unsqueeze(&mut self, edge: &Edge, axes: &[i64]) -> Edge {
        let axes = self.integers(axes);
        self.apply("Unsqueeze", &[edge, &axes], &[])
    }

    pub(crate) fn transpose(&mut self, edge: &Edge, axes: &[i64]) -> Edge {
        self.apply("Transpose", &[edge], &[("perm", Attribute::Integers(axes))])
    }

    pub(crate) fn cast(&mut self, edge: &Edge, to: Number) -> Edge {
        self.apply("Cast", &[edge], &[("to", Attribute::Integer(to.code()))])
    }

    pub(crate) fn concat(&mut self, edges: &[&Edge], axis: i64) -> Edge {
        self.apply("Concat", edges, &[("axis", Attribute::Integer(axis))])
    }

    /// `1 x tokens x hidden` once for each text or picture of a batch.
    pub(crate) fn for_each(&mut self, edge: &Edge, batch: &Edge) -> Edge {
        let shape = self.apply("Shape", &[batch], &[]);
        let first = self.integers(&[0]);
        let n_inputs = self.apply("Gather", &[&shape, &first], &[]);
        let same = self.integers(&[1, 1]);
        let shape = self.concat(&[&n_inputs, &same], 0);
        self.apply("Expand", &[edge, &shape], &[])
    }

    /// The rows of a table, by their numbers.
    pub(crate) fn rows(&mut self, table: &Edge, numbers: &Edge) -> Edge {
        self.apply("Gather", &[table, numbers], &[])
    }

    /// The first so many along each of the axes.
    pub(crate) fn first(&mut self, edge: &Edge, n: &Edge, axes: &[i64]) -> Edge {
        let starts = self.integers(&vec![0; axes.len()]);
        let ends = self.concat(&vec![n; axes.len()], 0);
        let axes = self.integers(axes);
        self.apply("Slice", &[edge, &starts, &ends, &axes], &[])
    }

    /// All from a place of an axis on.
    pub(crate) fn rest(&mut self, edge: &Edge, from: i64, axis: i64) -> Edge {
        let [starts, ends, axes] = [from, i64::MAX, axis].map(|number| self.integers(&[number]));
        self.apply("Slice", &[edge, &starts, &ends, &axes], &[])
    }

    /// The mean along an axis, which stays as one place or is gone.
    pub(crate) fn mean(&mut self, edge: &Edge, axis: i64, stays: bool) -> Edge {
        let attributes = [
            ("axes", Attribute::Integers(&[axis])),
            ("keepdims", Attribute::Integer(i64::from(stays))),
        ];
        self.apply("ReduceMean", &[edge], &attributes)
    }

    /// One place of an axis, which is gone then.
    pub(crate) fn pick(&mut self, edge: &Edge, place: i64, axis: i64) -> Edge {
        let place = self.index(place);
        self.apply("Gather", &[edge, &place], &[("axis", Attribute::Integer(axis))])
    }

    /// The row of one token of each text: states `texts x tokens x hidden`, places `texts`.
    pub(crate) fn token(&mut self, states: &Edge, places: &Edge) -> Edge {
        let n_tokens = self.n_tokens(&Self::given_ids());
        let off_and_on = self.edge();
        let numbers = [0.0_f32, 1.0];
        self.graph.tensor(&off_and_on.0, Number::F32, &[2], bytemuck::cast_slice(&numbers));
        let is_place = self.apply("OneHot", &[places, &n_tokens, &off_and_on], &[]);
        self.weighted_sum(states, &is_place)
    }

    /// The place of the highest number of each row, the first of several: `rows`.
    pub(crate) fn highest_place(&mut self, rows: &Edge) -> Edge {
        let attributes = [("axis", Attribute::Integer(1)), ("keepdims", Attribute::Integer(0))];
        self.apply("ArgMax", &[rows], &attributes)
    }

    /// The highest along the second axis, which is gone then.
    pub(crate) fn highest(&mut self, states: &Edge) -> Edge {
        let one = self.integers(&[1]);
        let [highest, places] = [self.edge(), self.edge()];
        let axis = [("axis", Attribute::Integer(1))];
        self.graph.node("TopK", &[&states.0, &one.0], &[&highest.0, &places.0], &axis);
        self.reshape(&highest, &[0, -1])
    }

    /// The sum of the states of each text, each times its weight: states `texts x tokens x hidden`, weights `texts x
    /// tokens`.
    pub(crate) fn weighted_sum(&mut self, states: &Edge, weights: &Edge) -> Edge {
        let weights = self.reshape(weights, &[0, 1, -1]);
        let sums = self.apply("MatMul", &[&weights, states], &[]);
        self.reshape(&sums, &[0, -1])
    }

    /// Parts of equal size along an axis.
    pub(crate) fn split<const N: usize>(&mut self, edge: &Edge, axis: i64) -> [Edge; N] {
        let parts: [Edge; N] = std::array::from_fn(|_| self.edge());
        let names = parts.each_ref().map(|part| part.0.as_str());
        self.graph.node("Split", &[&edge.0], &names, &[("axis", Attribute::Integer(axis))]);
        parts
    }

    pub(crate) fn softmax(&mut self, scores: &Edge) -> Edge {
        self.apply("Softmax", &[scores], &[("axis", Attribute::Integer(-1))])
    }

    /// Normalizes the last axis.
    pub(crate) fn norm(&mut self, LayerNorm(norm): &LayerNorm, edge: &Edge) -> Result<Edge> {
        let weight = self.weights(norm.weight())?;
        #[expect(clippy::cast_possible_truncation, reason = "the norm computes in this precision")]
        let epsilon = norm.eps() as f32;
        if !norm.remove_mean() {
            return Ok(self.scaled_to_one(edge, &weight, epsilon));
        }
        let bias = norm.bias().map(|bias| self.weights(bias)).transpose()?;
        let inputs: Vec<_> = [edge, &weight].into_iter().chain(&bias).collect();
        let attributes = [("axis", Attribute::Integer(-1)), ("epsilon", Attribute::Float(epsilon))];
        Ok(self.apply("LayerNormalization", &inputs, &attributes))
    }

    /// Divides the last axis by the root of its mean square.
    fn scaled_to_one(&mut self, edge: &Edge, weight: &Edge, epsilon: f32) -> Edge {
        let square = self.apply("Mul", &[edge, edge], &[]);
        let mean = self.mean(&square, -1, true);
        let epsilon = self.number(epsilon);
        let mean = self.apply("Add", &[&mean, &epsilon], &[]);
        let root = self.apply("Sqrt", &[&mean], &[]);
        let scaled = self.apply("Div", &[edge, &root], &[]);
        self.apply("Mul", &[&scaled, weight], &[])
    }

    fn edge(&mut self) -> Edge {
        self.n_edges += 1;
        Edge(format!("e{}", self.n_edges))
    }
}
