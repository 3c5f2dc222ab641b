//! A pretrained model with all that stands before it: one tower for texts, one for pictures, or both.
//!
//! An architecture says how its towers compute; what becomes of contents on their way in and of
//! vectors on their way out is the same for all, and is here.

use std::fmt::{self, Debug};

use candle_core::{Result, Tensor};
use linprobe_core::{
    BadContent, Content, EmbedError, Embedder, Embedding, Input, Modalities, ModelSpec,
};
use linprobe_tensors::onnx::Graph;
use rayon::prelude::*;

use super::{
    batch::{ImageBatch, Placed, TextBatch, in_order},
    emit::{Edge, Emitter, image_encoder, text_encoder},
};
use crate::{
    image::{ImageProcessor, Resizing},
    pool::Pooler,
    tokenize::TextProcessor,
};

/// What a graph is given: token ids, or pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphInput {
    /// `input_ids` and, where padding matters, `attention_mask`: `texts x tokens`.
    Texts,
    /// `pixel_values`: `pictures x 3 x height x width`.
    Pictures,
}

impl fmt::Display for GraphInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Texts => "texts",
            Self::Pictures => "pictures",
        })
    }
}

/// What an architecture makes of a model's folder.
#[derive(Debug)]
pub(crate) struct Towers {
    /// The number of coordinates that come out of either tower.
    pub(crate) dimension: usize,
    pub(crate) text: Option<TextTower>,
    pub(crate) image: Option<ImageTower>,
}

impl Towers {
    /// The same with pictures as a library resizes them.
    pub(crate) fn resizing(self, resizing: Resizing) -> Self {
        let image = self
            .image
            .map(|tower| ImageTower { processor: tower.processor.resizing(resizing), ..tower });
        Self { image, ..self }
    }
}

/// From texts to vectors.
#[derive(Debug)]
pub(crate) struct TextTower {
    pub(crate) processor: TextProcessor,
    pub(crate) model: Box<dyn TextModel>,
    pub(crate) pooler: Pooler,
}

/// From pictures to vectors.
#[derive(Debug)]
pub(crate) struct ImageTower {
    pub(crate) processor: ImageProcessor,
    pub(crate) model: Box<dyn ImageModel>,
}

/// Reads texts.
pub(crate) trait TextModel: Debug + Send + Sync {
    /// The last hidden states: `texts x tokens x hidden`. What stands at padding means nothing.
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor>;

    /// The same as a graph, of which the emitter gives the token ids.
    fn emit(&self, emitter: &mut Emitter) -> Result<Edge>;
}

/// Sees pictures.
pub(crate) trait ImageModel: Debug + Send + Sync {
    /// The last hidden states, pictures first.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor>;

    /// One vector for each picture, of its hidden states: `pictures x dimension`.
    fn pool(&self, hidden: &Tensor) -> Result<Tensor>;

    /// Both as a graph: from pixels `pictures x 3 x height x width` to vectors.
    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge>;
}

/// A model that is ready to embed.
#[derive(Debug)]
pub(crate) struct Encoder {
    spec: ModelSpec,
    towers: Towers,
}

/// What an embedder answers to one input.
type Answer = std::result::Result<Embedding, BadContent>;

impl Encoder {
    /// Gives a model its name. The fingerprint is that of all that it was read from.
    pub(crate) fn new(
        id: String,
        revision: Option<String>,
        fingerprint: String,
        towers: Towers,
    ) -> Self {
        let modalities = Modalities { text: towers.text.is_some(), image: towers.image.is_some() };
        let dimension = towers.dimension;
        Self { spec: ModelSpec { id, revision, fingerprint, dimension, modalities }, towers }
    }

    /// Writes a tower as a graph that gives `embedding`; none where there is no such tower.
    pub(crate) fn graph(&self, input: GraphInput) -> Option<Result<Graph>> {
        match input {
            GraphInput::Texts => self.towers.text.as_ref().map(text_encoder),
            GraphInput::Pictures => self.towers.image.as_ref().map(image_encoder),
        }
    }

