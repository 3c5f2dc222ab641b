//! The norm between layers.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use candle_nn::{LayerNormConfig, Module, VarBuilder};

use super::{
    linear::{contiguous, on_cpu},
    simd,
};

/// A layer norm (Ba et al., *Layer Normalization*, 2016), or one by the root of the mean square. The weights are read as
/// candle reads them.
#[derive(Clone, Debug)]
pub(crate) struct LayerNorm(pub(crate) candle_nn::LayerNorm);

/// Reads a norm with a bias, unless the configuration says otherwise.
pub(crate) fn layer_norm(
    size: usize,
    config: impl Into<LayerNormConfig>,
    weights: VarBuilder<'_>,
) -> Result<LayerNorm> {
    candle_nn::layer_norm(size, config, weights).map(LayerNorm)
}

impl Module for LayerNorm {
    /// Values `.. x size`.
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        xs.contiguous()?.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for LayerNorm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Self(norm) = self;
        let (weight, weight_layout) = norm.weight().storage_and_layout();
        let weight = contiguous(on_cpu(&weight)?, weight_layout)?;
        if layout.dims().last() != Some(&weight.len()) {
            candle_core::bail!("a norm of {} values is given {:?}", weight.len(), layout.dims())
        }
        let mut values = contiguous(storage, layout)?.to_vec();
        #[expect(clippy::cast_possible_truncation, reason = "the norm computes in this precision")]
        let epsilon = norm.eps() as f32;
        simd::normalize(&mut values, weight, epsilon, norm.remove_mean());
        if let Some(bias) = norm.bias() {
            let (bias, bias_layout) = bias.storage_and_layout();
            simd::add_to_rows(&mut values, contiguous(on_cpu(&bias)?, bias_layout)?);
        }
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_norm_gives_what_that_of_candle_gives() {
        let random = |shape: &[usize]| Tensor::randn(3_f32, 2.0, shape, &Device::Cpu).unwrap();
        for size in [1, 15, 16, 37, 384] {
            let (weight, bias) = (random(&[size]), random(&[size]));
            let norms = [
                candle_nn::LayerNorm::new(weight.clone(), bias, 1e-5),
                candle_nn::LayerNorm::new_no_bias(weight.clone(), 1e-5),
                candle_nn::LayerNorm::rms_norm(weight, 1e-5),
            ];
            let values = random(&[2, 3, size]);
            for norm in norms {
                let expected = norm.forward(&values).unwrap();
                let found = LayerNorm(norm).forward(&values).unwrap();
                let difference = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap();
                assert!(difference.max(0).unwrap().to_scalar::<f32>().unwrap() < 1e-4, "{size}");
            }
        }
    }

    #[test]
    fn values_of_another_size_are_an_error() {
        let weight = Tensor::ones(7, candle_core::DType::F32, &Device::Cpu).unwrap();
        let norm = LayerNorm(candle_nn::LayerNorm::new_no_bias(weight, 1e-5));
        let values = Tensor::zeros((2, 6), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(norm.forward(&values).is_err());
    }
}
