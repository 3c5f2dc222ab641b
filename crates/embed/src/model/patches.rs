//! Pictures as sequences: square patches, projected, each with its position, and before them the
//! tokens that stand for the whole picture.

use candle_core::{Device, Result, Tensor};
use candle_nn::{Module, VarBuilder};
use linprobe_tensors::onnx::Attribute;

use super::{
    batch::ImageBatch,
    emit::{Edge, Emitter},
    kernel::{Linear, Precision},
};
use crate::image::Size;

/// From pictures to the hidden states with which a transformer begins.
#[derive(Debug)]
pub(super) struct PatchTokens {
    pub(super) patches: Patches,
    /// Added to the patches: `patches x hidden`.
    pub(super) positions: Option<Tensor>,
    /// Tokens before the patches: `1 x tokens x hidden`.
    pub(super) before: Option<Tensor>,
}

impl PatchTokens {
    /// `pictures x (tokens + patches) x hidden`.
    pub(super) fn forward(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let patches = self.patches.forward(batch)?;
        let patches = match &self.positions {
            Some(positions) => patches.broadcast_add(positions)?,
            None => patches,
        };
        let Some(before) = &self.before else { return Ok(patches) };
        let (_, n_before, hidden_size) = before.dims3()?;
        let before = before.expand((patches.dim(0)?, n_before, hidden_size))?;
        Tensor::cat(&[before, patches], 1)
    }

    /// The same in a graph, of pixels `pictures x 3 x height x width`.
    pub(super) fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let mut patches = self.patches.emit(emitter, pixels)?;
        if let Some(positions) = &self.positions {
            let positions = emitter.weights(positions)?;
            patches = emitter.apply("Add", &[&patches, &positions], &[]);
        }
        let Some(before) = &self.before else { return Ok(patches) };
        let before = emitter.weights(before)?;
        let before = emitter.for_each(&before, pixels);
        Ok(emitter.concat(&[&before, &patches], 1))
    }
}

/// Cuts a picture into square patches and projects each: a convolution whose stride is its kernel,
/// done as one matrix product.
#[derive(Debug)]
pub(super) struct Patches {
    projection: Linear,
    /// Pixels along a side of a patch.
    side: usize,
}

impl Patches {
    /// Loads the kernel `hidden x 3 x side x side`, and its bias where there is one.
    pub(super) fn load(weights: &VarBuilder<'_>, hidden_size: usize, side: usize) -> Result<Self> {
        if side == 0 {
            candle_core::bail!("patches of no pixels")
        }
        let kernel = weights.get((hidden_size, 3, side, side), "weight")?;
        let has_bias = weights.contains_tensor("bias");
        let bias = has_bias.then(|| weights.get(hidden_size, "bias")).transpose()?;
        let precision = Precision::of(weights);
        Ok(Self { projection: Linear::new(&kernel.flatten_from(1)?, bias, precision)?, side })
    }

    /// Patches down and across a picture of that size.
    pub(super) fn grid(&self, picture: Size) -> Size {
        Size { height: picture.height / self.side, width: picture.width / self.side }
    }

    /// `pictures x patches x hidden`. What is left over at the right and the bottom is not seen.
    fn forward(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let grid = self.grid(batch.size);
        let mut values = Vec::new();
        for image in batch.images() {
            self.push_patches(image.value, batch.size, &mut values);
        }
        let shape = (batch.images().len(), grid.height * grid.width, 3 * self.side * self.side);
        self.projection.forward(&Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    /// The same in a graph: the convolution itself.
    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let kernel = self.projection.weight()?;
        let n_outputs = kernel.dim(0)?;
        let kernel = emitter.weights(&kernel.reshape((n_outputs, 3, self.side, self.side))?)?;
        let bias = self.projection.bias.as_ref().map(|bias| emitter.weights(bias)).transpose()?;
        let inputs: Vec<_> = [pixels, &kernel].into_iter().chain(&bias).collect();
        let side = i64::try_from(self.side).map_err(candle_core::Error::wrap)?;
        let patches =
            emitter.apply("Conv", &inputs, &[("strides", Attribute::Integers(&[side, side]))]);
        let patches = emitter.reshape(&patches, &[0, 0, -1]);
        Ok(emitter.transpose(&patches, &[0, 2, 1]))
    }

    fn push_patches(&self, image: &[f32], size: Size, values: &mut Vec<f32>) {
        let grid = self.grid(size);
        for top in (0..grid.height).map(|patch| patch * self.side) {
            for left in (0..grid.width).map(|patch| patch * self.side) {
                for channel in image.chunks_exact(size.height * size.width) {
                    let rows = channel.chunks_exact(size.width).skip(top).take(self.side);
                    rows.for_each(|row| values.extend(&row[left..left + self.side]));
                }
            }
        }
    }
}
