//! Convolutions that look at each channel by itself.

#![expect(clippy::inline_always, reason = "else they keep the instructions of an old processor")]

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use pulp::Arch;

use super::{
    linear::contiguous,
    simd::{add_product, fuses},
};

/// Channels whose sums stay in registers while a place is looked at.
const N_ABREAST: usize = 32;

/// A convolution of one channel each, which keeps the size of pictures: beyond their edges there is nothing.
#[derive(Debug)]
pub(crate) struct Depthwise {
    /// `side x side x channels`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    side: usize,
}

impl Depthwise {
    /// Reads one, whose `weight` is of `channels x 1 x side x side`.
    pub(crate) fn load(n_channels: usize, weights: &VarBuilder<'_>) -> Result<Self> {
        let (_, _, side, _) = weights.get_unchecked("weight")?.dims4()?;
        let kernel = weights.get((n_channels, 1, side, side), "weight")?.squeeze(1)?;
        let bias = weights.get(n_channels, "bias")?.to_vec1()?;
        Ok(Self { weights: kernel.permute((1, 2, 0))?.flatten_all()?.to_vec1()?, bias, side })
    }

    /// Values of `pictures x rows x columns x channels`.
    pub(crate) fn forward(&self, values: &Tensor) -> Result<Tensor> {
        values.contiguous()?.apply_op1_no_bwd(self)
    }

    /// The weights, `channels x 1 x side x side`, and the bias.
    pub(crate) fn tensors(&self) -> Result<[Tensor; 2]> {
        let shape = (self.side, self.side, self.bias.len());
        let weights = Tensor::from_slice(&self.weights, shape, &Device::Cpu)?;
        let weights = weights.permute((2, 0, 1))?.contiguous()?.unsqueeze(1)?;
        Ok([weights, Tensor::from_slice(&self.bias, self.bias.len(), &Device::Cpu)?])
    }
}

impl CustomOp1 for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise convolution"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, height, width, n_channels) = layout.shape().dims4()?;
        if n_channels != self.bias.len() {
            candle_core::bail!(
                "a convolution of {} channels is given {n_channels}",
                self.bias.len()
            )
        }
        let values = contiguous(storage, layout)?;
        let mut sums = vec![0.0; values.len()];
        let picture_len = (height * width * n_channels).max(1);
        let pictures = values.chunks_exact(picture_len).zip(sums.chunks_exact_mut(picture_len));
        for (values, sums) in pictures {
            let picture = Picture { values, height, width };
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    if fuses() {
                        self.convolve::<true>(&picture, sums);
                    } else {
                        self.convolve::<false>(&picture, sums);
                    }
                },
            );
        }
        Ok((CpuStorage::F32(sums), layout.shape().clone()))
    }
}

/// Values of `rows x columns x channels`.
struct Picture<'a> {
    values: &'a [f32],
    height: usize,
    width: usize,
}

/// What is seen along an axis: so many places from one of the picture on, with as many weights from one of the kernel on.
#[derive(Clone, Copy)]
struct Span {
    place: usize,
    weight: usize,
    len: usize,
}

impl Depthwise {
    #[inline(always)]
    fn convolve<const FUSED: bool>(&self, picture: &Picture<'_>, sums: &mut [f32]) {
        for (place, sums) in sums.chunks_exact_mut(self.bias.len()).enumerate() {
            let rows = self.span(place / picture.width, picture.height);
            let columns = self.span(place % picture.width, picture.width);
            let (blocks, rest) = sums.as_chunks_mut::<N_ABREAST>();
            let n_abreast = N_ABREAST * blocks.len();
            for (n, sums) in blocks.iter_mut().enumerate() {
                *sums = self.look::<FUSED, _>(picture, [rows, columns], n * N_ABREAST);
            }
            for (n, sum) in rest.iter_mut().enumerate() {
                [*sum] = self.look::<FUSED, 1>(picture, [rows, columns], n_abreast + n);
            }
        }
    }

    /// What is seen from a place of an axis of some length.
    #[inline(always)]
    fn span(&self, at: usize, len: usize) -> Span {
        let before = self.side / 2;
        let (place, weight) = (at.saturating_sub(before), before.saturating_sub(at));
        Span { place, weight, len: (len - place).min(self.side - weight) }
    }

    /// Sums of some channels from one on.
    #[inline(always)]
    fn look<const FUSED: bool, const N: usize>(
        &self,
        picture: &Picture<'_>,
        [rows, columns]: [Span; 2],
        channel: usize,
    ) -> [f32; N] {
        let mut sums = [0.0; N];
        sums.copy_from_slice(&self.bias[channel..][..N]);
        for row in 0..rows.len {
            let place = (rows.place + row) * picture.width + columns.place;
            let weight = (rows.weight + row) * self.side + columns.weight;
            for column in 0..columns.len {
                let from = |at: usize| (at + column) * self.bias.len() + channel;
                let values = &picture.values[from(place)..][..N];
                let weights = &self.weights[from(weight)..][..N];
                for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
                    *sum = add_product::<FUSED>(*value, *weight, *sum);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Module};
    use candle_nn::{Conv2d, Conv2dConfig};

    use super::*;

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    fn convolution(weights: &Tensor, bias: &Tensor) -> Depthwise {
        let tensors = [("weight", weights), ("bias", bias)];
        let named = tensors.map(|(name, tensor)| (name.to_owned(), tensor.clone()));
        let weights = VarBuilder::from_tensors(named.into(), DType::F32, &Device::Cpu);
        Depthwise::load(bias.dim(0).unwrap(), &weights).unwrap()
    }

    #[test]
    fn a_convolution_gives_what_that_of_candle_gives() {
        for (n_channels, side, [height, width]) in
            [(1, 7, [9, 8]), (32, 7, [2, 11]), (37, 3, [5, 1]), (96, 7, [7, 7]), (5, 1, [3, 4])]
        {
            let (weights, bias) = (random(&[n_channels, 1, side, side]), random(&[n_channels]));
            let found = convolution(&weights, &bias);
            let values = random(&[2, n_channels, height, width]);
            let config =
                Conv2dConfig { padding: side / 2, groups: n_channels, ..Conv2dConfig::default() };
            let expected = Conv2d::new(weights, Some(bias), config).forward(&values).unwrap();
            let found = found.forward(&values.permute((0, 2, 3, 1)).unwrap()).unwrap();
            let difference = (found.permute((0, 3, 1, 2)).unwrap() - expected).unwrap();
            let difference = difference.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(difference.to_scalar::<f32>().unwrap() < 1e-4, "{n_channels} {side}");
        }
    }

    #[test]
    fn values_of_other_channels_are_an_error() {
        let convolution = convolution(&random(&[4, 1, 3, 3]), &random(&[4]));
        assert!(convolution.forward(&random(&[1, 2, 2, 3])).is_err());
    }
}
