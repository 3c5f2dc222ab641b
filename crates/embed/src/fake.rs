//! An embedder for tests: no weights, no waiting, and yet texts that share words are near.

use linprobe_core::{
    BadContent, Content, EmbedError, Embedder, Embedding, Input, Modalities, ModelSpec,
};

/// Hashes what it is given into a unit vector, the same one for ever.
///
/// A text becomes the sum of its words' vectors, lower case, so that texts that share words have a
/// high cosine; a picture becomes the vector of its bytes, which need not be a picture at all; a
/// vector is taken as it is.
#[derive(Clone, Debug)]
pub struct FakeEmbedder {
    spec: ModelSpec,
}

impl FakeEmbedder {
    /// A fake model of that many dimensions.
    pub fn new(dimension: usize) -> Self {
        let spec = ModelSpec {
            id: "fake".to_owned(),
            revision: None,
            fingerprint: format!("fake/{dimension}"),
            dimension,
            modalities: Modalities { text: true, image: true },
        };
        Self { spec }
    }

    /// The same with another id and fingerprint, to stand for another model.
    #[must_use]
    pub fn named(mut self, id: &str) -> Self {
        id.clone_into(&mut self.spec.id);
        self.spec.fingerprint = format!("fake/{id}/{}", self.spec.dimension);
        self
    }

    fn text(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0; self.spec.dimension];
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        for word in words {
            let word = self.hash(word.to_lowercase().as_bytes());
            sum.iter_mut().zip(word).for_each(|(sum, value)| *sum += value);
        }
        sum
    }

    /// Values between -1 and 1.
    fn hash(&self, bytes: &[u8]) -> Vec<f32> {
        let mut stream = blake3::Hasher::new().update(bytes).finalize_xof();
        let mut hashed = vec![0; self.spec.dimension];
        stream.fill(&mut hashed);
        hashed.into_iter().map(|byte| (f32::from(byte) - 127.5) / 127.5).collect()
    }
}

impl Embedder for FakeEmbedder {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    fn process(&self, content: &Content) -> Result<Input, BadContent> {
        Ok(Input::Vector(match content {
            Content::Text(text) => self.text(text),
            Content::Image(bytes) if bytes.is_empty() => {
                return Err(BadContent::Undecodable("the file is empty".to_owned()));
            }
            Content::Image(bytes) => self.hash(bytes),
            Content::Vector { values, .. } if values.len() != self.spec.dimension => {
                let (expected, found) = (self.spec.dimension, values.len());
                return Err(BadContent::Dimension { expected, found });
            }
            Content::Vector { values, .. } => values.clone(),
        }))
    }

    fn embed(&self, batch: &[Input]) -> Result<Vec<Result<Embedding, BadContent>>, EmbedError> {
        let embed = |input: &Input| match input {
            Input::Vector(values) => {
                Ok(Embedding::normalize(values.as_slice()).map_err(BadContent::from))
            }
            _ => Err(EmbedError::ForeignInput { model: self.spec.id.clone() }),
        };
        batch.iter().map(embed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embed(content: &Content) -> Result<Embedding, BadContent> {
        let model = FakeEmbedder::new(64);
        let input = model.process(content)?;
        model.embed(&[input]).unwrap().remove(0)
    }

    #[test]
    fn texts_that_share_words_are_near() {
        let text = |text: &str| embed(&Content::Text(text.to_owned())).unwrap();
        let query = text("a red fox");
        assert!(query.dot(text("The fox, a RED one").as_slice()) > 0.6);
        assert!(query.dot(text("plumbing supplies").as_slice()) < 0.4);
    }

    #[test]
    fn a_text_without_words_has_no_embedding() {
        assert!(embed(&Content::Text(" ... ".to_owned())).is_err());
    }
}
