//! The text tower of CoCa: a transformer that reads forward, behind whose tokens a class token stands for all.
//!
//! Yu et al., *CoCa: Contrastive Captioners are Image-Text Foundation Models*, 2022. The numbers are those of
//! `open_clip.transformer.TextTransformer` with `embed_cls`, which keeps tokens from looking not at padding, but at what
//! stands behind padding, and behind the token whose id padding has.

use candle_core::{Device, Result, Tensor};
use candle_nn::{Module, VarBuilder};

use crate::model::{
    attention::Context,
    batch::TextBatch,
    clip::{self, causal},
    emit::{Edge, Emitter, Surroundings},
    encoder::TextModel,
};

/// The id of what stands behind the end of a text.
const PADDING: u32 = 0;

#[derive(Debug)]
pub(super) struct Text {
    /// With a position more than a text may have tokens.
    tower: clip::Text,
    /// With its position, which is the last one: `1 x 1 x hidden`.
    class: Tensor,
}

impl Text {
    /// Reads a tower whose positions are those of a text and of the class token.
    pub(super) fn load(config: &clip::TextConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let tower = clip::Text::load(config, weights)?;
        let class = weights.pp("text_model").get(config.hidden_size, "cls_emb")?;
        let class =
            class + tower.positions.get(config.max_position_embeddings.saturating_sub(1))?;
        Ok(Self { class: class?.reshape((1, 1, ()))?, tower })
    }

    /// How many tokens a text may have.
    fn max_tokens(&self) -> Result<usize> {
        Ok(self.tower.positions.dim(0)? - 1)
    }
}

impl TextModel for Text {
    /// The class token first.
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let Self { tower, class } = self;
        // The class token sees one token of padding, where there is room for any.
        let n_tokens = self.max_tokens()?.min(batch.n_tokens() + 1);
        let ids = batch.padded_ids(n_tokens, PADDING)?;
        let positions = tower.positions.narrow(0, 0, n_tokens)?;
        let tokens = tower.tokens.forward(&ids)?.broadcast_add(&positions)?;
        let (n_texts, _, hidden_size) = tokens.dims3()?;
        let class = class.expand((n_texts, 1, hidden_size))?;
        let bias = causal(n_tokens + 1)?.broadcast_add(&behind_padding(&ids)?)?;
        let context = Context { bias: Some(&bias), rotary: None };
        let hidden = tower.layers.forward(Tensor::cat(&[tokens, class], 1)?, context)?;
        let class = hidden.narrow(1, n_tokens, 1)?;
        let tokens = hidden.narrow(1, 0, n_tokens)?;
        tower.norm.forward(&Tensor::cat(&[class, tokens], 1)?)
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let Self { tower, class } = self;
        let ids = self.emit_ids(emitter)?;
        let hidden = emitter.embedded(&ids, &tower.tokens, &tower.positions)?;
        let class = emitter.weights(class)?;
        let class = emitter.for_each(&class, &ids);
        let hidden = emitter.concat(&[&hidden, &class], 1);
        let bias = self.emit_bias(emitter, &ids)?;
        let surroundings = Surroundings { bias: Some(&bias), rotary: None };
        let hidden = tower.layers.emit(emitter, hidden, surroundings)?;
        let hidden = emitter.norm(&tower.norm, &hidden)?;
        let n_tokens = emitter.n_tokens(&ids);
        let class = emitter.rest(&hidden, -1, 1);
        let tokens = emitter.first(&hidden, &n_tokens, &[1]);
        Ok(emitter.concat(&[&class, &tokens], 1))
    }
}

impl Text {
    /// The token ids of texts and one of padding, where there is room for it.
    fn emit_ids(&self, emitter: &mut Emitter) -> Result<Edge> {
        let max_tokens = i64::try_from(self.max_tokens()?).map_err(candle_core::Error::wrap)?;
        let ids = emitter.token_ids();
        let [one, nought] = [1, PADDING.into()].map(|number| emitter.integers(&[number]));
        let padding = emitter.first(&ids, &one, &[1]);
        let padding = emitter.apply("Mul", &[&padding, &nought], &[]);
        let padded = emitter.concat(&[&ids, &padding], 1);
        let max_tokens = emitter.integers(&[max_tokens]);
        Ok(emitter.first(&padded, &max_tokens, &[1]))
    }

    /// What keeps tokens from looking, to be added to scores: `texts x 1 x (tokens + 1) x (tokens + 1)`.
    fn emit_bias(&self, emitter: &mut Emitter, ids: &Edge) -> Result<Edge> {
        let n_tokens = emitter.n_tokens(ids);
        let one = emitter.integers(&[1]);
        let n_all = emitter.apply("Add", &[&n_tokens, &one], &[]);
        let later = emitter.weights(&causal(self.max_tokens()? + 1)?)?;
        let later = emitter.first(&later, &n_all, &[0, 1]);
        let padding = emitter.integers(&[PADDING.into()]);
        let is_padding = emitter.apply("Equal", &[ids, &padding], &[]);
        let is_token = emitter.apply("Not", &[&is_padding], &[]);
        let behind = emitter.mark(&is_token, f32::MIN);
        let first = emitter.first(&behind, &one, &[1]);
        let first = emitter.scaled(&first, 0.0);
        let behind = emitter.concat(&[&first, &behind], 1);
        let behind = emitter.unsqueeze(&behind, &[1, 2]);
        Ok(emitter.apply("Add", &[&later, &behind], &[]))
    }
}

/// Minus infinity for what stands behind padding, or behind the token whose id padding has, of texts with a class token
/// at their end: `texts x 1 x 1 x (tokens + 1)`.
fn behind_padding(ids: &Tensor) -> Result<Tensor> {
    let (n_texts, n_tokens) = ids.dims2()?;
    let behind = |id: u32| if id == PADDING { f32::NEG_INFINITY } else { 0.0 };
    let row = |ids: Vec<u32>| std::iter::once(0.0).chain(ids.into_iter().map(behind));
    let bias: Vec<f32> = ids.to_vec2()?.into_iter().flat_map(row).collect();
    Tensor::from_vec(bias, (n_texts, 1, 1, n_tokens + 1), &Device::Cpu)
}
