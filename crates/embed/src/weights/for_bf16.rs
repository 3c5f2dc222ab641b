//! Weights for a model whose linear layers multiply in bfloat16.
//!
//! They say that they are in bfloat16, by which a layer knows, and are given out in single precision: norms and
//! positions stay in it, and a layer rounds its weights itself, once it has made of them what it needs.

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};

pub(super) fn for_bf16(weights: VarBuilder<'static>) -> VarBuilder<'static> {
    let device = weights.device().clone();
    VarBuilder::from_backend(Box::new(Single(weights)), DType::BF16, device)
}

struct Single(VarBuilder<'static>);

impl SimpleBackend for Single {
    fn get(&self, s: Shape, name: &str, h: Init, _: DType, _: &Device) -> Result<Tensor> {
        self.0.get_with_hints_dtype(s, name, h, DType::F32)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        self.0.get_unchecked_dtype(name, DType::F32)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.contains_tensor(name)
    }
}
