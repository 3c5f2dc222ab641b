//! Hidden states of every architecture, compared where they can be seen: with those that the
//! reference libraries computed for each fixture in `fixtures/embed`. The stages before and after
//! are in `tests/it/parity.rs`.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use linprobe_core::Input;

use super::{
    batch::{ImageBatch, Placed, TextBatch},
    encoder::{ImageTower, TextTower, Towers},
    known,
};
use crate::folder::ModelFolder;

/// Larger than for embeddings, since hidden states are not of unit length.
const TOLERANCE: f32 = 1e-4;

#[test]
fn hidden_states_of_texts_are_those_of_the_reference() {
    for fixture in Fixture::all() {
        if let Some(tower) = &fixture.towers.text {
            for (idx, hidden) in hidden_of_texts(tower) {
                fixture.assert_close(&format!("hidden.{idx}"), &hidden);
            }
        }
    }
}

#[test]
fn hidden_states_of_pictures_are_those_of_the_reference() {
    for fixture in Fixture::all() {
        if let Some(tower) = &fixture.towers.image {
            for picture in ["odd.png", "grey.png", "one-pixel.png"] {
                let hidden = hidden_of_picture(tower, picture);
                fixture.assert_close(&format!("hidden.{picture}"), &hidden);
            }
        }
    }
}

/// A tiny model and what the reference libraries computed with it.
struct Fixture {
    name: String,
    towers: Towers,
    golden: HashMap<String, Tensor>,
}

impl Fixture {
    fn all() -> impl Iterator<Item = Self> {
        let folders = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
        folders.filter(|folder| folder.join("golden.safetensors").is_file()).map(|f| Self::read(&f))
    }

    fn read(folder: &Path) -> Self {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let golden = folder.join("golden.safetensors");
        let mut folder = ModelFolder::new(folder, &name);
        let known = known(&mut folder).unwrap();
        let towers = (known.open)(&mut folder).unwrap();
        Self { name, towers, golden: candle_core::safetensors::load(golden, &Device::Cpu).unwrap() }
    }

    fn assert_close(&self, what: &str, found: &Tensor) {
        let expected = &self.golden[what];
        assert_eq!(found.dims(), expected.dims(), "{}: {what}", self.name);
        let difference = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap();
        let difference = difference.max(0).unwrap().to_scalar::<f32>().unwrap();
        assert!(difference <= TOLERANCE, "{}: {what}: {difference}", self.name);
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed")
}

/// Runs a model over all texts in padded batches, and takes the padding away again.
fn hidden_of_texts(tower: &TextTower) -> Vec<(usize, Tensor)> {
    let texts = fs::read(fixtures().join("texts.json")).unwrap();
    let texts: Vec<String> = serde_json::from_slice(&texts).unwrap();
    let inputs: Vec<_> = texts.iter().map(|text| tower.processor.process(text)).collect();
    let texts = inputs.iter().enumerate().filter_map(|(idx, input)| match input {
        Ok(Input::Tokens(tokens)) => Some(Placed { idx, value: tokens.as_slice() }),
        _ => None,
    });
    let batches = TextBatch::by_length(texts.collect());
    let rows = batches.iter().flat_map(|batch| {
        let hidden = tower.model.hidden(batch).unwrap();
        let row = move |(row, text): (usize, &Placed<&[u32]>)| {
            (text.idx, hidden.get(row).unwrap().narrow(0, 0, text.value.len()).unwrap())
        };
        batch.texts().iter().enumerate().map(row)
    });
    rows.collect()
}

fn hidden_of_picture(tower: &ImageTower, name: &str) -> Tensor {
    let bytes = fs::read(fixtures().join("images").join(name)).unwrap();
    let pixels = tower.processor.process(&bytes).unwrap();
    let images = [Placed { idx: 0, value: pixels.as_slice() }];
    let batch = ImageBatch::cut(&images, tower.processor.size()).unwrap().remove(0);
    tower.model.hidden(&batch).unwrap().get(0).unwrap()
}
