//! The text encoder inside the binary: text works with no download at all.
//!
//! A table holds one row for each token of MiniLM's vocabulary; the embedding of a text is the mean
//! of its tokens' rows. `scripts/distil_static.py` makes the table, and
//! `docs/static-encoder.md` says how, and how good it is. Word order is lost, and with it some
//! quality: that is the price of embedding a short text in five microseconds.

mod wordpiece;

use linprobe_core::{
    BadContent, Content, EmbedError, Embedder, Embedding, Input, Modalities, ModelSpec,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use self::wordpiece::WordPiece;

/// How people ask for this encoder, and what a project remembers it by.
pub(crate) const MODEL_ID: &str = "builtin/minilm-static-256";

/// What takes the place of a `model_type`, which this encoder has none of.
pub(crate) const ARCHITECTURE: &str = "static";

/// Tokens of a text past this number are not read.
const MAX_TOKENS: usize = 512;

static WEIGHTS: &[u8] = include_bytes!("../../assets/minilm-static.safetensors");
static VOCABULARY: &str = include_str!("../../assets/minilm-static.vocab.txt");

/// The part of the binary that this encoder takes.
pub(crate) fn n_bytes() -> u64 {
    (WEIGHTS.len() + VOCABULARY.len()) as u64
}

/// Embeds texts as the mean of a row for each token.
#[derive(Debug)]
pub struct StaticEncoder {
    spec: ModelSpec,
    tokenizer: WordPiece,
    table: Table,
}

impl StaticEncoder {
    /// Opens the encoder of this binary. Takes a few milliseconds: the rows stay where they are.
    ///
    /// # Errors
    /// [`BadTable`] when the binary was built from a damaged file.
    pub fn builtin() -> Result<Self, BadTable> {
        let table = Table::parse(WEIGHTS)?;
        let tokenizer = WordPiece::new(VOCABULARY);
        if tokenizer.n_tokens() != table.scales.len() {
            return Err(BadTable::Vocabulary {
                n_tokens: tokenizer.n_tokens(),
                n_rows: table.scales.len(),
            });
        }
        let spec = ModelSpec {
            id: MODEL_ID.to_owned(),
            revision: None,
            fingerprint: fingerprint(),
            dimension: table.dimension,
            modalities: Modalities { text: true, image: false },
        };
        Ok(Self { spec, tokenizer, table })
    }

    fn embed_one(&self, input: &Input) -> Result<Result<Embedding, BadContent>, EmbedError> {
        let foreign = || EmbedError::ForeignInput { model: self.spec.id.clone() };
        let Input::Tokens(tokens) = input else { return Err(foreign()) };
        if tokens.is_empty() {
            return Ok(Err(no_known_word()));
        }
        let sum = self.table.sum(tokens).ok_or_else(foreign)?;
        Ok(Embedding::normalize(sum).map_err(BadContent::from))
    }
}

impl Embedder for StaticEncoder {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    /// Splits a text into the rows of the table that stand for it. Words that the vocabulary cannot
    /// spell, such as an emoji, are left out.
    fn process(&self, content: &Content) -> Result<Input, BadContent> {
        let Content::Text(text) = content else {
            return Err(BadContent::Kind { kind: content.kind() });
        };
        let tokens = self.tokenizer.tokenize(text, MAX_TOKENS);
        if tokens.is_empty() { Err(no_known_word()) } else { Ok(Input::Tokens(tokens)) }
    }

    fn embed(&self, batch: &[Input]) -> Result<Vec<Result<Embedding, BadContent>>, EmbedError> {
        batch.iter().map(|input| self.embed_one(input)).collect()
    }
}

fn no_known_word() -> BadContent {
    BadContent::Undecodable("the text holds no word that the model knows".to_owned())
}

/// A digest of the weights and the vocabulary.
fn fingerprint() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(WEIGHTS).update(VOCABULARY.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// One row of int8 for each token, and the scale that gives the row its size.
#[derive(Debug)]
struct Table {
    rows: &'static [i8],
    scales: Vec<f32>,
    dimension: usize,
}

impl Table {
    /// Reads `embeddings` i8 [v, d] where it lies, and `scales` f32 [v].
    fn parse(file: &'static [u8]) -> Result<Self, BadTable> {
        let tensors = SafeTensors::deserialize(file)?;
        let rows = of_type(tensors.tensor("embeddings")?, Dtype::I8)?;
        let scales = of_type(tensors.tensor("scales")?, Dtype::F32)?;
        match (rows.shape(), scales.shape()) {
            (&[n_rows, dimension], &[n_scales]) if n_rows == n_scales && dimension > 0 => {
                Ok(Self {
                    rows: bytemuck::cast_slice(rows.data()),
                    scales: scales
                        .data()
                        .as_chunks()
                        .0
                        .iter()
                        .copied()
                        .map(f32::from_le_bytes)
                        .collect(),
                    dimension,
                })
            }
            _ => Err(BadTable::Shape),
        }
    }

    /// The sum of the tokens' rows, which has the direction of their mean; none when a token has
    /// no row.
    fn sum(&self, tokens: &[u32]) -> Option<Vec<f32>> {
        let mut sum = vec![0.0; self.dimension];
        for &token in tokens {
            let row_idx = usize::try_from(token).ok()?;
            let scale = *self.scales.get(row_idx)?;
            let row = self.rows.get(row_idx * self.dimension..(row_idx + 1) * self.dimension)?;
            for (sum, &value) in sum.iter_mut().zip(row) {
                *sum += scale * f32::from(value);
            }
        }
        Some(sum)
    }
}

fn of_type(tensor: TensorView<'static>, dtype: Dtype) -> Result<TensorView<'static>, BadTable> {
    if tensor.dtype() == dtype { Ok(tensor) } else { Err(BadTable::Shape) }
}

/// Why the table inside the binary cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadTable {
    /// It is not a safetensors file, or a tensor is missing.
    #[error("the built-in encoder is damaged")]
    File(#[from] safetensors::SafeTensorError),
    /// A tensor has another type or shape.
    #[error(
        "the built-in encoder is damaged: embeddings i8 [v, d] and scales f32 [v] are expected"
    )]
    Shape,
    /// Tokens and rows do not correspond.
    #[error("the built-in encoder is damaged: {n_tokens} tokens for {n_rows} rows")]
    Vocabulary {
        /// Lines of the vocabulary.
        n_tokens: usize,
        /// Rows of the table.
        n_rows: usize,
    },
}
