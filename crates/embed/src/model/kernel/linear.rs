//! The linear layer: most of the time of every transformer is spent here.

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Storage, Tensor,
};
use candle_nn::{Module, VarBuilder};

use super::{
    layout::Finish,
    product::Standing,
    weights::{Precision, Weights},
};
use crate::model::{
    activation::Activation,
    emit::{Edge, Emitter},
};

/// `x W^T + b`.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    weights: Weights,
    /// One for each output.
    pub(crate) bias: Option<Tensor>,
}

impl Precision {
    /// What the layers of a model with these weights multiply in.
    pub(crate) fn of(weights: &VarBuilder<'_>) -> Self {
        if weights.dtype() == DType::BF16 { Self::Bf16 } else { Self::Single }
    }
}

/// Reads a layer with a bias.
pub(crate) fn linear(
    n_inputs: usize,
    n_outputs: usize,
    weights: &VarBuilder<'_>,
) -> Result<Linear> {
    linear_b(n_inputs, n_outputs, true, weights)
}

/// Reads a layer without a bias.
pub(crate) fn linear_no_bias(
    n_inputs: usize,
    n_outputs: usize,
    weights: &VarBuilder<'_>,
) -> Result<Linear> {
    linear_b(n_inputs, n_outputs, false, weights)
}

/// Reads a layer with or without a bias.
pub(crate) fn linear_b(
    n_inputs: usize,
    n_outputs: usize,
    has_bias: bool,
    weights: &VarBuilder<'_>,
) -> Result<Linear> {
    let bias = has_bias.then(|| weights.get(n_outputs, "bias")).transpose()?;
    Linear::new(&weights.get((n_outputs, n_inputs), "weight")?, bias, Precision::of(weights))
}

impl Linear {
    /// Takes weights `outputs x inputs`.
    pub(crate) fn new(weight: &Tensor, bias: Option<Tensor>, precision: Precision) -> Result<Self> {
        if weight.elem_count() == 0 {
            candle_core::bail!("a linear layer without weights: {:?}", weight.shape())
        }
        let bias = bias.map(|bias| bias.contiguous()).transpose()?;
        Ok(Self { weights: Weights::new(weight, precision)?, bias })
    }

    /// Several layers as one, whose outputs are those of all of them, end to end.
    pub(crate) fn stack(layers: &[&Self]) -> Result<Self> {
        let weights = layers.iter().map(|layer| layer.weight());
        let weight = Tensor::cat(&weights.collect::<Result<Vec<_>>>()?, 0)?;
        let biases = layers.iter().map(|layer| match &layer.bias {
            Some(bias) => Ok(bias.clone()),
            None => Tensor::zeros(layer.n_outputs(), DType::F32, weight.device()),
        });
        let has_bias = layers.iter().any(|layer| layer.bias.is_some());
        let bias = has_bias.then(|| Tensor::cat(&biases.collect::<Result<Vec<_>>>()?, 0));
        let precision = layers.first().map_or_else(Precision::default, |layer| layer.precision());
        Self::new(&weight, bias.transpose()?, precision)
    }

    /// `outputs x inputs`.
    pub(crate) fn weight(&self) -> Result<Tensor> {
        self.weights.to_tensor()
    }

    pub(crate) fn n_outputs(&self) -> usize {
        self.weights.n_outputs()
    }

    fn precision(&self) -> Precision {
        self.weights.precision()
    }

    /// The layer whose outputs are multiplied: each by its own number, or all by one.
    pub(crate) fn scaled(&self, by: &Tensor) -> Result<Self> {
        let bias = self.bias.as_ref().map(|bias| bias.broadcast_mul(by)).transpose()?;
        Self::new(&self.weight()?.broadcast_mul(&by.unsqueeze(1)?)?, bias, self.precision())
    }

    /// The layer that gives some of the outputs.
    pub(crate) fn part(&self, from: usize, n_outputs: usize) -> Result<Self> {
        let narrowed = |bias: &Tensor| bias.narrow(0, from, n_outputs);
        let bias = self.bias.as_ref().map(narrowed).transpose()?;
        Self::new(&self.weight()?.narrow(0, from, n_outputs)?, bias, self.precision())
    }

    /// Values `.. x inputs` to `.. x outputs`, through an activation.
    pub(crate) fn forward_through(
        &self,
        values: &Tensor,
        activation: Activation,
    ) -> Result<Tensor> {
        values.contiguous()?.apply_op1_no_bwd(&Op { layer: self, activation: Some(activation) })
    }

