//! Weights that stand under other names, or packed otherwise, than those by which they are asked for.
//!
//! What is packed is taken apart as a tensor is read, so that nothing is held twice.

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};

/// Where a tensor is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) part: Part,
}

/// What of a tensor is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    /// Queries, keys or values, which are laid end to end.
    Third(usize),
    Transposed,
}

impl Source {
    /// Changes parts of a name, one after the other; queries, keys and values are parts of one tensor
    /// that the last argument names.
    pub(crate) fn renamed(name: &str, parts: &[(&str, &str)], packed: &str) -> Self {
        const THIRDS: [&str; 3] = ["{query}", "{key}", "{value}"];
        let mut name = name.to_owned();
        for (from, to) in parts {
            name = name.replace(from, to);
        }
        match THIRDS.iter().position(|third| name.contains(third)) {
            Some(n) => Self { name: name.replace(THIRDS[n], packed), part: Part::Third(n) },
            None => Self { name, part: Part::All },
        }
    }
}

/// The same weights, to be asked for by other names.
pub(crate) fn renamed(
    weights: VarBuilder<'static>,
    source: impl Fn(&str) -> Source + Send + Sync + 'static,
) -> VarBuilder<'static> {
    let (dtype, device) = (weights.dtype(), weights.device().clone());
    VarBuilder::from_backend(Box::new(Renamed { weights, source }), dtype, device)
}

struct Renamed<F> {
    weights: VarBuilder<'static>,
    source: F,
}

impl<F: Fn(&str) -> Source + Send + Sync> SimpleBackend for Renamed<F> {
    fn get(&self, s: Shape, name: &str, _: Init, dtype: DType, _: &Device) -> Result<Tensor> {
        let Source { name, part } = (self.source)(name);
        let mut dims = s.into_dims();
        match part {
            Part::All => {}
            Part::Third(_) => dims[0] *= 3,
            Part::Transposed => dims.reverse(),
        }
        let tensor = self.weights.get_with_hints_dtype(dims, &name, Init::default(), dtype)?;
        match part {
            Part::All => Ok(tensor),
            Part::Third(n) => tensor.chunk(3, 0)?[n].contiguous(),
            Part::Transposed => tensor.t()?.contiguous(),
        }
    }

    fn get_unchecked(&self, name: &str, dtype: DType, _: &Device) -> Result<Tensor> {
        match (self.source)(name) {
            Source { name, part: Part::All } => self.weights.get_unchecked_dtype(&name, dtype),
            Source { name, .. } => candle_core::bail!("{name} is read in parts"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.weights.contains_tensor(&(self.source)(name).name)
    }
}
