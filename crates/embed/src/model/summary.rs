//! Which of a picture's last hidden states, or what of all of them, stands for the whole.

use candle_core::{Result, Tensor};

use super::{
    emit::{Edge, Emitter},
    head::Head,
    kernel::LayerNorm,
};

/// One vector of many.
#[derive(Debug)]
pub(super) enum Summary {
    /// The class token, which is the first.
    Class,
    /// The mean of the patches, which stand behind so many other tokens.
    Mean { n_before: usize },
    /// What a query of its own sees.
    Head(Box<Head>),
}

impl Summary {
    /// Normalized hidden states `pictures x tokens x hidden` to vectors `pictures x hidden`.
    pub(super) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        match self {
            Self::Class => hidden.narrow(1, 0, 1)?.squeeze(1),
            Self::Mean { n_before } => {
                hidden.narrow(1, *n_before, hidden.dim(1)? - n_before)?.mean(1)
            }
            Self::Head(head) => head.forward(hidden),
        }
    }

    /// The same in a graph, of hidden states that are to be normalized.
    pub(super) fn emit(
        &self,
        emitter: &mut Emitter,
        norm: &LayerNorm,
        hidden: &Edge,
    ) -> Result<Edge> {
        match self {
            Self::Class => {
                let class = emitter.pick(hidden, 0, 1);
                emitter.norm(norm, &class)
            }
            Self::Mean { n_before } => {
                let hidden = emitter.norm(norm, hidden)?;
                let from = i64::try_from(*n_before).map_err(candle_core::Error::wrap)?;
                let patches = emitter.rest(&hidden, from, 1);
                Ok(emitter.mean(&patches, 1, false))
            }
            Self::Head(head) => {
                let hidden = emitter.norm(norm, hidden)?;
                head.emit(emitter, &hidden)
            }
        }
    }
}
