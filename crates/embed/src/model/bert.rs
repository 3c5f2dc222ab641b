//! BERT, and the sentence encoders built on it: MiniLM, BGE, E5, GTE.
//!
//! Devlin et al., *BERT: Pre-training of Deep Bidirectional Transformers for Language
//! Understanding*, 2018. The numbers are those of `BertModel` in Hugging Face transformers.

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm, linear};
use linprobe_core::{BadContent, Content, EmbedError, Embedder, Input, Modalities, ModelSpec};
use serde::Deserialize;

use super::{
    Answers, CONFIG, Name,
    activation::Activation,
    attention::{Attention, AttentionWeights},
    batch::{Placed, TextBatch, in_order},
    embed_texts, engine_error,
};
use crate::{folder::ModelFolder, open::OpenError, pool::Pooler, tokenize::TextProcessor, weights};

/// A sentence encoder: tokenizer, BERT, pooling.
#[derive(Debug)]
pub(crate) struct SentenceEncoder {
    spec: ModelSpec,
    processor: TextProcessor,
    bert: Bert,
    pooler: Pooler,
}

impl SentenceEncoder {
    /// Reads it from its folder.
    pub(crate) fn open(
        mut folder: ModelFolder,
        name: Name,
    ) -> std::result::Result<Self, OpenError> {
        let config: Config = folder.json(CONFIG)?;
        config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
        let processor = TextProcessor::open(&mut folder, config.max_position_embeddings)?;
        let pooler = Pooler::open(&mut folder)?;
        let weights = weights::map(&mut folder)?;
        let bert = Bert::load(&config, weights)
            .map_err(|source| OpenError::weights(folder.path(), source))?;
        let dimension = pooler.dimension(config.hidden_size);
        let modalities = Modalities { text: true, image: false };
        let spec = name.spec(folder.fingerprint(), dimension, modalities);
        Ok(Self { spec, processor, bert, pooler })
    }

    fn forward(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        self.pooler.forward(&self.bert.forward(batch)?, batch)
    }
}

impl Embedder for SentenceEncoder {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    fn process(&self, content: &Content) -> std::result::Result<Input, BadContent> {
        match content {
            Content::Text(text) => self.processor.process(text),
            _ => Err(BadContent::Kind { kind: content.kind() }),
        }
    }

    fn embed(&self, batch: &[Input]) -> std::result::Result<Answers, EmbedError> {
        let texts = batch.iter().enumerate().map(|(idx, input)| match input {
            Input::Tokens(tokens) => Ok(Placed { idx, value: tokens.as_slice() }),
            _ => Err(EmbedError::ForeignInput { model: self.spec.id.clone() }),
        });
        let embedded =
            embed_texts(texts.collect::<std::result::Result<_, _>>()?, |batch| self.forward(batch));
        Ok(in_order(embedded.map_err(|source| engine_error(&self.spec, source))?))
    }
}

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: Activation,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    position_embedding_type: Option<String>,
}

impl Config {
    /// Tells positions by embeddings of their own, as nearly all do, or gives the other way's name.
    fn check(&self) -> std::result::Result<(), String> {
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => Ok(()),
            Some(other) => Err(format!("position embeddings of type {other:?} are not supported")),
        }
    }
}

#[derive(Debug)]
struct Bert {
    words: Embedding,
    /// For every position, its embedding plus that of the one token type.
    positions: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl Bert {
    fn load(config: &Config, weights: VarBuilder<'_>) -> Result<Self> {
        let inner = weights.pp("bert");
        let is_inner = inner.contains_tensor("embeddings.word_embeddings.weight");
        let weights = if is_inner { inner } else { weights };
        let embeddings = weights.pp("embeddings");
        let size = config.hidden_size;
        let table = |name: &str, n_rows| embedding(n_rows, size, embeddings.pp(name));
        let words = table("word_embeddings", config.vocab_size)?;
        let positions = table("position_embeddings", config.max_position_embeddings)?;
        let types = table("token_type_embeddings", config.type_vocab_size)?;
        let layer = |n| Layer::load(config, &weights.pp("encoder.layer").pp(n));
        Ok(Self {
            words,
            positions: positions.embeddings().broadcast_add(&types.embeddings().get(0)?)?,
            norm: layer_norm(size, config.layer_norm_eps, embeddings.pp("LayerNorm"))?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        })
    }

    /// The last hidden states: `texts x tokens x hidden`.
    fn forward(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let words = self.words.forward(&batch.ids()?)?;
        let positions = self.positions.narrow(0, 0, batch.n_tokens())?;
        let hidden = self.norm.forward(&words.broadcast_add(&positions)?)?;
        let padding = batch.padding()?.map(|p| p.unsqueeze(1)?.unsqueeze(1)).transpose()?;
        self.layers
            .iter()
            .try_fold(hidden, |hidden, layer| layer.forward(&hidden, padding.as_ref()))
    }
}

#[derive(Debug)]
struct Layer {
    attention: Attention,
    attention_norm: LayerNorm,
    inner: Linear,
    activation: Activation,
    outer: Linear,
    norm: LayerNorm,
}

impl Layer {
    fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let size = config.hidden_size;
        let attention = weights.pp("attention");
        let attention_weights = AttentionWeights {
            query: attention.pp("self.query"),
            key: attention.pp("self.key"),
            value: attention.pp("self.value"),
            output: attention.pp("output.dense"),
        };
        let norm = |weights: VarBuilder<'_>| {
            layer_norm(size, config.layer_norm_eps, weights.pp("LayerNorm"))
        };
        Ok(Self {
            attention: Attention::load(attention_weights, size, config.num_attention_heads)?,
            attention_norm: norm(attention.pp("output"))?,
            inner: linear(size, config.intermediate_size, weights.pp("intermediate.dense"))?,
            activation: config.hidden_act,
            outer: linear(config.intermediate_size, size, weights.pp("output.dense"))?,
            norm: norm(weights.pp("output"))?,
        })
    }

    fn forward(&self, hidden: &Tensor, padding: Option<&Tensor>) -> Result<Tensor> {
        let attended = self.attention.forward(hidden, padding)?;
        let hidden = self.attention_norm.forward(&(attended + hidden)?)?;
        let inner = self.activation.forward(&self.inner.forward(&hidden)?)?;
        self.norm.forward(&(self.outer.forward(&inner)? + &hidden)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::{Golden, fixture, texts};

    #[test]
    fn hidden_states_are_those_of_transformers() {
        for model in ["bert-mean", "bert-cls-dense"] {
            let (folder, golden) = (fixture(model), Golden::read(model));
            let name = Name { id: model.to_owned(), revision: None };
            let encoder = SentenceEncoder::open(folder, name).unwrap();
            let inputs = texts().map(|text| encoder.process(&text).unwrap());
            let inputs: Vec<_> = inputs.collect();
            for (idx, hidden) in Golden::hidden(&inputs, |batch| encoder.bert.forward(batch)) {
                golden.assert_close(&format!("hidden.{idx}"), &hidden, 1e-4);
            }
        }
    }
}
