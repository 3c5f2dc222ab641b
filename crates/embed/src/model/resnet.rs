//! ResNet, 18 to 152 layers: convolutions alone.
//!
//! He et al., *Deep Residual Learning for Image Recognition*, 2015. The numbers are those of
//! `ResNetModel` in Hugging Face transformers; a picture is the mean over all places. Each batch
//! norm is folded into the convolution before it.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Module, VarBuilder};
use linprobe_tensors::onnx::Attribute;
use serde::Deserialize;

use super::{
    CONFIG,
    batch::ImageBatch,
    emit::{Edge, Emitter},
    encoder::{ImageModel, ImageTower, Towers},
};
use crate::{
    folder::ModelFolder,
    image::{Defaults, ImageProcessor},
    open::OpenError,
    weights,
};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    let dimension = config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let processor = ImageProcessor::open(folder, Defaults::ConvNext)?;
    let weights = weights::map(folder)?;
    let resnet = ResNet::load(&config, &weights)
        .map_err(|source| OpenError::weights(folder.path(), source))?;
    let tower = ImageTower { processor, model: Box::new(resnet) };
    Ok(Towers { dimension, text: None, image: Some(tower) })
}

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Config {
    pub(super) embedding_size: usize,
    pub(super) hidden_sizes: Vec<usize>,
    pub(super) depths: Vec<usize>,
    pub(super) layer_type: LayerType,
    pub(super) hidden_act: String,
    #[serde(default)]
    pub(super) downsample_in_first_stage: bool,
    #[serde(default)]
    pub(super) downsample_in_bottleneck: bool,
    /// Whether averages take the place of strides, as in CLIP.
    #[serde(skip)]
    pub(super) averages: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LayerType {
    #[default]
    Basic,
    Bottleneck,
}

impl Config {
    /// The number of coordinates that come out.
    fn check(&self) -> std::result::Result<usize, String> {
        if self.hidden_act != "relu" {
            return Err(format!("hidden_act {:?} is not supported", self.hidden_act));
        }
        if self.hidden_sizes.len() != self.depths.len() {
            return Err("hidden_sizes and depths are not equally many".to_owned());
        }
        self.hidden_sizes.last().copied().ok_or_else(|| "it has no stages".to_owned())
    }

    /// Loads all layers, from the first to the last.
    pub(super) fn load(&self, weights: &VarBuilder<'_>) -> Result<Vec<Layer>> {
        let mut layers = Vec::new();
        for (stage, plans) in self.plans().into_iter().enumerate() {
            let stage = weights.pp(stage).pp("layers");
            for (n, plan) in plans.into_iter().enumerate() {
                layers.push(Layer::load(self, plan, &stage.pp(n))?);
            }
        }
        Ok(layers)
    }

    /// What each layer does, from the first to the last, by stages.
    fn plans(&self) -> Vec<Vec<Plan>> {
        let mut n_in = self.embedding_size;
        let stages = self.hidden_sizes.iter().zip(&self.depths).enumerate();
        let stage = |(stage, (&n_out, &depth)): (usize, (&usize, &usize))| {
            let halves = stage > 0 || self.downsample_in_first_stage;
            let layer = |n| {
                let stride = if n == 0 && halves { 2 } else { 1 };
                Plan { n_in: std::mem::replace(&mut n_in, n_out), n_out, stride }
            };
            (0..depth).map(layer).collect()
        };
        stages.map(stage).collect()
    }
}

/// What a layer makes of its channels and of the number of places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) n_in: usize,
    pub(super) n_out: usize,
    pub(super) stride: usize,
}

#[derive(Debug)]
pub(super) struct ResNet {
    stem: Conv2d,
    layers: Vec<Layer>,
}

impl ResNet {
    pub(super) fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let stem = "embedder.embedder";
        let weights = weights::inside(weights, "resnet", "embedder.embedder.convolution.weight");
        let plan = Plan { n_in: 3, n_out: config.embedding_size, stride: 2 };
        let stem = convolution(plan, 7, &weights.pp(stem))?;
        Ok(Self { stem, layers: config.load(&weights.pp("encoder.stages"))? })
    }
}

impl ImageModel for ResNet {
    /// `pictures x channels x rows x columns`.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let stem = self.stem.forward(&batch.pixels()?)?.relu()?;
        // Nothing is below zero here, so padding of zeros is never the largest.
        let stem = stem.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
        let hidden = stem.max_pool2d_with_stride(3, 2)?;
        self.layers.iter().try_fold(hidden, |hidden, layer| layer.forward(&hidden))
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        hidden.flatten_from(2)?.mean(2)
    }

    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let stem = emit_convolution(emitter, &self.stem, pixels)?;
        let stem = emitter.apply("Relu", &[&stem], &[]);
        let pooling = [
            ("kernel_shape", Attribute::Integers(&[3, 3])),
            ("strides", Attribute::Integers(&[2, 2])),
            ("pads", Attribute::Integers(&[1, 1, 1, 1])),
        ];
        let hidden = emitter.apply("MaxPool", &[&stem], &pooling);
        let emit = |hidden, layer: &Layer| layer.emit(emitter, &hidden);
        let hidden = self.layers.iter().try_fold(hidden, emit)?;
        let mean = emitter.apply("GlobalAveragePool", &[&hidden], &[]);
        Ok(emitter.apply("Flatten", &[&mean], &[]))
    }
}

