//! Static models of model2vec: a text is the mean of a row for each of its tokens.
//!
//! Tulkens, van Dongen, *Model2Vec: Fast State-of-the-Art Static Embeddings*, 2024. The numbers are
//! those of `model2vec.StaticModel`: no special tokens, no unknown ones. What a configuration says of
//! principal components was done when the rows were made.

use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use serde::Deserialize;

use super::{
    CONFIG,
    batch::TextBatch,
    emit::{Edge, Emitter},
    encoder::{TextModel, TextTower, Towers},
};
use crate::{folder::ModelFolder, open::OpenError, pool::Pooler, tokenize::TextProcessor, weights};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let Config { max_length } = folder.json(CONFIG)?;
    let processor = TextProcessor::open_bare(folder, max_length)?;
    let weights = weights::map(folder)?;
    let table = Table::load(processor.n_tokens(), &weights)
        .map_err(|source| OpenError::weights(folder.path(), source))?;
    let dimension = table.dimension;
    let tower = TextTower { processor, model: Box::new(table), pooler: Pooler::mean() };
    Ok(Towers { dimension, text: Some(tower), image: None })
}

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    /// None, `null` in the file, where texts of any length are read.
    #[serde(default = "default_max_length")]
    max_length: Option<usize>,
}

/// Tokens of a text past this number are not read where the configuration says nothing.
#[expect(clippy::unnecessary_wraps, reason = "the file can also say that there is no such number")]
fn default_max_length() -> Option<usize> {
    Some(512)
}

/// A row for each token.
#[derive(Debug)]
struct Table {
    dimension: usize,
    /// `rows x dimension`.
    rows: Tensor,
    /// The row of each token, where several share one.
    mapping: Option<Tensor>,
    /// What each token's row is multiplied by: `tokens x 1`.
    scales: Option<Tensor>,
}

impl Table {
    fn load(n_tokens: usize, weights: &VarBuilder<'_>) -> Result<Self> {
        let rows = weights.get_unchecked("embeddings")?;
        let (n_rows, dimension) = rows.dims2()?;
        let of_tokens = |name| {
            let is_there = weights.contains_tensor(name);
            is_there.then(|| weights.get(n_tokens, name)).transpose()
        };
        // Rows are numbered in f32, as all weights are read here: exactly up to 16 million.
        let mapping = of_tokens("mapping")?.map(|rows| rows.to_dtype(DType::U32)).transpose()?;
        if mapping.is_none() && n_rows != n_tokens {
            candle_core::bail!("{n_rows} rows for {n_tokens} tokens")
        }
        let scales = of_tokens("weights")?.map(|scales| scales.unsqueeze(1)).transpose()?;
        Ok(Self { dimension, rows, mapping, scales })
    }
}

impl TextModel for Table {
    /// The scaled rows of the tokens.
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let ids = batch.ids()?;
        let shape = (ids.dim(0)?, ids.dim(1)?, self.dimension);
        let ids = ids.flatten_all()?;
        let rows = match &self.mapping {
            Some(mapping) => self.rows.index_select(&mapping.index_select(&ids, 0)?, 0)?,
            None => self.rows.index_select(&ids, 0)?,
        };
        let rows = match &self.scales {
            Some(scales) => rows.broadcast_mul(&scales.index_select(&ids, 0)?)?,
            None => rows,
        };
        rows.reshape(shape)
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let mut rows = match &self.mapping {
            Some(mapping) => self.rows.index_select(mapping, 0)?,
            None => self.rows.clone(),
        };
        if let Some(scales) = &self.scales {
            rows = rows.broadcast_mul(scales)?;
        }
        let (ids, rows) = (emitter.token_ids(), emitter.weights(&rows)?);
        Ok(emitter.rows(&rows, &ids))
    }
}
