//! The layer of which every transformer here is a stack: attention, then two linear layers.
//!
//! Architectures differ in the names of its weights, in where it normalizes, and in what they take
//! away or add; none has a layer of its own.

use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

use super::{
    activation::Activation,
    attention::{Attention, Context, Projections},
    emit::{Edge, Emitter, Surroundings},
    kernel::{LayerNorm, Linear, layer_norm, linear},
};

/// The sizes of a stack of layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) n_layers: usize,
    pub(crate) n_heads: usize,
    pub(crate) activation: Activation,
    /// Keeps a norm from dividing by zero.
    pub(crate) epsilon: f64,
    pub(crate) order: Order,
}

/// Where a layer normalizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What each step is given.
    First,
    /// What each step gave, before it is added to what it was given.
    Change,
    /// The sum of what each step was given and what it gave.
    Last,
}

/// What an architecture calls the weights of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub(crate) query: &'static str,
    pub(crate) key: &'static str,
    pub(crate) value: &'static str,
    pub(crate) output: &'static str,
    pub(crate) attention_norm: &'static str,
    pub(crate) inner: &'static str,
    pub(crate) outer: &'static str,
    pub(crate) norm: &'static str,
}

/// The weights by which transformers multiplies what each step gives.
pub(crate) const SCALES: [&str; 2] = ["layer_scale1.lambda1", "layer_scale2.lambda1"];

/// Layers, one after the other.
#[derive(Debug)]
pub(crate) struct Stack {
    layers: Vec<Layer>,
}

impl Stack {
    /// Loads layers that have biases everywhere; the weights stand under their numbers.
    pub(crate) fn load(shape: &Shape, names: &Names, weights: &VarBuilder<'_>) -> Result<Self> {
        Self::of(shape.n_layers, |n| Layer::load(shape, names, &weights.pp(n)))
    }

    /// Loads each layer as it says.
    pub(crate) fn of(n_layers: usize, layer: impl Fn(usize) -> Result<Layer>) -> Result<Self> {
        Ok(Self { layers: (0..n_layers).map(layer).collect::<Result<_>>()? })
    }

    /// Hidden states `batch x tokens x hidden`.
    pub(crate) fn forward(&self, hidden: Tensor, context: Context<'_>) -> Result<Tensor> {
        self.layers.iter().try_fold(hidden, |hidden, layer| layer.forward(&hidden, context))
    }

    /// The same in a graph.
    pub(crate) fn emit(
        &self,
        emitter: &mut Emitter,
        hidden: Edge,
        surroundings: Surroundings<'_>,
    ) -> Result<Edge> {
        let emit = |hidden, layer: &Layer| layer.emit(emitter, &hidden, surroundings);
        self.layers.iter().try_fold(hidden, emit)
    }
}

/// One layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) order: Order,
    /// None where what is given was normalized already.
    pub(crate) attention_norm: Option<LayerNorm>,
    pub(crate) attention: Attention,
    pub(crate) norm: LayerNorm,
    pub(crate) mlp: Mlp,
}

impl Layer {
    /// Loads a layer that has biases everywhere.
    pub(crate) fn load(shape: &Shape, names: &Names, weights: &VarBuilder<'_>) -> Result<Self> {
        let mlp = Mlp::load(shape, [names.inner, names.outer], weights)?;
        Self::with_mlp(shape, names, weights, mlp)
    }

    /// Loads a layer that has biases everywhere, but for its last step.
    pub(crate) fn with_mlp(
        shape: &Shape,
        names: &Names,
        weights: &VarBuilder<'_>,
        mlp: Mlp,
    ) -> Result<Self> {
        let size = shape.hidden_size;
        let square = |name: &str| linear(size, size, &weights.pp(name));
        let norm = |name: &str| layer_norm(size, shape.epsilon, weights.pp(name));
        let projections = Projections {
            query: square(names.query)?,
            key: square(names.key)?,
            value: square(names.value)?,
            output: square(names.output)?,
        };
        Ok(Self {
            order: shape.order,
            attention_norm: Some(norm(names.attention_norm)?),
            attention: Attention::new(projections, shape.n_heads)?,
            norm: norm(names.norm)?,
            mlp,
        })
    }

    /// Multiplies what each step gives, hidden unit by hidden unit, by the two weights of these names,
    /// where there are any.
    pub(crate) fn scaled_by(
        mut self,
        weights: &VarBuilder<'_>,
        names: [&str; 2],
        hidden_size: usize,
    ) -> Result<Self> {
        let [attention, mlp] = names;
        if weights.contains_tensor(attention) {
            let scale = |name| weights.get(hidden_size, name);
            self.attention.outward = self.attention.outward.scaled(&scale(attention)?)?;
            self.mlp.outer = self.mlp.outer.scaled(&scale(mlp)?)?;
        }
        Ok(self)
    }

