//! SigLIP and SigLIP 2 of fixed resolution: pictures and texts in one space.
//!
//! Zhai et al., *Sigmoid Loss for Language Image Pre-Training*, 2023; Tschannen et al., *SigLIP 2*,
//! 2025. The numbers are those of `SiglipModel` in Hugging Face transformers.

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding, linear};
use serde::Deserialize;

use super::{
    CONFIG,
    activation::Activation,
    attention::Context,
    batch::TextBatch,
    clip::NAMES,
    emit::{Edge, Emitter, Surroundings},
    encoder::{ImageTower, TextModel, TextTower, Towers},
    head::Head,
    kernel::{LayerNorm, layer_norm},
    layer::{Order, Shape, Stack},
    patches::{PatchTokens, Patches},
    summary::Summary,
    vit::Vit,
};
use crate::{
    folder::ModelFolder,
    image::{Defaults, ImageProcessor, Size},
    open::OpenError,
    pool::{Mode, Pooler},
    tokenize::TextProcessor,
    weights,
};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let text_processor =
        TextProcessor::open_padded(folder, config.text_config.max_position_embeddings)?;
    let image_processor = ImageProcessor::open(folder, Defaults::Siglip)?;
    image_processor.check_size(folder, config.vision_config.size())?;
    let weights = weights::map(folder)?;
    let bad = |source| OpenError::weights(folder.path(), source);
    let dimension = config.vision_config.tower.hidden_size;
    let text_weights = weights.pp("text_model");
    let text = Text::load(&config.text_config, &text_weights).map_err(bad)?;
    let text_size = config.text_config.tower.hidden_size;
    let head = linear(text_size, dimension, text_weights.pp("head")).map_err(bad)?;
    let pooler = Pooler::projected(Mode::Lasttoken, head);
    let vision = load_vision(&config.vision_config, &weights.pp("vision_model")).map_err(bad)?;
    Ok(Towers {
        dimension,
        text: Some(TextTower { processor: text_processor, model: Box::new(text), pooler }),
        image: Some(ImageTower { processor: image_processor, model: Box::new(vision) }),
    })
}

/// `config.json`, as far as it bears on the numbers. What files leave out is as in the base model.
#[derive(Debug, Deserialize)]
struct Config {
    text_config: TextConfig,
    vision_config: VisionConfig,
}

#[derive(Debug, Deserialize)]
pub(super) struct TextConfig {
    #[serde(flatten)]
    pub(super) tower: TowerConfig,
    #[serde(default = "vocabulary")]
    pub(super) vocab_size: usize,
    #[serde(default = "positions")]
    pub(super) max_position_embeddings: usize,
    pub(super) projection_size: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct VisionConfig {
    #[serde(flatten)]
    tower: TowerConfig,
    #[serde(default = "picture")]
    image_size: usize,
    #[serde(default = "patch")]
    patch_size: usize,
    vision_use_head: Option<bool>,
}

fn vocabulary() -> usize {
    32_000
}

fn positions() -> usize {
    64
}

fn picture() -> usize {
    224
}

fn patch() -> usize {
    16
}

/// What both towers have.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct TowerConfig {
    pub(super) hidden_size: usize,
    pub(super) intermediate_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    pub(super) hidden_act: Activation,
    pub(super) layer_norm_eps: f64,
}

impl Default for TowerConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            hidden_act: Activation::GeluNew,
            layer_norm_eps: 1e-6,
        }
    }
}

impl Config {
    fn check(&self) -> std::result::Result<(), String> {
        let (text, picture) = (&self.text_config, &self.vision_config);
        if picture.vision_use_head == Some(false) {
            return Err("vision_use_head false is not supported".to_owned());
        }
        let projected = text.projection_size.unwrap_or(text.tower.hidden_size);
        if projected == picture.tower.hidden_size {
            return Ok(());
        }
        let size = picture.tower.hidden_size;
        Err(format!("texts of {projected} and pictures of {size} dimensions share no space"))
    }
}

impl VisionConfig {
    fn size(&self) -> Size {
        Size { height: self.image_size, width: self.image_size }
    }
}

impl TowerConfig {
    fn shape(&self) -> Shape {
        Shape {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            epsilon: self.layer_norm_eps,
            order: Order::First,
        }
    }
}

/// Texts are always of full length, padding included, and the last token stands for all.
#[derive(Debug)]
pub(super) struct Text {
    tokens: Embedding,
    positions: Tensor,
    layers: Stack,
    norm: LayerNorm,
}

impl Text {
    pub(super) fn load(config: &TextConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let size = config.tower.hidden_size;
        let table = |name: &str, n_rows| embedding(n_rows, size, weights.pp("embeddings").pp(name));
        let positions = table("position_embedding", config.max_position_embeddings)?;
        Ok(Self {
            tokens: table("token_embedding", config.vocab_size)?,
            positions: positions.embeddings().clone(),
            layers: Stack::load(&config.tower.shape(), &NAMES, &weights.pp("encoder.layers"))?,
            norm: layer_norm(size, config.tower.layer_norm_eps, weights.pp("final_layer_norm"))?,
        })
    }
}

impl TextModel for Text {
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let tokens = self.tokens.forward(&batch.ids()?)?;
        let positions = self.positions.narrow(0, 0, batch.n_tokens())?;
        let hidden = tokens.broadcast_add(&positions)?;
        self.norm.forward(&self.layers.forward(hidden, Context::default())?)
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let ids = emitter.token_ids();
        let hidden = emitter.embedded(&ids, &self.tokens, &self.positions)?;
        let hidden = self.layers.emit(emitter, hidden, Surroundings::default())?;
        emitter.norm(&self.norm, &hidden)
    }
}

fn load_vision(config: &VisionConfig, weights: &VarBuilder<'_>) -> Result<Vit> {
    let shape = config.tower.shape();
    let embeddings = weights.pp("embeddings");
    let patches =
        Patches::load(&embeddings.pp("patch_embedding"), shape.hidden_size, config.patch_size)?;
    let grid = patches.grid(config.size());
    let n_patches = grid.height * grid.width;
    let positions = embeddings.get((n_patches, shape.hidden_size), "position_embedding.weight")?;
    Ok(Vit {
        tokens: PatchTokens { patches, positions: Some(positions), before: None },
        rotary: None,
        layers: Stack::load(&shape, &NAMES, &weights.pp("encoder.layers"))?,
        norm: layer_norm(shape.hidden_size, shape.epsilon, weights.pp("post_layernorm"))?,
        summary: Summary::Head(Box::new(Head::load(&shape, &weights.pp("head"))?)),
    })
}
