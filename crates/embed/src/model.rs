//! The models: an architecture in each file, and what they share.

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod batch;
mod bert;
mod clip;
mod dinov3;
mod distance;
pub(crate) mod encoder;
pub(crate) mod kernel;
mod layer;
mod modernbert;
mod mpnet;
mod nomic;
mod patches;
pub(crate) mod precomputed;
mod regrid;
mod resnet;
mod rotary;
mod sentence;
mod siglip;
pub(crate) mod static_;
mod t5;
mod vit;

use serde::Deserialize;

use self::encoder::Towers;
use crate::{folder::ModelFolder, open::OpenError};

/// The name of the file that says what a model is.
pub(crate) const CONFIG: &str = "config.json";

/// Reads a model of one architecture.
type Architecture = fn(&mut ModelFolder) -> Result<Towers, OpenError>;

/// The architectures that can be read, by the `model_type` of their `config.json`.
const ARCHITECTURES: [(&str, Architecture); 16] = [
    ("bert", bert::bert),
    ("camembert", bert::roberta),
    ("clip", clip::open),
    ("dinov2", vit::dinov2),
    ("dinov2_with_registers", vit::dinov2),
    ("dinov3_vit", dinov3::open),
    ("distilbert", bert::distilbert),
    ("modernbert", modernbert::open),
    ("mpnet", mpnet::open),
    ("nomic_bert", nomic::open),
    ("resnet", resnet::open),
    ("roberta", bert::roberta),
    ("siglip", siglip::open),
    ("t5", t5::open),
    ("vit", vit::vit),
    ("xlm-roberta", bert::roberta),
];

/// The names of the architectures that can be read, for messages.
pub(crate) fn architectures() -> String {
    ARCHITECTURES.map(|(name, _)| name).join(", ")
}

/// Whether models of that type can be read.
pub(crate) fn is_supported(model_type: &str) -> bool {
    ARCHITECTURES.iter().any(|(name, _)| *name == model_type)
}

/// Finds out how a model is read, from its configuration alone.
pub(crate) fn architecture(folder: &mut ModelFolder) -> Result<Architecture, OpenError> {
    let ModelType { model_type } = folder.json(CONFIG)?;
    ARCHITECTURES
        .iter()
        .find(|(name, _)| *name == model_type)
        .map(|(_, architecture)| *architecture)
        .ok_or_else(|| OpenError::UnknownArchitecture {
            path: folder.path().join(CONFIG),
            model_type,
        })
}

#[derive(Debug, Deserialize)]
struct ModelType {
    #[serde(default)]
    model_type: String,
}

#[cfg(test)]
mod tests;
