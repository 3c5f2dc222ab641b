//! A sentence encoder: a tokenizer, a transformer over texts, and what makes one vector of its
//! hidden states.

use candle_core::Result;
use candle_nn::VarBuilder;

use super::encoder::{TextModel, TextTower, Towers};
use crate::{folder::ModelFolder, open::OpenError, pool::Pooler, tokenize::TextProcessor, weights};

/// What stands around a transformer has to know of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Coordinates of a hidden state.
    pub(super) hidden: usize,
    /// Tokens that it can read at most.
    pub(super) positions: usize,
}

/// Reads a sentence encoder, its transformer as the architecture says.
pub(super) fn open<M: TextModel + 'static>(
    folder: &mut ModelFolder,
    sizes: Sizes,
    load: impl FnOnce(VarBuilder<'static>) -> Result<M>,
) -> std::result::Result<Towers, OpenError> {
    let processor = TextProcessor::open(folder, sizes.positions)?;
    let pooler = Pooler::open(folder)?;
    let weights = weights::map(folder)?;
    let model = load(weights).map_err(|source| OpenError::weights(folder.path(), source))?;
    let dimension = pooler.dimension(sizes.hidden);
    let tower = TextTower { processor, model: Box::new(model), pooler };
    Ok(Towers { dimension, text: Some(tower), image: None })
}
