//! Weights in safetensors, mapped into memory, in one file or in shards; or in the older
//! `pytorch_model.bin`, whose pickle is read without running it.

mod for_bf16;
pub(crate) mod renamed;
mod torch;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use serde::Deserialize;

use self::for_bf16::for_bf16;
use crate::{folder::ModelFolder, model::kernel::Precision, open::OpenError};

/// The files in which weights may be: each by itself, or its shards by its index.
pub(crate) const FILES: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// The same, of models that OpenCLIP has saved.
pub(crate) const OPEN_CLIP_FILES: [&str; 2] =
    ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"];

/// How each of them is read.
const MAPS: [Map; 2] = [map_safetensors, read_pickles];

type Map = fn(&ModelFolder, &[String]) -> Result<VarBuilder<'static>, OpenError>;

/// Maps a model's weights, whatever precision they are kept in, to be read as f32.
pub(crate) fn map(folder: &mut ModelFolder) -> Result<VarBuilder<'static>, OpenError> {
    map_in(folder, "")
}

/// Maps the weights in a folder of the model's, such as `2_Dense/`.
pub(crate) fn map_in(
    folder: &mut ModelFolder,
    within: &str,
) -> Result<VarBuilder<'static>, OpenError> {
    map_one_of(folder, within, FILES)
}

/// Maps the weights of a model that OpenCLIP has saved, under the names that it gives them.
pub(crate) fn map_open_clip(folder: &mut ModelFolder) -> Result<VarBuilder<'static>, OpenError> {
    map_one_of(folder, "", OPEN_CLIP_FILES)
}

fn map_one_of(
    folder: &mut ModelFolder,
    within: &str,
    names: [&str; 2],
) -> Result<VarBuilder<'static>, OpenError> {
    for (name, map) in names.into_iter().zip(MAPS) {
        let Some(files) = files(folder, &format!("{within}{name}"))? else { continue };
        for file in &files {
            folder.trace_contents(file)?;
        }
        let weights = map(folder, &files)?;
        return Ok(match folder.precision() {
            Precision::Single => weights,
            Precision::Bf16 => for_bf16(weights),
        });
    }
    let file = format!("{within}{}", names[0]);
    Err(OpenError::MissingFile { folder: folder.path().to_owned(), file })
}

/// Whether a folder holds weights in one of these files.
pub(crate) fn are_in(folder: &Path, files: [&str; 2]) -> bool {
    let is_there = |file: &str| folder.join(file).is_file();
    files.iter().any(|file| is_there(file) || is_there(&format!("{file}.index.json")))
}

/// The part of the weights that is named so, where they are those of a model with a head, which
/// keeps the model itself under a name; otherwise all. The probe is a tensor of the model.
pub(crate) fn inside<'a>(weights: &VarBuilder<'a>, name: &str, probe: &str) -> VarBuilder<'a> {
    let inner = weights.pp(name);
    if inner.contains_tensor(probe) { inner } else { weights.clone() }
}

#[expect(unsafe_code, reason = "a map of a file is not safe from whoever writes the file")]
fn map_safetensors(
    folder: &ModelFolder,
    files: &[String],
) -> Result<VarBuilder<'static>, OpenError> {
    let paths: Vec<_> = files.iter().map(|file| folder.path().join(file)).collect();
    // SAFETY: the files of a model are replaced, never written in place, by the hub's clients and
    // by those who save models; every tensor is copied out of the map before this crate returns it.
    unsafe { VarBuilder::from_mmaped_safetensors(&paths, DType::F32, &Device::Cpu) }
        .map_err(|source| OpenError::weights(folder.path(), source))
}

fn read_pickles(folder: &ModelFolder, files: &[String]) -> Result<VarBuilder<'static>, OpenError> {
    let mut tensors = HashMap::new();
    for file in files {
        let path = folder.path().join(file);
        match torch::read(&path) {
            Ok(read) => tensors.extend(read),
            Err(error) => return Err(OpenError::Pickle { path, reason: error.to_string() }),
        }
    }
    Ok(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))
}

/// `model.safetensors.index.json`: which shard holds which tensor.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The file, or its shards; none where there is neither.
fn files(folder: &mut ModelFolder, file: &str) -> Result<Option<Vec<String>>, OpenError> {
    if folder.path().join(file).is_file() {
        return Ok(Some(vec![file.to_owned()]));
    }
    let index_file = format!("{file}.index.json");
    let Some(index) = folder.json_if_there::<Index>(&index_file)? else { return Ok(None) };
    let mut shards: Vec<String> = index.weight_map.into_values().collect();
    shards.sort_unstable();
    shards.dedup();
    match shards.iter().find(|shard| shard.contains(['/', '\\'])) {
        Some(shard) => {
            Err(folder.bad(&index_file, format!("{shard:?} is not the name of a shard")))
        }
        None => Ok(Some(shards)),
    }
}
