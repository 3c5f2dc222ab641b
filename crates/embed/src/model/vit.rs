//! Transformers over the patches of a picture: ViT, DINOv2, and DINOv2 with registers.
//!
//! Dosovitskiy et al., *An Image is Worth 16x16 Words*, 2020; Oquab et al., *DINOv2: Learning Robust
//! Visual Features without Supervision*, 2023; Darcet et al., *Vision Transformers Need Registers*,
//! 2023. The numbers are those of `ViTModel`, `Dinov2Model` and `Dinov2WithRegistersModel` in
//! Hugging Face transformers. A picture is its class token, normalized: what timm takes, too. The
//! pooler that some files of ViT hold was trained for one task, and is left out.

use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};
use serde::Deserialize;

use super::{
    CONFIG,
    activation::Activation,
    attention::Context,
    batch::ImageBatch,
    emit::{Edge, Emitter, Surroundings},
    encoder::{ImageModel, ImageTower, Towers},
    kernel::{LayerNorm, layer_norm},
    layer::{Layer, Mlp, Names, Order, SCALES, Shape, Stack},
    patches::{PatchTokens, Patches},
    regrid::{Cubic, regrid},
    rotary::Rotary,
    summary::Summary,
};
use crate::{
    folder::ModelFolder,
    image::{Defaults, ImageProcessor, Size},
    open::OpenError,
    weights,
};

/// Reads a ViT.
pub(super) fn vit(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    open(folder, Defaults::Vit, &VIT)
}

/// Reads a DINOv2, with or without registers.
pub(super) fn dinov2(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    open(folder, Defaults::Clip, &DINOV2)
}

fn open(
    folder: &mut ModelFolder,
    defaults: Defaults,
    family: &Family,
) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let processor = ImageProcessor::open(folder, defaults)?;
    let weights = weights::map(folder)?;
    let vit = Vit::load(&config, family, processor.size(), &weights)
        .map_err(|source| OpenError::weights(folder.path(), source))?;
    let tower = ImageTower { processor, model: Box::new(vit) };
    Ok(Towers { dimension: config.hidden_size, text: None, image: Some(tower) })
}

/// What the two families call their weights.
struct Family {
    /// Under which of these the weights of a model with a head stand.
    prefixes: &'static [&'static str],
    names: Names,
}

const VIT: Family = Family {
    prefixes: &["vit"],
    names: Names {
        query: "attention.attention.query",
        key: "attention.attention.key",
        value: "attention.attention.value",
        output: "attention.output.dense",
        attention_norm: "layernorm_before",
        inner: "intermediate.dense",
        outer: "output.dense",
        norm: "layernorm_after",
    },
};

const DINOV2: Family = Family {
    prefixes: &["dinov2", "dinov2_with_registers"],
    names: Names {
        attention_norm: "norm1",
        inner: "mlp.fc1",
        outer: "mlp.fc2",
        norm: "norm2",
        ..VIT.names
    },
};

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    /// Of ViT; DINOv2 gives a ratio.
    intermediate_size: Option<usize>,
    #[serde(default = "four")]
    mlp_ratio: usize,
    hidden_act: Activation,
    layer_norm_eps: f64,
    image_size: usize,
    patch_size: usize,
    #[serde(default = "yes")]
    qkv_bias: bool,
    #[serde(default)]
    use_swiglu_ffn: bool,
    #[serde(default)]
    num_register_tokens: usize,
}

fn four() -> usize {
    4
}

fn yes() -> bool {
    true
}

impl Config {
    fn check(&self) -> std::result::Result<(), String> {
        if self.qkv_bias { Ok(()) } else { Err("qkv_bias false is not supported".to_owned()) }
    }

    fn shape(&self) -> Shape {
        let by_ratio = self.hidden_size * self.mlp_ratio;
        Shape {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size.unwrap_or(by_ratio),
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            epsilon: self.layer_norm_eps,
            order: Order::First,
        }
    }

