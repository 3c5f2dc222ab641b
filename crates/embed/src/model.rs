//! The models: an architecture in each file, and what they share.

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod batch;
mod bert;
mod clip;
mod dinov3;
mod distance;
pub(crate) mod emit;
pub(crate) mod encoder;
mod head;
pub(crate) mod kernel;
mod layer;
mod model2vec;
mod modernbert;
mod mpnet;
mod nomic;
mod open_clip;
mod patches;
pub(crate) mod precomputed;
mod regrid;
mod resnet;
mod rotary;
mod sentence;
mod siglip;
pub(crate) mod static_;
mod summary;
mod t5;
mod timm;
mod vit;

use std::{fs, path::Path};

use serde::Deserialize;

use self::encoder::Towers;
use crate::{folder::ModelFolder, open::OpenError, weights};

/// The name of the file that says what a model is.
pub(crate) const CONFIG: &str = "config.json";

/// Reads a model of one architecture.
type Architecture = fn(&mut ModelFolder) -> Result<Towers, OpenError>;

/// The architectures that can be read, by the `model_type` of their `config.json`.
const ARCHITECTURES: [(&str, Architecture); 19] = [
    ("bert", bert::bert),
    ("camembert", bert::roberta),
    ("clip", clip::open),
    ("dinov2", vit::dinov2),
    ("dinov2_with_registers", vit::dinov2),
    ("dinov3_vit", dinov3::open),
    ("distilbert", bert::distilbert),
    ("model2vec", model2vec::open),
    ("modernbert", modernbert::open),
    ("mpnet", mpnet::open),
    ("nomic_bert", nomic::open),
    (OPEN_CLIP, open_clip::open),
    ("resnet", resnet::open),
    ("roberta", bert::roberta),
    ("siglip", siglip::open),
    ("t5", t5::open),
    (TIMM, timm::open),
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

/// What is needed to know of a model before it is read.
pub(crate) struct Known {
    pub(crate) open: Architecture,
    /// The files in which its weights may be, one or the other.
    pub(crate) weights: [&'static str; 2],
}

/// Finds out how a model is read, from its configuration alone.
pub(crate) fn known(folder: &mut ModelFolder) -> Result<Known, OpenError> {
    if type_of(folder.path()).as_deref() == Some(OPEN_CLIP) {
        return Ok(Known { open: open_clip::open, weights: weights::OPEN_CLIP_FILES });
    }
    let stated: ModelType = folder.json(CONFIG)?;
    let model_type = stated.name();
    let found = ARCHITECTURES.iter().find(|(name, _)| *name == model_type);
    found.map(|(_, open)| Known { open: *open, weights: weights::FILES }).ok_or_else(|| {
        OpenError::UnknownArchitecture { path: folder.path().join(CONFIG), model_type }
    })
}

/// The type that a folder's configuration states. A model that was saved in several ways is read as by
/// transformers, else by OpenCLIP, which keeps both towers.
pub(crate) fn type_of(folder: &Path) -> Option<String> {
    let stated = || {
        let config = fs::read(folder.join(CONFIG)).ok()?;
        serde_json::from_slice::<ModelType>(&config).ok()
    };
    let stated = stated().map(ModelType::name).filter(|name| !name.is_empty());
    let is_open_clip = folder.join(open_clip::CONFIG).is_file();
    match stated {
        Some(name) if !is_open_clip || name != TIMM && is_supported(&name) => Some(name),
        _ => is_open_clip.then(|| OPEN_CLIP.to_owned()),
    }
}

/// What takes the place of a `model_type` for models that OpenCLIP has saved.
const OPEN_CLIP: &str = "open_clip";

/// The same for models that timm has saved.
const TIMM: &str = "timm";

#[derive(Debug, Deserialize)]
struct ModelType {
    #[serde(default)]
    model_type: String,
    /// Of timm, whose configurations have no type.
    architecture: Option<String>,
}

impl ModelType {
    fn name(self) -> String {
        let is_timm = self.model_type.is_empty() && self.architecture.is_some();
        if is_timm { TIMM.to_owned() } else { self.model_type }
    }
}

#[cfg(test)]
mod tests;
