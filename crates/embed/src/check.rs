//! Whether a model that is here is whole, and computes what it should.
//!
//! A file that was damaged on disk is told by its checksum. Beyond that the model is asked for
//! embeddings whose values nobody knows but which have to agree: an input means the same alone and
//! among others, shorter and longer.

use std::{io, path::PathBuf};

use image::{ImageFormat, RgbImage};
use linprobe_core::{BadContent, Content, EmbedError, Embedder, Embedding, Input};
use linprobe_hub::damaged_files;

use crate::{OpenError, OpenOptions, Place, open::open, shelf::place_of};

/// How far apart two embeddings of one input may be: the order of additions differs.
const TOLERANCE: f32 = 1e-4;

/// Something that is wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// A file has changed since it was downloaded.
    #[error("{file} is not what was downloaded\nhint: delete it, and the model is fetched again",
        file = file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// The model takes none of the simplest contents.
    #[error("{content} is refused: {reason}")]
    Refused {
        /// The content.
        content: &'static str,
        /// Why.
        reason: BadContent,
    },
    /// The embedding depends on what else is in the batch.
    #[error("{content} has another embedding alone than among others, by {difference}")]
    Unsteady {
        /// The content.
        content: &'static str,
        /// The largest difference of a coordinate.
        difference: f32,
    },
    /// The model fails as a whole.
    #[error(transparent)]
    Failed(#[from] EmbedError),
}

/// Verifies the checksums of a model's files and tries it out.
///
/// # Errors
/// Why the model cannot be opened or read. What is wrong with one that can, is in the answer.
pub fn check(name: &str, options: &OpenOptions) -> Result<Vec<Finding>, OpenError> {
    let embedder = open(name, options)?;
    let mut findings = Vec::new();
    if let Place::Folder(folder) = place_of(embedder.model(), &options.hub) {
        let damaged = damaged_files(&folder);
        let damaged = damaged.map_err(|source| OpenError::Io { path: folder, source })?;
        findings.extend(damaged.into_iter().map(|file| Finding::Damaged { file }));
    }
    findings.extend(try_out(embedder.as_ref()));
    Ok(findings)
}

/// A content that every model of its kind can embed.
struct Probe {
    name: &'static str,
    content: Content,
}

fn try_out(embedder: &dyn Embedder) -> Vec<Finding> {
    let (mut findings, mut inputs) = (Vec::new(), Vec::new());
    for Probe { name, content } in probes(embedder) {
        match embedder.process(&content) {
            Ok(input) => inputs.push((name, input)),
            Err(reason) => findings.push(Finding::Refused { content: name, reason }),
        }
    }
    match compare(embedder, &inputs) {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(error.into()),
    }
    findings
}

fn probes(embedder: &dyn Embedder) -> Vec<Probe> {
    let modalities = embedder.model().modalities;
    let mut probes = Vec::new();
    if modalities.text {
        let text = |name, text: String| Probe { name, content: Content::Text(text) };
        probes.push(text("a short text", "a dog".to_owned()));
        probes.push(text("a long text", "a dog and a cat in the garden ".repeat(8)));
    }
    if modalities.image {
        let picture = |name, side| Probe { name, content: Content::Image(picture(side)) };
        probes.extend([picture("a small picture", 16), picture("a large picture", 400)]);
    }
    probes
}

/// A gradient, as PNG.
fn picture(side: u32) -> Vec<u8> {
    let shade = |n: u32| u8::try_from(n * 255 / side).unwrap_or(u8::MAX);
    let picture = RgbImage::from_fn(side, side, |x, y| [shade(x), shade(y), 128].into());
    let mut png = io::Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).expect("a picture in memory can be written");
    png.into_inner()
}

/// Embeds every input among the others and alone.
fn compare(
    embedder: &dyn Embedder,
    inputs: &[(&'static str, Input)],
) -> Result<Vec<Finding>, EmbedError> {
    let all: Vec<_> = inputs.iter().map(|(_, input)| input.clone()).collect();
    let mut findings = Vec::new();
    for ((content, input), together) in inputs.iter().zip(embedder.embed(&all)?) {
        let alone = embedder.embed(std::slice::from_ref(input))?.into_iter();
        for alone in alone {
            findings.extend(difference(content, together.as_ref(), alone.as_ref()));
        }
    }
    Ok(findings)
}

type Answer<'a> = Result<&'a Embedding, &'a BadContent>;

fn difference(content: &'static str, together: Answer<'_>, alone: Answer<'_>) -> Option<Finding> {
    match (together, alone) {
        (Ok(together), Ok(alone)) => {
            let pairs = together.as_slice().iter().zip(alone.as_slice());
            let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            (difference > TOLERANCE).then_some(Finding::Unsteady { content, difference })
        }
        (Err(reason), _) | (_, Err(reason)) => {
            Some(Finding::Refused { content, reason: reason.clone() })
        }
    }
}

#[cfg(all(test, feature = "fake"))]
mod tests {
    use super::*;
    use crate::fake::FakeEmbedder;

    #[test]
    fn a_model_that_answers_steadily_has_no_findings() {
        assert!(try_out(&FakeEmbedder::new(8)).is_empty());
    }

    #[test]
    fn embeddings_that_differ_are_found() {
        let embedding = |values: [f32; 2]| Embedding::normalize(values).unwrap();
        let (a, b) = (embedding([1.0, 0.0]), embedding([1.0, 0.1]));
        let found = difference("a text", Ok(&a), Ok(&b)).unwrap().to_string();
        assert!(found.starts_with("a text has another embedding alone"), "{found}");
        assert!(difference("a text", Ok(&a), Ok(&a)).is_none());
    }
}
