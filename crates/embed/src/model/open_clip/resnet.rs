//! The ResNet of CLIP: three convolutions before the first layer, averages in place of strides, and in the end
//! attention, in which the mean of all places asks and every place answers.
//!
//! Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, 2021. The numbers are
//! those of `open_clip.modified_resnet.ModifiedResNet`.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Module, VarBuilder};

use crate::{
    model::{
        attention::Projections,
        batch::ImageBatch,
        emit::{Edge, Emitter},
        encoder::ImageModel,
        head::Glance,
        kernel::linear,
        resnet::{Config, Layer, LayerType, Plan, convolution, emit_average, emit_convolution},
        timm::names::of_resnet,
    },
    weights::renamed::renamed,
};

/// Places along a side of a picture, for each that is left of them in the end.
const SHRINKS_BY: usize = 32;

/// The sizes that weights do not tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes<'a> {
    /// Channels before the first layer.
    pub(super) width: usize,
    /// Layers of each stage.
    pub(super) depths: &'a [usize],
    /// Channels of an attention head.
    pub(super) head_width: usize,
    /// Pixels along a side of a picture.
    pub(super) image_size: usize,
    pub(super) dimension: usize,
}

#[derive(Debug)]
pub(super) struct ResNet {
    stem: Vec<Conv2d>,
    layers: Vec<Layer>,
    /// For the mean and each place: `(1 + places) x channels`.
    positions: Tensor,
    glance: Glance,
}

impl ResNet {
    pub(super) fn load(sizes: Sizes<'_>, weights: VarBuilder<'static>) -> Result<Self> {
        let Sizes { width, depths, head_width, image_size, dimension } = sizes;
        let n_channels = width * SHRINKS_BY;
        let config = Config {
            embedding_size: width,
            hidden_sizes: (0..depths.len()).map(|stage| (4 * width) << stage).collect(),
            depths: depths.to_vec(),
            layer_type: LayerType::Bottleneck,
            averages: true,
            ..Config::default()
        };
        let pool = weights.pp("attnpool");
        let n_places = (image_size / SHRINKS_BY).pow(2);
        let square = |name: &str| linear(n_channels, n_channels, &pool.pp(name));
        let projections = Projections {
            query: square("q_proj")?,
            key: square("k_proj")?,
            value: square("v_proj")?,
            output: linear(n_channels, dimension, &pool.pp("c_proj"))?,
        };
        let positions = pool.get((1 + n_places, n_channels), "positional_embedding")?;
        let n_heads = n_channels.checked_div(head_width).unwrap_or(0);
        let weights = renamed(weights, of_resnet);
        Ok(Self {
            stem: stem(width, &weights.pp("embedder"))?,
            layers: config.load(&weights.pp("encoder.stages"))?,
            positions,
            glance: Glance::new(projections, n_heads)?,
        })
    }
}

/// Half of the channels, half of them again, all.
fn stem(width: usize, weights: &VarBuilder<'_>) -> Result<Vec<Conv2d>> {
    let half = width / 2;
    let plans = [(3, half, 2), (half, half, 1), (half, width, 1)];
    let load =
        |(n, (n_in, n_out, stride))| convolution(Plan { n_in, n_out, stride }, 3, &weights.pp(n));
    plans.into_iter().enumerate().map(load).collect()
}

impl ImageModel for ResNet {
    /// `pictures x channels x rows x columns`.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let convolve = |hidden: Tensor, convolution: &Conv2d| convolution.forward(&hidden)?.relu();
        let stem = self.stem.iter().try_fold(batch.pixels()?, convolve)?.avg_pool2d(2)?;
        self.layers.iter().try_fold(stem, |hidden, layer| layer.forward(&hidden))
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        let places = hidden.flatten_from(2)?.transpose(1, 2)?;
        let tokens = Tensor::cat(&[&places.mean_keepdim(1)?, &places], 1)?;
        let tokens = tokens.broadcast_add(&self.positions)?;
        let query = self.glance.query(&tokens.narrow(1, 0, 1)?.squeeze(1)?)?;
        self.glance.forward(&query, &tokens)
    }

    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let mut hidden = pixels.clone();
        for convolution in &self.stem {
            hidden = emit_convolution(emitter, convolution, &hidden)?;
            hidden = emitter.apply("Relu", &[&hidden], &[]);
        }
        let stem = emit_average(emitter, &hidden);
        let emit = |hidden, layer: &Layer| layer.emit(emitter, &hidden);
        let hidden = self.layers.iter().try_fold(stem, emit)?;
        let places = emitter.reshape(&hidden, &[0, 0, -1]);
        let places = emitter.transpose(&places, &[0, 2, 1]);
        let mean = emitter.mean(&places, 1, true);
        let tokens = emitter.concat(&[&mean, &places], 1);
        let positions = emitter.weights(&self.positions)?;
        let tokens = emitter.apply("Add", &[&tokens, &positions], &[]);
        let asking = emitter.pick(&tokens, 0, 1);
        let query = self.glance.emit_query(emitter, &asking)?;
        self.glance.emit(emitter, &query, &tokens)
    }
}
