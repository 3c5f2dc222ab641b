//! CLIP: pictures and texts in one space.
//!
//! Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, 2021.
//! The numbers are those of `CLIPModel` in Hugging Face transformers; any size of it.

mod text;
mod vision;

use candle_core::Tensor;
use candle_nn::{LayerNorm, Linear, Module, VarBuilder, layer_norm, linear};
use linprobe_core::{BadContent, Content, EmbedError, Embedder, Input, Modalities, ModelSpec};
use serde::Deserialize;

use self::{
    text::{TextConfig, TextTower},
    vision::{VisionConfig, VisionTower},
};
use super::{
    Answer, Answers, CONFIG, Name,
    activation::Activation,
    answers,
    attention::{Attention, AttentionWeights},
    batch::{Placed, in_order},
    embed_texts, engine_error,
};
use crate::{
    folder::ModelFolder, image::ImageProcessor, open::OpenError, tokenize::TextProcessor, weights,
};

/// Pictures that go through the model together.
const IMAGES_PER_BATCH: usize = 16;

/// Both towers with what stands before them.
#[derive(Debug)]
pub(crate) struct ClipEncoder {
    spec: ModelSpec,
    text_processor: TextProcessor,
    image_processor: ImageProcessor,
    text: TextTower,
    vision: VisionTower,
}

impl ClipEncoder {
    /// Reads it from its folder.
    pub(crate) fn open(mut folder: ModelFolder, name: Name) -> Result<Self, OpenError> {
        let config: Config = folder.json(CONFIG)?;
        let max_positions = config.text.max_position_embeddings;
        let text_processor = TextProcessor::open(&mut folder, max_positions)?;
        let image_processor = ImageProcessor::open(&mut folder, config.vision.size())?;
        let weights = weights::map(&mut folder)?;
        let bad = |source| OpenError::weights(folder.path(), source);
        let text = TextTower::load(&config.text, config.projection_dim, &weights).map_err(bad)?;
        let vision =
            VisionTower::load(&config.vision, config.projection_dim, &weights).map_err(bad)?;
        let modalities = Modalities { text: true, image: true };
        let spec = name.spec(folder.fingerprint(), config.projection_dim, modalities);
        Ok(Self { spec, text_processor, image_processor, text, vision })
    }

    fn embed_texts(&self, texts: Vec<Placed<&[u32]>>) -> candle_core::Result<Vec<Placed<Answer>>> {
        embed_texts(texts, |batch| self.text.forward(batch))
    }

    fn embed_images(&self, images: &[Placed<&[f32]>]) -> candle_core::Result<Vec<Placed<Answer>>> {
        let mut embedded = Vec::with_capacity(images.len());
        for batch in images.chunks(IMAGES_PER_BATCH) {
            let vectors = self.vision.forward(batch.iter().map(|image| image.value))?;
            embedded.extend(answers(batch.iter().map(|image| image.idx), &vectors)?);
        }
        Ok(embedded)
    }
}

impl Embedder for ClipEncoder {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    fn process(&self, content: &Content) -> Result<Input, BadContent> {
        match content {
            Content::Text(text) => self.text_processor.process(text),
            Content::Image(bytes) => self.image_processor.process(bytes).map(Input::Pixels),
            Content::Vector { .. } => Err(BadContent::Kind { kind: content.kind() }),
        }
    }

    fn embed(&self, batch: &[Input]) -> Result<Answers, EmbedError> {
        let (mut texts, mut images) = (Vec::new(), Vec::new());
        for (idx, input) in batch.iter().enumerate() {
            match input {
                Input::Tokens(tokens) => texts.push(Placed { idx, value: tokens.as_slice() }),
                Input::Pixels(pixels) => images.push(Placed { idx, value: pixels.as_slice() }),
                Input::Vector(_) => {
                    return Err(EmbedError::ForeignInput { model: self.spec.id.clone() });
                }
            }
        }
        let failed = |source| engine_error(&self.spec, source);
        let mut embedded = self.embed_texts(texts).map_err(failed)?;
        embedded.extend(self.embed_images(&images).map_err(failed)?);
        Ok(in_order(embedded))
    }
}