    fn embed_all(&self, inputs: Inputs<'_>) -> Result<Vec<Placed<Answer>>> {
        let mut embedded = match &self.towers.text {
            Some(tower) => tower.embed(inputs.texts)?,
            None => Vec::new(),
        };
        if let Some(tower) = &self.towers.image {
            embedded.extend(tower.embed(&inputs.images)?);
        }
        Ok(embedded)
    }
}

impl Embedder for Encoder {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    fn process(&self, content: &Content) -> std::result::Result<Input, BadContent> {
        match (content, &self.towers) {
            (Content::Text(text), Towers { text: Some(tower), .. }) => {
                tower.processor.process(text)
            }
            (Content::Image(bytes), Towers { image: Some(tower), .. }) => {
                tower.processor.process(bytes).map(Input::Pixels)
            }
            _ => Err(BadContent::Kind { kind: content.kind() }),
        }
    }

    fn process_query(&self, text: &str) -> std::result::Result<Input, BadContent> {
        match &self.towers.text {
            Some(tower) => tower.processor.process_query(text),
            None => Err(BadContent::Kind { kind: "text" }),
        }
    }

    fn embed(&self, batch: &[Input]) -> std::result::Result<Vec<Answer>, EmbedError> {
        let inputs = Inputs::sort(batch, &self.towers)
            .ok_or_else(|| EmbedError::ForeignInput { model: self.spec.id.clone() })?;
        let failed = |source: candle_core::Error| EmbedError::Engine {
            model: self.spec.id.clone(),
            source: source.into(),
        };
        Ok(in_order(self.embed_all(inputs).map_err(failed)?))
    }
}

/// A batch, sorted by tower.
struct Inputs<'a> {
    texts: Vec<Placed<&'a [u32]>>,
    images: Vec<Placed<&'a [f32]>>,
}

impl<'a> Inputs<'a> {
    /// None when an input is for a tower that there is not.
    fn sort(batch: &'a [Input], towers: &Towers) -> Option<Self> {
        let mut inputs = Self { texts: Vec::new(), images: Vec::new() };
        for (idx, input) in batch.iter().enumerate() {
            match input {
                Input::Tokens(tokens) if towers.text.is_some() => {
                    inputs.texts.push(Placed { idx, value: tokens });
                }
                Input::Pixels(pixels) if towers.image.is_some() => {
                    inputs.images.push(Placed { idx, value: pixels });
                }
                _ => return None,
            }
        }
        Some(inputs)
    }
}

impl TextTower {
    /// Runs the model over texts, several batches at a time.
    fn embed(&self, texts: Vec<Placed<&[u32]>>) -> Result<Vec<Placed<Answer>>> {
        let batches: Vec<_> = TextBatch::by_length(texts)
            .into_par_iter()
            .map(|batch| answers(batch.texts(), &self.vectors(&batch)?))
            .collect::<Result<_>>()?;
        Ok(batches.into_iter().flatten().collect())
    }

    /// `texts x dimension`, not normalized.
    pub(crate) fn vectors(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        self.pooler.forward(&self.model.hidden(batch)?, batch)
    }
}

impl ImageTower {
    /// Runs the model over pictures, several batches at a time.
    fn embed(&self, images: &[Placed<&[f32]>]) -> Result<Vec<Placed<Answer>>> {
        let batches: Vec<_> = ImageBatch::cut(images, self.processor.size())?
            .into_par_iter()
            .map(|batch| answers(batch.images(), &self.vectors(&batch)?))
            .collect::<Result<_>>()?;
        Ok(batches.into_iter().flatten().collect())
    }

    /// `pictures x dimension`, not normalized.
    pub(crate) fn vectors(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        self.model.pool(&self.model.hidden(batch)?)
    }
}

/// Normalizes vectors `inputs x dimension` and gives each to its input.
fn answers<T>(inputs: &[Placed<T>], vectors: &Tensor) -> Result<Vec<Placed<Answer>>> {
    let vectors = vectors.to_vec2::<f32>()?;
    let answer = |(input, vector): (&Placed<T>, Vec<f32>)| {
        let value = Embedding::normalize(vector).map_err(BadContent::from);
        Placed { idx: input.idx, value }
    };
    Ok(inputs.iter().zip(vectors).map(answer).collect())
}