/// Convolutions, and around them what was there before.
#[derive(Debug)]
pub(super) struct Layer {
    convolutions: Vec<Conv2d>,
    shortcut: Option<Conv2d>,
    /// Whether each four places become their average before the last convolution, and before the shortcut.
    averages: bool,
}

impl Layer {
    fn load(config: &Config, plan: Plan, weights: &VarBuilder<'_>) -> Result<Self> {
        let Plan { n_in, n_out, stride } = plan;
        let changes = n_in != n_out || stride != 1;
        let averages = config.averages && stride == 2;
        let plan = if averages { Plan { stride: 1, ..plan } } else { plan };
        let kernels = match config.layer_type {
            LayerType::Basic => vec![(plan, 3), (Plan { n_in: n_out, n_out, stride: 1 }, 3)],
            LayerType::Bottleneck => {
                let narrow = n_out / 4;
                let early = config.downsample_in_bottleneck;
                let stride = plan.stride;
                let (first, second) = if early { (stride, 1) } else { (1, stride) };
                vec![
                    (Plan { n_in, n_out: narrow, stride: first }, 1),
                    (Plan { n_in: narrow, n_out: narrow, stride: second }, 3),
                    (Plan { n_in: narrow, n_out, stride: 1 }, 1),
                ]
            }
        };
        let numbered = kernels.into_iter().enumerate();
        let load = |(n, (plan, side)): (usize, (Plan, usize))| {
            convolution(plan, side, &weights.pp("layer").pp(n))
        };
        let shortcut =
            changes.then(|| convolution(plan, 1, &weights.pp("shortcut"))).transpose()?;
        let convolutions = numbered.map(load).collect::<Result<_>>()?;
        Ok(Self { convolutions, shortcut, averages })
    }

    pub(super) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let average = |hidden: Tensor| {
            if self.averages { hidden.avg_pool2d(2) } else { Ok(hidden) }
        };
        let past = match &self.shortcut {
            Some(shortcut) => shortcut.forward(&average(hidden.clone())?)?,
            None => hidden.clone(),
        };
        let mut changed = hidden.clone();
        for (n, convolution) in self.convolutions.iter().enumerate() {
            changed = if n == 0 { changed } else { changed.relu()? };
            changed = if n + 1 == self.convolutions.len() { average(changed)? } else { changed };
            changed = convolution.forward(&changed)?;
        }
        (changed + past)?.relu()
    }

    /// The same in a graph.
    pub(super) fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let average = |emitter: &mut Emitter, hidden: Edge| {
            if self.averages { emit_average(emitter, &hidden) } else { hidden }
        };
        let past = match &self.shortcut {
            Some(shortcut) => {
                let given = average(emitter, hidden.clone());
                emit_convolution(emitter, shortcut, &given)?
            }
            None => hidden.clone(),
        };
        let mut changed = hidden.clone();
        for (n, convolution) in self.convolutions.iter().enumerate() {
            changed = if n == 0 { changed } else { emitter.apply("Relu", &[&changed], &[]) };
            let is_last = n + 1 == self.convolutions.len();
            changed = if is_last { average(emitter, changed) } else { changed };
            changed = emit_convolution(emitter, convolution, &changed)?;
        }
        let sum = emitter.apply("Add", &[&changed, &past], &[]);
        Ok(emitter.apply("Relu", &[&sum], &[]))
    }
}

/// The average of each four places, in a graph.
pub(super) fn emit_average(emitter: &mut Emitter, hidden: &Edge) -> Edge {
    let pooling =
        [("kernel_shape", Attribute::Integers(&[2, 2])), ("strides", Attribute::Integers(&[2, 2]))];
    emitter.apply("AveragePool", &[hidden], &pooling)
}

pub(super) fn emit_convolution(
    emitter: &mut Emitter,
    convolution: &Conv2d,
    hidden: &Edge,
) -> Result<Edge> {
    let kernel = emitter.weights(convolution.weight())?;
    let bias = convolution.bias().map(|bias| emitter.weights(bias)).transpose()?;
    let inputs: Vec<_> = [hidden, &kernel].into_iter().chain(&bias).collect();
    let whole = |n: usize| i64::try_from(n).map_err(candle_core::Error::wrap);
    let config = convolution.config();
    let (stride, padding) = (whole(config.stride)?, whole(config.padding)?);
    let attributes = [
        ("strides", Attribute::Integers(&[stride; 2])),
        ("pads", Attribute::Integers(&[padding; 4])),
    ];
    Ok(emitter.apply("Conv", &inputs, &attributes))
}

/// A convolution whose picture keeps its size, but for the stride, and the norm after it.
pub(super) fn convolution(plan: Plan, side: usize, weights: &VarBuilder<'_>) -> Result<Conv2d> {
    /// As in every layer of `torch.nn.BatchNorm2d`.
    const EPSILON: f64 = 1e-5;
    let Plan { n_in, n_out, stride } = plan;
    let kernel = weights.get((n_out, n_in, side, side), "convolution.weight")?;
    let norm = |name| weights.pp("normalization").get(n_out, name);
    let scale = (norm("weight")? / (norm("running_var")? + EPSILON)?.sqrt()?)?;
    let bias = (norm("bias")? - (norm("running_mean")? * &scale)?)?;
    let kernel = kernel.broadcast_mul(&scale.reshape((n_out, 1, 1, 1))?)?;
    let config = Conv2dConfig { padding: side / 2, stride, ..Default::default() };
    Ok(Conv2d::new(kernel, Some(bias), config))
}