/// `config.json`, as far as it bears on the numbers. What older files leave out is as in ViT-B/32.
#[derive(Debug, Deserialize)]
struct Config {
    #[serde(default, rename = "text_config")]
    text: TextConfig,
    #[serde(default, rename = "vision_config")]
    vision: VisionConfig,
    #[serde(default = "default_projection")]
    projection_dim: usize,
}

fn default_projection() -> usize {
    512
}

/// The sizes of a stack of transformer layers.
#[derive(Clone, Copy, Debug)]
struct Shape {
    hidden_size: usize,
    intermediate_size: usize,
    n_layers: usize,
    n_heads: usize,
    activation: Activation,
    epsilon: f64,
}

/// A stack of transformer layers.
#[derive(Debug)]
struct Encoder {
    layers: Vec<Layer>,
}

impl Encoder {
    fn load(shape: Shape, weights: &VarBuilder<'_>) -> candle_core::Result<Self> {
        let layer = |n| Layer::load(shape, &weights.pp("encoder.layers").pp(n));
        Ok(Self { layers: (0..shape.n_layers).map(layer).collect::<Result<_, _>>()? })
    }

    fn forward(&self, hidden: Tensor, bias: Option<&Tensor>) -> candle_core::Result<Tensor> {
        self.layers.iter().try_fold(hidden, |hidden, layer| layer.forward(&hidden, bias))
    }
}

/// A transformer layer that normalizes before each of its two steps.
#[derive(Debug)]
struct Layer {
    attention_norm: LayerNorm,
    attention: Attention,
    norm: LayerNorm,
    inner: Linear,
    activation: Activation,
    outer: Linear,
}

impl Layer {
    fn load(shape: Shape, weights: &VarBuilder<'_>) -> candle_core::Result<Self> {
        let (size, inner_size) = (shape.hidden_size, shape.intermediate_size);
        let attention = weights.pp("self_attn");
        let attention_weights = AttentionWeights {
            query: attention.pp("q_proj"),
            key: attention.pp("k_proj"),
            value: attention.pp("v_proj"),
            output: attention.pp("out_proj"),
        };
        Ok(Self {
            attention_norm: layer_norm(size, shape.epsilon, weights.pp("layer_norm1"))?,
            attention: Attention::load(attention_weights, size, shape.n_heads)?,
            norm: layer_norm(size, shape.epsilon, weights.pp("layer_norm2"))?,
            inner: linear(size, inner_size, weights.pp("mlp.fc1"))?,
            activation: shape.activation,
            outer: linear(inner_size, size, weights.pp("mlp.fc2"))?,
        })
    }

    fn forward(&self, hidden: &Tensor, bias: Option<&Tensor>) -> candle_core::Result<Tensor> {
        let attended = self.attention.forward(&self.attention_norm.forward(hidden)?, bias)?;
        let hidden = (attended + hidden)?;
        let inner = self.inner.forward(&self.norm.forward(&hidden)?)?;
        self.outer.forward(&self.activation.forward(&inner)?)? + hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::{Golden, fixture, picture, texts};

    fn open(model: &str) -> ClipEncoder {
        let name = Name { id: model.to_owned(), revision: None };
        ClipEncoder::open(fixture(model), name).unwrap()
    }

    #[test]
    fn hidden_states_of_texts_are_those_of_transformers() {
        for model in ["clip-quick-gelu", "clip-gelu-padded"] {
            let (encoder, golden) = (open(model), Golden::read(model));
            let inputs: Vec<_> = texts().map(|text| encoder.process(&text).unwrap()).collect();
            for (idx, hidden) in Golden::hidden(&inputs, |batch| encoder.text.hidden(batch)) {
                golden.assert_close(&format!("hidden.{idx}"), &hidden, 1e-4);
            }
        }
    }

    #[test]
    fn hidden_states_of_pictures_are_those_of_transformers() {
        for model in ["clip-quick-gelu", "clip-gelu-padded"] {
            let (encoder, golden) = (open(model), Golden::read(model));
            for name in ["odd.png", "grey.png", "one-pixel.png"] {
                let pixels = encoder.image_processor.process(&picture(name)).unwrap();
                let hidden = encoder.vision.hidden([pixels.as_slice()].into_iter()).unwrap();
                golden.assert_close(&format!("hidden.{name}"), &hidden.get(0).unwrap(), 1e-4);
            }
        }
    }
}
