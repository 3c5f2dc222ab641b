//! ConvNeXt: convolutions of one channel each, and between them the two layers of a transformer.
//!
//! Liu et al., *A ConvNet for the 2020s*, 2022. The numbers are those of `timm.models.convnext.ConvNeXt`. Channels are the
//! last axis here, so that norms and layers are those of transformers, and a convolution whose stride is its kernel is one
//! matrix product.

use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};
use linprobe_tensors::onnx::Attribute;

use super::{Loaded, count};
use crate::model::{
    activation::Activation,
    batch::ImageBatch,
    emit::{Edge, Emitter},
    encoder::ImageModel,
    kernel::{Depthwise, LayerNorm, Linear, Precision, layer_norm},
    layer::{Mlp, Order, Shape},
};

/// Reads one, whose sizes its weights tell.
pub(in crate::model) fn load(architecture: &str, weights: &VarBuilder<'_>) -> Result<Loaded> {
    for changed in ["norm_pre.weight", "stem.2.weight", "head.pre_logits.fc.weight"] {
        if weights.contains_tensor(changed) {
            candle_core::bail!("a ConvNeXt with {changed} is not supported")
        }
    }
    let epsilon = if architecture.starts_with("convnext_xxlarge") { 1e-5 } else { 1e-6 };
    let norm = |name: &str| norm(epsilon, &weights.pp(name));
    let n_stages = count(|n| weights.contains_tensor(&format!("stages.{n}.blocks.0.norm.weight")));
    let stage = |n| Stage::load(epsilon, &weights.pp("stages").pp(n));
    let model = ConvNext {
        stem: Merge::load(&weights.pp("stem.0"))?,
        stem_norm: norm("stem.1")?,
        stages: (0..n_stages).map(stage).collect::<Result<_>>()?,
        norm: norm("head.norm")?,
    };
    Ok((weights.get_unchecked("head.norm.weight")?.dim(0)?, Box::new(model)))
}

fn norm(epsilon: f64, weights: &VarBuilder<'_>) -> Result<LayerNorm> {
    let size = weights.get_unchecked("weight")?.dim(0)?;
    layer_norm(size, epsilon, weights.clone())
}

#[derive(Debug)]
struct ConvNext {
    stem: Merge,
    stem_norm: LayerNorm,
    stages: Vec<Stage>,
    /// Of the mean.
    norm: LayerNorm,
}

/// From `pictures x rows x columns x channels` to the axes of a convolution, and back.
const CHANNELS_FIRST: [i64; 4] = [0, 3, 1, 2];
const CHANNELS_LAST: [i64; 4] = [0, 2, 3, 1];

impl ImageModel for ConvNext {
    /// `pictures x channels x rows x columns`.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let pixels = batch.pixels()?.permute((0, 2, 3, 1))?;
        let hidden = self.stem_norm.forward(&self.stem.forward(&pixels)?)?;
        let mut stages = self.stages.iter();
        stages.try_fold(hidden, |hidden, stage| stage.forward(hidden))?.permute((0, 3, 1, 2))
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        self.norm.forward(&hidden.flatten_from(2)?.mean(2)?)
    }

    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let stem = self.stem.emit(emitter, pixels)?;
        let mut hidden = emitter.norm(&self.stem_norm, &stem)?;
        for stage in &self.stages {
            hidden = stage.emit(emitter, hidden)?;
        }
        let hidden = emitter.transpose(&hidden, &CHANNELS_FIRST);
        let places = emitter.reshape(&hidden, &[0, 0, -1]);
        let mean = emitter.mean(&places, 2, false);
        emitter.norm(&self.norm, &mean)
    }
}

/// Layers over places of one size, with what makes fewer places of those before.
#[derive(Debug)]
struct Stage {
    merge: Option<(LayerNorm, Merge)>,
    layers: Vec<Layer>,
}

impl Stage {
    fn load(epsilon: f64, weights: &VarBuilder<'_>) -> Result<Self> {
        let merge = weights.pp("downsample");
        let load =
            || -> Result<_> { Ok((norm(epsilon, &merge.pp(0))?, Merge::load(&merge.pp(1))?)) };
        let merge = merge.contains_tensor("1.weight").then(load);
        let n_layers = count(|n| weights.contains_tensor(&format!("blocks.{n}.norm.weight")));
        let layer = |n| Layer::load(epsilon, &weights.pp("blocks").pp(n));
        let layers = (0..n_layers).map(layer).collect::<Result<_>>()?;
        Ok(Self { merge: merge.transpose()?, layers })
    }

    fn forward(&self, hidden: Tensor) -> Result<Tensor> {
        let hidden = match &self.merge {
            Some((norm, merge)) => merge.forward(&norm.forward(&hidden)?)?,
            None => hidden,
        };
        self.layers.iter().try_fold(hidden, |hidden, layer| layer.forward(&hidden))
    }

