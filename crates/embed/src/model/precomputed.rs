//! The model that is none: vectors made elsewhere need nothing but their normalization.

use linprobe_core::{
    BadContent, Content, EmbedError, Embedder, Embedding, Input, Modalities, ModelSpec,
};

/// Takes vectors of one dimension as they are, and nothing else.
#[derive(Debug)]
pub(crate) struct Precomputed {
    spec: ModelSpec,
}

impl Precomputed {
    /// Names the model that made the vectors, which is all that tells them from others of the same
    /// dimension.
    pub(crate) fn new(model_id: &str, dimension: usize) -> Self {
        let spec = ModelSpec {
            id: model_id.to_owned(),
            revision: None,
            fingerprint: format!("precomputed/{model_id}/{dimension}"),
            dimension,
            modalities: Modalities::default(),
        };
        Self { spec }
    }
}

impl Embedder for Precomputed {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    fn process(&self, content: &Content) -> Result<Input, BadContent> {
        let Content::Vector { values, .. } = content else {
            return Err(BadContent::Kind { kind: content.kind() });
        };
        if values.len() != self.spec.dimension {
            let (expected, found) = (self.spec.dimension, values.len());
            return Err(BadContent::Dimension { expected, found });
        }
        Ok(Input::Vector(values.clone()))
    }

    fn embed(&self, batch: &[Input]) -> Result<Vec<Result<Embedding, BadContent>>, EmbedError> {
        batch.iter().map(|input| self.embed_one(input)).collect()
    }
}

impl Precomputed {
    fn embed_one(&self, input: &Input) -> Result<Result<Embedding, BadContent>, EmbedError> {
        match input {
            Input::Vector(values) => {
                Ok(Embedding::normalize(values.as_slice()).map_err(BadContent::from))
            }
            _ => Err(EmbedError::ForeignInput { model: self.spec.id.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(values: &[f32]) -> Content {
        Content::Vector { values: values.to_vec(), text: None }
    }

    #[test]
    fn a_vector_is_normalized_and_otherwise_left_alone() {
        let model = Precomputed::new("precomputed", 2);
        let input = model.process(&vector(&[3.0, 4.0])).unwrap();
        let embedded = model.embed(&[input]).unwrap();
        assert_eq!(embedded[0].as_ref().unwrap().as_slice(), [0.6, 0.8]);
    }

    #[test]
    fn what_is_no_vector_or_has_another_length_is_refused_by_itself() {
        let model = Precomputed::new("precomputed", 2);
        let text = model.process(&Content::Text("a dog".to_owned()));
        assert_eq!(text, Err(BadContent::Kind { kind: "text" }));
        let short = model.process(&vector(&[1.0]));
        assert_eq!(short, Err(BadContent::Dimension { expected: 2, found: 1 }));
    }

    #[test]
    fn a_vector_without_direction_is_an_error_in_its_own_place() {
        let model = Precomputed::new("precomputed", 2);
        let inputs = [Input::Vector(vec![0.0, 0.0]), Input::Vector(vec![1.0, 0.0])];
        let embedded = model.embed(&inputs).unwrap();
        assert!(embedded[0].is_err());
        assert!(embedded[1].is_ok());
    }
}