    /// Hidden states `batch x tokens x hidden`.
    pub(crate) fn forward(&self, hidden: &Tensor, context: Context<'_>) -> Result<Tensor> {
        let attention =
            |sum: &Tensor, hidden: &Tensor| self.attention.forward_onto(sum, hidden, context);
        let hidden = self.step(hidden, self.attention_norm.as_ref(), attention)?;
        self.step(&hidden, Some(&self.norm), |sum, hidden| self.mlp.forward_onto(sum, hidden))
    }

    /// Adds to hidden states what is computed from them.
    fn step(
        &self,
        hidden: &Tensor,
        norm: Option<&LayerNorm>,
        add: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        match (norm, self.order) {
            (None, _) => add(hidden, hidden),
            (Some(norm), Order::First) => add(hidden, &norm.forward(hidden)?),
            (Some(norm), Order::Change) => {
                hidden + norm.forward(&add(&hidden.zeros_like()?, hidden)?)?
            }
            (Some(norm), Order::Last) => norm.forward(&add(hidden, hidden)?),
        }
    }

    /// The same as [`Self::forward`] in a graph.
    pub(crate) fn emit(
        &self,
        emitter: &mut Emitter,
        hidden: &Edge,
        surroundings: Surroundings<'_>,
    ) -> Result<Edge> {
        let attention = |emitter: &mut Emitter, hidden: &Edge| {
            self.attention.emit(emitter, hidden, surroundings)
        };
        let hidden = self.emit_step(emitter, hidden, self.attention_norm.as_ref(), attention)?;
        let mlp = |emitter: &mut Emitter, hidden: &Edge| self.mlp.emit(emitter, hidden);
        self.emit_step(emitter, &hidden, Some(&self.norm), mlp)
    }

    fn emit_step(
        &self,
        emitter: &mut Emitter,
        hidden: &Edge,
        norm: Option<&LayerNorm>,
        step: impl Fn(&mut Emitter, &Edge) -> Result<Edge>,
    ) -> Result<Edge> {
        let normed = |order: Order, emitter: &mut Emitter, edge: Edge| match norm {
            Some(norm) if order == self.order => emitter.norm(norm, &edge),
            _ => Ok(edge),
        };
        let given = normed(Order::First, emitter, hidden.clone())?;
        let change = step(emitter, &given)?;
        let change = normed(Order::Change, emitter, change)?;
        let sum = emitter.apply("Add", &[hidden, &change], &[]);
        normed(Order::Last, emitter, sum)
    }
}

/// Two linear layers with an activation between them, and in some architectures a gate.
#[derive(Debug)]
pub(crate) struct Mlp {
    pub(crate) inner: Linear,
    /// By its output the activated values are multiplied.
    pub(crate) gate: Option<Linear>,
    pub(crate) activation: Activation,
    /// Of what goes into the outer layer.
    pub(crate) norm: Option<LayerNorm>,
    pub(crate) outer: Linear,
}

impl Mlp {
    /// Loads two layers of these names, with biases.
    pub(crate) fn load(
        shape: &Shape,
        [inner, outer]: [&str; 2],
        weights: &VarBuilder<'_>,
    ) -> Result<Self> {
        let (size, inner_size) = (shape.hidden_size, shape.intermediate_size);
        Ok(Self {
            inner: linear(size, inner_size, &weights.pp(inner))?,
            gate: None,
            activation: shape.activation,
            norm: None,
            outer: linear(inner_size, size, &weights.pp(outer))?,
        })
    }

    /// The same with a gate, which stands behind the inner layer in one matrix with it.
    pub(crate) fn load_gated(
        shape: &Shape,
        [both, outer]: [&str; 2],
        weights: &VarBuilder<'_>,
    ) -> Result<Self> {
        let (size, inner_size) = (shape.hidden_size, shape.intermediate_size);
        let both = linear(size, 2 * inner_size, &weights.pp(both))?;
        Ok(Self {
            inner: both.part(0, inner_size)?,
            gate: Some(both.part(inner_size, inner_size)?),
            activation: Activation::Silu,
            norm: None,
            outer: linear(inner_size, size, &weights.pp(outer))?,
        })
    }

    /// Adds to a sum what is computed from hidden states, both `.. x hidden`.
    pub(crate) fn forward_onto(&self, sum: &Tensor, hidden: &Tensor) -> Result<Tensor> {
        let mut inner = self.inner.forward_through(hidden, self.activation)?;
        if let Some(gate) = &self.gate {
            inner = (inner * gate.forward(hidden)?)?;
        }
        if let Some(norm) = &self.norm {
            inner = norm.forward(&inner)?;
        }
        self.outer.forward_onto(sum, &inner)
    }

    /// What is computed from hidden states, in a graph.
    pub(crate) fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let inner = self.inner.emit(emitter, hidden)?;
        let mut inner = self.activation.emit(emitter, &inner);
        if let Some(gate) = &self.gate {
            let gate = gate.emit(emitter, hidden)?;
            inner = emitter.apply("Mul", &[&inner, &gate], &[]);
        }
        if let Some(norm) = &self.norm {
            inner = emitter.norm(norm, &inner)?;
        }
        self.outer.emit(emitter, &inner)
    }
}