    /// How positions are fitted to pictures of another size.
    fn cubic(&self) -> Cubic {
        match self.model_type.as_str() {
            "dinov2_with_registers" => Cubic::Antialiased,
            _ => Cubic::Plain,
        }
    }
}

/// A transformer over patches, those of other families, too.
#[derive(Debug)]
pub(super) struct Vit {
    pub(super) tokens: PatchTokens,
    /// Where positions are told by turning.
    pub(super) rotary: Option<Rotary>,
    pub(super) layers: Stack,
    pub(super) norm: LayerNorm,
    pub(super) summary: Summary,
}

impl Vit {
    fn load(
        config: &Config,
        family: &Family,
        picture: Size,
        weights: &VarBuilder<'_>,
    ) -> Result<Self> {
        let weights = family.prefixes.iter().fold(weights.clone(), |weights, prefix| {
            weights::inside(&weights, prefix, "embeddings.cls_token")
        });
        let layers = weights.pp("encoder.layer");
        let layer = |n| load_layer(config, &family.names, &layers.pp(n));
        Ok(Self {
            tokens: tokens(config, picture, &weights.pp("embeddings"))?,
            rotary: None,
            layers: Stack::of(config.num_hidden_layers, layer)?,
            norm: layer_norm(config.hidden_size, config.layer_norm_eps, weights.pp("layernorm"))?,
            summary: Summary::Class,
        })
    }
}

impl ImageModel for Vit {
    /// `pictures x (tokens before + patches) x hidden`, normalized.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let context = Context { bias: None, rotary: self.rotary.as_ref() };
        self.norm.forward(&self.layers.forward(self.tokens.forward(batch)?, context)?)
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        self.summary.forward(hidden)
    }

    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let tokens = self.tokens.emit(emitter, pixels)?;
        let rotary = self.rotary.as_ref().map(|rotary| rotary.emit(emitter, None)).transpose()?;
        let surroundings = Surroundings { bias: None, rotary: rotary.as_ref() };
        let hidden = self.layers.emit(emitter, tokens, surroundings)?;
        self.summary.emit(emitter, &self.norm, &hidden)
    }
}

/// The class token has a position of its own, registers have none.
fn tokens(config: &Config, picture: Size, weights: &VarBuilder<'_>) -> Result<PatchTokens> {
    let size = config.hidden_size;
    let patches =
        Patches::load(&weights.pp("patch_embeddings.projection"), size, config.patch_size)?;
    let trained = patches.grid(Size { height: config.image_size, width: config.image_size });
    let n_trained = trained.height * trained.width;
    let positions = weights.get((1, n_trained + 1, size), "position_embeddings")?.squeeze(0)?;
    let class = weights.get((1, 1, size), "cls_token")?;
    let mut before = class.broadcast_add(&positions.narrow(0, 0, 1)?)?;
    if config.num_register_tokens > 0 {
        let registers = weights.get((1, config.num_register_tokens, size), "register_tokens")?;
        before = Tensor::cat(&[before, registers], 1)?;
    }
    let positions = positions.narrow(0, 1, n_trained)?;
    let positions = regrid(&positions, trained, patches.grid(picture), config.cubic())?;
    Ok(PatchTokens { patches, positions: Some(positions), before: Some(before) })
}

fn load_layer(config: &Config, names: &Names, weights: &VarBuilder<'_>) -> Result<Layer> {
    let size = config.hidden_size;
    let layer = if config.use_swiglu_ffn {
        // The largest DINOv2 has a gate, and two thirds of the inner size, in eights.
        let intermediate_size = (size * config.mlp_ratio * 2 / 3).next_multiple_of(8);
        let shape = Shape { intermediate_size, ..config.shape() };
        let mlp = Mlp::load_gated(&shape, ["mlp.weights_in", "mlp.weights_out"], weights)?;
        Layer::with_mlp(&shape, names, weights, mlp)?
    } else {
        Layer::load(&config.shape(), names, weights)?
    };
    layer.scaled_by(weights, SCALES, size)
}
