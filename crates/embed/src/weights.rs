//! Weights in safetensors, mapped into memory, in one file or in shards.
//!
//! Only safetensors: the older `pytorch_model.bin` is a pickle, a program that runs when it is read.

use std::{collections::BTreeMap, path::Path};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use serde::Deserialize;

use crate::{folder::ModelFolder, open::OpenError};

/// Weights in one file.
pub(crate) const SINGLE: &str = "model.safetensors";

/// Says which shard holds which tensor.
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// Maps a model's weights, whatever precision they are kept in, to be read as f32.
pub(crate) fn map(folder: &mut ModelFolder) -> Result<VarBuilder<'static>, OpenError> {
    let files = files(folder)?;
    for file in &files {
        folder.trace_contents(file)?;
    }
    map_files(folder, &files)
}

/// Maps one file of weights.
pub(crate) fn map_file(
    folder: &mut ModelFolder,
    file: &str,
) -> Result<VarBuilder<'static>, OpenError> {
    folder.trace_contents(file)?;
    map_files(folder, &[file.to_owned()])
}

/// The part of the weights that is named so, where they are those of a model with a head, which
/// keeps the model itself under a name; otherwise all. The probe is a tensor of the model.
pub(crate) fn inside<'a>(weights: &VarBuilder<'a>, name: &str, probe: &str) -> VarBuilder<'a> {
    let inner = weights.pp(name);
    if inner.contains_tensor(probe) { inner } else { weights.clone() }
}

#[expect(unsafe_code, reason = "a map of a file is not safe from whoever writes the file")]
fn map_files(folder: &ModelFolder, files: &[String]) -> Result<VarBuilder<'static>, OpenError> {
    let paths: Vec<_> = files.iter().map(|file| folder.path().join(file)).collect();
    // SAFETY: the files of a model are replaced, never written in place, by the hub's clients and
    // by those who save models; every tensor is copied out of the map before this crate returns it.
    unsafe { VarBuilder::from_mmaped_safetensors(&paths, DType::F32, &Device::Cpu) }
        .map_err(|source| OpenError::weights(folder.path(), source))
}

/// `model.safetensors.index.json`.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn files(folder: &mut ModelFolder) -> Result<Vec<String>, OpenError> {
    if folder.path().join(SINGLE).is_file() {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let Some(index) = folder.json_if_there::<Index>(INDEX)? else {
        return Err(no_weights(folder.path()));
    };
    let mut shards: Vec<String> = index.weight_map.into_values().collect();
    shards.sort_unstable();
    shards.dedup();
    match shards.iter().find(|shard| shard.contains(['/', '\\'])) {
        Some(shard) => Err(folder.bad(INDEX, format!("{shard:?} is not the name of a shard"))),
        None => Ok(shards),
    }
}

fn no_weights(folder: &Path) -> OpenError {
    if folder.join("pytorch_model.bin").is_file() {
        return OpenError::Pickle { path: folder.join("pytorch_model.bin") };
    }
    OpenError::MissingFile { folder: folder.to_owned(), file: SINGLE.to_owned() }
}