    fn emit(&self, emitter: &mut Emitter, hidden: Edge) -> Result<Edge> {
        let hidden = match &self.merge {
            Some((norm, merge)) => {
                let hidden = emitter.norm(norm, &hidden)?;
                let hidden = emitter.transpose(&hidden, &CHANNELS_FIRST);
                merge.emit(emitter, &hidden)?
            }
            None => hidden,
        };
        self.layers.iter().try_fold(hidden, |hidden, layer| layer.emit(emitter, &hidden))
    }
}

/// Makes one place of a square of them.
#[derive(Debug)]
struct Merge {
    projection: Linear,
    /// Places along a side of a square.
    side: usize,
}

impl Merge {
    fn load(weights: &VarBuilder<'_>) -> Result<Self> {
        let (n_out, n_in, side, _) = weights.get_unchecked("weight")?.dims4()?;
        let kernel = weights.get((n_out, n_in, side, side), "weight")?.permute((0, 2, 3, 1))?;
        let bias = Some(weights.get(n_out, "bias")?);
        let kernel = kernel.contiguous()?.flatten_from(1)?;
        Ok(Self { projection: Linear::new(&kernel, bias, Precision::of(weights))?, side })
    }

    /// What is left over at the right and the bottom is not seen.
    fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let (n_pictures, height, width, n_channels) = hidden.dims4()?;
        let side = self.side;
        let (height, width) = (height / side, width / side);
        let whole = hidden.narrow(1, 0, height * side)?.narrow(2, 0, width * side)?;
        let squares = whole.reshape(&[n_pictures, height, side, width, side, n_channels])?;
        let squares = squares.permute([0, 1, 3, 2, 4, 5])?.contiguous()?;
        self.projection.forward(&squares.reshape((n_pictures, height, width, ()))?)
    }

    /// The same in a graph, of channels that come first: the convolution itself.
    fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let side = self.side;
        let kernel = self.projection.weight()?;
        let kernel = kernel.reshape((kernel.dim(0)?, side, side, ()))?.permute((0, 3, 1, 2))?;
        let kernel = emitter.weights(&kernel.contiguous()?)?;
        let bias = self.projection.bias.as_ref().map(|bias| emitter.weights(bias)).transpose()?;
        let inputs: Vec<_> = [hidden, &kernel].into_iter().chain(&bias).collect();
        let side = i64::try_from(side).map_err(candle_core::Error::wrap)?;
        let strides = [("strides", Attribute::Integers(&[side, side]))];
        let merged = emitter.apply("Conv", &inputs, &strides);
        Ok(emitter.transpose(&merged, &CHANNELS_LAST))
    }
}

/// A convolution, and two layers over what it gives, added to what went in.
#[derive(Debug)]
struct Layer {
    convolution: Depthwise,
    norm: LayerNorm,
    mlp: Mlp,
}

impl Layer {
    fn load(epsilon: f64, weights: &VarBuilder<'_>) -> Result<Self> {
        let (intermediate_size, hidden_size) = weights.get_unchecked("mlp.fc1.weight")?.dims2()?;
        let shape = Shape {
            hidden_size,
            intermediate_size,
            n_layers: 1,
            n_heads: 1,
            activation: Activation::Gelu,
            epsilon,
            order: Order::First,
        };
        let mut mlp = Mlp::load(&shape, ["mlp.fc1", "mlp.fc2"], weights)?;
        if weights.contains_tensor("gamma") {
            mlp.outer = mlp.outer.scaled(&weights.get(hidden_size, "gamma")?)?;
        }
        let convolution = Depthwise::load(hidden_size, &weights.pp("conv_dw"))?;
        Ok(Self { convolution, norm: norm(epsilon, &weights.pp("norm"))?, mlp })
    }

    fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let seen = self.convolution.forward(hidden)?;
        self.mlp.forward_onto(hidden, &self.norm.forward(&seen)?)
    }

    fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let seen = self.emit_convolution(emitter, hidden)?;
        let seen = emitter.norm(&self.norm, &seen)?;
        let change = self.mlp.emit(emitter, &seen)?;
        Ok(emitter.apply("Add", &[hidden, &change], &[]))
    }

    /// The convolution in a graph, of channels that come first.
    fn emit_convolution(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let whole = |n: usize| i64::try_from(n).map_err(candle_core::Error::wrap);
        let [kernel, bias] = self.convolution.tensors()?;
        let (n_channels, _, side, _) = kernel.dims4()?;
        let attributes = [
            ("group", Attribute::Integer(whole(n_channels)?)),
            ("pads", Attribute::Integers(&[whole(side / 2)?; 4])),
        ];
        let [kernel, bias] = [emitter.weights(&kernel)?, emitter.weights(&bias)?];
        let hidden = emitter.transpose(hidden, &CHANNELS_FIRST);
        let seen = emitter.apply("Conv", &[&hidden, &kernel, &bias], &attributes);
        Ok(emitter.transpose(&seen, &CHANNELS_LAST))
    }
}
