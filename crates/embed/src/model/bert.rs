//! BERT, on which MiniLM, BGE, E5 and GTE are built, and those who differ from it by their positions
//! or their names alone: RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT.
//!
//! Devlin et al., *BERT: Pre-training of Deep Bidirectional Transformers for Language
//! Understanding*, 2018; Liu et al., *RoBERTa: A Robustly Optimized BERT Pretraining Approach*,
//! 2019; Sanh et al., *DistilBERT, a distilled version of BERT*, 2019. The numbers are those of
//! `BertModel`, `RobertaModel`, `XLMRobertaModel` and `DistilBertModel` in Hugging Face transformers.

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use serde::Deserialize;

use super::{
    CONFIG,
    activation::Activation,
    attention::Context,
    batch::TextBatch,
    emit::{Edge, Emitter, Surroundings},
    encoder::{TextModel, Towers},
    kernel::{LayerNorm, layer_norm},
    layer::{Names, Order, Shape, Stack},
    sentence,
};
use crate::{folder::ModelFolder, open::OpenError, weights};

/// Reads a model that counts its positions from nought.
pub(super) fn bert(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    open(folder, config, &BERT)
}

/// Reads a model that counts its positions from past its padding token on.
pub(super) fn roberta(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    open(folder, config, &ROBERTA)
}

/// Reads a model that has no token types, and half of the layers.
pub(super) fn distilbert(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: DistilConfig = folder.json(CONFIG)?;
    open(folder, config.into(), &DISTILBERT)
}

fn open(
    folder: &mut ModelFolder,
    config: Config,
    family: &Family,
) -> std::result::Result<Towers, OpenError> {
    config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let mut config = config;
    config.pad_token_id = config.pad_token_id.filter(|_| family.positions_past_padding);
    let sizes = sentence::Sizes { hidden: config.hidden_size, positions: config.n_positions() };
    sentence::open(folder, sizes, |weights| Bert::load(&config, family, &weights))
}

/// What its relatives do otherwise than BERT.
struct Family {
    /// Under what the weights of a model with a head stand.
    prefix: &'static str,
    layers: &'static str,
    names: Names,
    positions_past_padding: bool,
}

const BERT: Family = Family {
    prefix: "bert",
    layers: "encoder.layer",
    names: Names {
        query: "attention.self.query",
        key: "attention.self.key",
        value: "attention.self.value",
        output: "attention.output.dense",
        attention_norm: "attention.output.LayerNorm",
        inner: "intermediate.dense",
        outer: "output.dense",
        norm: "output.LayerNorm",
    },
    positions_past_padding: false,
};

const ROBERTA: Family = Family { prefix: "roberta", positions_past_padding: true, ..BERT };

const DISTILBERT: Family = Family {
    prefix: "distilbert",
    layers: "transformer.layer",
    names: Names {
        query: "attention.q_lin",
        key: "attention.k_lin",
        value: "attention.v_lin",
        output: "attention.out_lin",
        attention_norm: "sa_layer_norm",
        inner: "ffn.lin1",
        outer: "ffn.lin2",
        norm: "output_layer_norm",
    },
    positions_past_padding: false,
};

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
    /// None where there are no token types.
    type_vocab_size: Option<usize>,
    layer_norm_eps: f64,
    position_embedding_type: Option<String>,
    /// Kept where positions are counted past it.
    pad_token_id: Option<u32>,
}

impl Config {
    /// Tells positions by embeddings of their own, as nearly all do, or gives the other way's name.
    fn check(&self) -> std::result::Result<(), String> {
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => Ok(()),
            Some(other) => Err(format!("position embeddings of type {other:?} are not supported")),
        }
    }

    /// The number of tokens for which there are positions.
    fn n_positions(&self) -> usize {
        let n_unused = self.pad_token_id.map_or(0, |padding| padding as usize + 1);
        self.max_position_embeddings.saturating_sub(n_unused)
    }

    fn shape(&self) -> Shape {
        Shape {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            epsilon: self.layer_norm_eps,
            order: Order::Last,
        }
    }
}

/// `config.json` of DistilBERT, which has names of its own.
#[derive(Debug, Deserialize)]
struct DistilConfig {
    vocab_size: usize,
    dim: usize,
    n_layers: usize,
    n_heads: usize,
    hidden_dim: usize,
    activation: Activation,
    max_position_embeddings: usize,
}

impl From<DistilConfig> for Config {
    fn from(config: DistilConfig) -> Self {
        Self {
            vocab_size: config.vocab_size,
            hidden_size: config.dim,
            num_hidden_layers: config.n_layers,
            num_attention_heads: config.n_heads,
            intermediate_size: config.hidden_dim,
            hidden_act: config.activation,
            max_position_embeddings: config.max_position_embeddings,
            type_vocab_size: None,
            layer_norm_eps: 1e-12,
            position_embedding_type: None,
            pad_token_id: None,
        }
    }
}

#[derive(Debug)]
struct Bert {
    words: Embedding,
    /// For every position, its embedding plus that of the one token type.
    positions: Embedding,
    /// The id of the padding token, where positions are counted past it.
    padding: Option<u32>,
    norm: LayerNorm,
    layers: Stack,
}

impl Bert {
    fn load(config: &Config, family: &Family, weights: &VarBuilder<'_>) -> Result<Self> {
        let weights = weights::inside(weights, family.prefix, "embeddings.word_embeddings.weight");
        let embeddings = weights.pp("embeddings");
        let size = config.hidden_size;
        let table = |name: &str, n_rows| embedding(n_rows, size, embeddings.pp(name));
        let mut positions =
            table("position_embeddings", config.max_position_embeddings)?.embeddings().clone();
        if let Some(n_types) = config.type_vocab_size {
            let types = table("token_type_embeddings", n_types)?;
            positions = positions.broadcast_add(&types.embeddings().get(0)?)?;
        }
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            positions: Embedding::new(positions, size),
            padding: config.pad_token_id,
            norm: layer_norm(size, config.layer_norm_eps, embeddings.pp("LayerNorm"))?,
            layers: Stack::load(&config.shape(), &family.names, &weights.pp(family.layers))?,
        })
    }

    fn emit_positions(&self, emitter: &mut Emitter, ids: &Edge) -> Result<Edge> {
        let positions = emitter.weights(self.positions.embeddings())?;
        if let Some(padding) = self.padding {
            let past = emitter.positions_past(ids, padding);
            return Ok(emitter.rows(&positions, &past));
        }
        let n_tokens = emitter.n_tokens(ids);
        Ok(emitter.first(&positions, &n_tokens, &[0]))
    }

    /// The embeddings of positions, to be added to those of words.
    fn positions(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        match self.padding {
            Some(padding) => self.positions.forward(&batch.positions_past(padding)?),
            None => self.positions.embeddings().narrow(0, 0, batch.n_tokens()),
        }
    }
}

impl TextModel for Bert {
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let words = self.words.forward(&batch.ids()?)?;
        let hidden = self.norm.forward(&words.broadcast_add(&self.positions(batch)?)?)?;
        self.layers.forward(hidden, Context { bias: batch.bias()?.as_ref(), rotary: None })
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let ids = emitter.token_ids();
        let words = emitter.weights(self.words.embeddings())?;
        let words = emitter.rows(&words, &ids);
        let positions = self.emit_positions(emitter, &ids)?;
        let sum = emitter.apply("Add", &[&words, &positions], &[]);
        let (hidden, padding) = (emitter.norm(&self.norm, &sum)?, emitter.padding());
        self.layers.emit(emitter, hidden, Surroundings { bias: Some(&padding), rotary: None })
    }
}