    /// Values `.. x inputs` to `.. x outputs`, added to a sum of the same shape.
    pub(crate) fn forward_onto(&self, sum: &Tensor, values: &Tensor) -> Result<Tensor> {
        let op = Op { layer: self, activation: None };
        values.contiguous()?.apply_op2_no_bwd(&sum.contiguous()?, &op)
    }

    /// Values `.. x inputs` to `.. x outputs`, in a graph.
    pub(crate) fn emit(&self, emitter: &mut Emitter, values: &Edge) -> Result<Edge> {
        let weights = emitter.weights(&self.weights.to_rows()?)?;
        let product = emitter.apply("MatMul", &[values, &weights], &[]);
        let Some(bias) = &self.bias else { return Ok(product) };
        let bias = emitter.weights(bias)?;
        Ok(emitter.apply("Add", &[&product, &bias], &[]))
    }

    /// `x W^T + b`, through an activation.
    fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>) -> Result<()> {
        let Some(bias) = &self.bias else {
            self.weights.apply(values, out, finish);
            return Ok(());
        };
        let (storage, layout) = bias.storage_and_layout();
        let bias = Some(contiguous(on_cpu(&storage)?, layout)?);
        self.weights.apply(values, out, Finish { bias, ..finish });
        Ok(())
    }

    /// The shape that comes out for one that goes in.
    fn shape(&self, layout: &Layout) -> Result<Shape> {
        let (n_outputs, n_inputs) = (self.n_outputs(), self.weights.n_inputs());
        let mut dims = layout.dims().to_vec();
        match dims.last_mut() {
            Some(last) if *last == n_inputs => *last = n_outputs,
            _ => candle_core::bail!("a layer of {n_inputs} inputs is given {dims:?}"),
        }
        Ok(dims.into())
    }
}

impl Module for Linear {
    /// Values `.. x inputs` to `.. x outputs`.
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        xs.contiguous()?.apply_op1_no_bwd(&Op { layer: self, activation: None })
    }
}

struct Op<'a> {
    layer: &'a Linear,
    activation: Option<Activation>,
}

impl CustomOp1 for Op<'_> {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = self.layer.shape(layout)?;
        let mut out = vec![0.0; shape.elem_count()];
        let finish =
            Finish { bias: None, activation: self.activation, standing: Standing::Replaced };
        self.layer.apply(contiguous(storage, layout)?, &mut out, finish)?;
        Ok((CpuStorage::F32(out), shape))
    }
}

impl CustomOp2 for Op<'_> {
    fn name(&self) -> &'static str {
        "linear_onto"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (values, sum) = (contiguous(s1, l1)?, contiguous(s2, l2)?);
        let shape = self.layer.shape(l1)?;
        if l2.shape() != &shape {
            candle_core::bail!("{shape:?} cannot be added to {:?}", l2.shape())
        }
        let mut sums = sum.to_vec();
        let finish = Finish { bias: None, activation: self.activation, standing: Standing::Kept };
        self.layer.apply(values, &mut sums, finish)?;
        Ok((CpuStorage::F32(sums), shape))
    }
}

/// What is stored, if it is in memory.
pub(super) fn on_cpu(storage: &Storage) -> Result<&CpuStorage> {
    match storage {
        Storage::Cpu(storage) => Ok(storage),
        _ => candle_core::bail!("a tensor is on another device"),
    }
}

pub(super) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice()?[start..end]),
        None => candle_core::bail!("the values of a tensor must lie side by side"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_layer_gives_what_that_of_candle_gives() {
        let random = |shape: &[usize]| Tensor::randn(0_f32, 1.0, shape, &Device::Cpu).unwrap();
        let (weight, bias) = (random(&[7, 5]), Some(random(&[7])));
        let layer = Linear::new(&weight, bias.clone(), Precision::Single).unwrap();
        let candle = candle_nn::Linear::new(weight, bias);
        let (values, sum) = (random(&[2, 3, 5]), random(&[2, 3, 7]));
        let expected = candle.forward(&values).unwrap();
        assert_near(&layer.forward(&values).unwrap(), &expected);
        assert_near(&layer.forward_onto(&sum, &values).unwrap(), &(expected + sum).unwrap());
    }

    #[test]
    fn values_of_another_size_are_an_error() {
        let weight = Tensor::zeros((7, 5), DType::F32, &Device::Cpu).unwrap();
        let layer = Linear::new(&weight, None, Precision::Single).unwrap();
        let values = Tensor::zeros((2, 6), DType::F32, &Device::Cpu).unwrap();
        assert!(layer.forward(&values).is_err());
    }

    fn assert_near(found: &Tensor, expected: &Tensor) {
        assert_eq!(found.dims(), expected.dims());
        let difference = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap();
        assert!(difference.max(0).unwrap().to_scalar::<f32>().unwrap() < 1e-5);
    }
}
