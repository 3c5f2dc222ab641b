//! What goes through a model together: texts of like length, so that little is computed for
//! padding, or some pictures.

use candle_core::{Device, Result, Tensor};

use crate::image::Size;

/// Tokens in a batch, padding included: enough to keep the matrix products busy, few enough that
/// what is between two layers stays in the cache.
const MAX_TOKENS: usize = 512;

/// Tokens of padding in a batch: less than it costs to go through all weights once more.
const MAX_PADDING: usize = 128;

/// Pictures in a batch, of which every thread has one.
const MAX_IMAGES: usize = 8;

/// A text, or anything else that goes through a model, with its place in the caller's batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) idx: usize,
    pub(crate) value: T,
}

/// Texts that go through a model together, shorter ones padded at their end.
#[derive(Debug)]
pub(crate) struct TextBatch<'a> {
    texts: Vec<Placed<&'a [u32]>>,
    n_tokens: usize,
}

impl<'a> TextBatch<'a> {
    /// Sorts texts by length and cuts them into batches.
    pub(crate) fn by_length(mut texts: Vec<Placed<&'a [u32]>>) -> Vec<Self> {
        texts.sort_by_key(|text| text.value.len());
        let mut batches: Vec<Self> = Vec::new();
        for text in texts {
            match batches.last_mut() {
                Some(batch) if batch.has_room_for(text.value) => batch.push(text),
                _ => batches.push(Self { texts: vec![text], n_tokens: text.value.len() }),
            }
        }
        batches
    }

    /// For a text that is not shorter than those that it has.
    fn has_room_for(&self, tokens: &[u32]) -> bool {
        let n_tokens = (self.texts.len() + 1) * tokens.len();
        let lengths = self.texts.iter().map(|text| text.value.len());
        let n_padding = n_tokens - tokens.len() - lengths.sum::<usize>();
        n_tokens <= MAX_TOKENS && n_padding <= MAX_PADDING
    }

    fn push(&mut self, text: Placed<&'a [u32]>) {
        self.n_tokens = self.n_tokens.max(text.value.len());
        self.texts.push(text);
    }

    pub(crate) fn texts(&self) -> &[Placed<&'a [u32]>] {
        &self.texts
    }

    /// The number of tokens of the longest text.
    pub(crate) fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// Token ids `texts x tokens`, padded with zeros, which no model looks at.
    pub(crate) fn ids(&self) -> Result<Tensor> {
        self.padded_ids(self.n_tokens, 0)
    }

    /// The same of a length, which is not below that of the longest text, padded with a token.
    pub(crate) fn padded_ids(&self, length: usize, padding: u32) -> Result<Tensor> {
        let padded = |tokens: &'a [u32]| {
            tokens.iter().copied().chain(std::iter::repeat(padding)).take(length)
        };
        let ids: Vec<u32> = self.texts.iter().flat_map(|text| padded(text.value)).collect();
        Tensor::from_vec(ids, (self.texts.len(), length), &Device::Cpu)
    }

    /// Positions `texts x tokens` as RoBERTa counts them: from one past the id of its padding token
    /// on, at which a token of that id, wherever it stands, is left out.
    pub(crate) fn positions_past(&self, padding: u32) -> Result<Tensor> {
        let text_positions = |tokens: &'a [u32]| {
            let padded = tokens.iter().copied().chain(std::iter::repeat(padding));
            padded.take(self.n_tokens).scan(padding, move |last, token| {
                *last += u32::from(token != padding);
                Some(if token == padding { padding } else { *last })
            })
        };
        let positions: Vec<_> =
            self.texts.iter().flat_map(|text| text_positions(text.value)).collect();
        Tensor::from_vec(positions, (self.texts.len(), self.n_tokens), &Device::Cpu)
    }

    /// What keeps tokens from looking at padding, to be added to scores `texts x heads x tokens x
    /// tokens`. None when there is no padding.
    pub(crate) fn bias(&self) -> Result<Option<Tensor>> {
        self.padding()?.map(|padding| padding.unsqueeze(1)?.unsqueeze(1)).transpose()
    }

    /// 1 for a token, 0 for padding: `texts x tokens`. None when there is no padding.
    pub(crate) fn mask(&self) -> Result<Option<Tensor>> {
        self.marked(1.0, 0.0)
    }

    /// 0 for a token, minus infinity for padding: `texts x tokens`. None when there is no padding.
    pub(crate) fn padding(&self) -> Result<Option<Tensor>> {
        self.marked(0.0, f32::NEG_INFINITY)
    }

    /// The number of tokens of every text: `texts x 1`.
    pub(crate) fn lengths(&self) -> Result<Tensor> {
        let lengths: Vec<_> = self.texts.iter().map(|text| text.value.len() as f32).collect();
        Tensor::from_vec(lengths, (self.texts.len(), 1), &Device::Cpu)
    }

    fn marked(&self, token: f32, padding: f32) -> Result<Option<Tensor>> {
        if self.texts.iter().all(|text| text.value.len() == self.n_tokens) {
            return Ok(None);
        }
        let marks = |n| (0..self.n_tokens).map(move |at| if at < n { token } else { padding });
        let marks: Vec<_> = self.texts.iter().flat_map(|text| marks(text.value.len())).collect();
        Tensor::from_vec(marks, (self.texts.len(), self.n_tokens), &Device::Cpu).map(Some)
    }
}

/// Pictures that go through a model together.
#[derive(Debug)]
pub(crate) struct ImageBatch<'a> {
    images: &'a [Placed<&'a [f32]>],
    /// That of every picture.
    pub(crate) size: Size,
}

impl<'a> ImageBatch<'a> {
    /// Cuts pictures of `3 x height x width` into batches.
    pub(crate) fn cut(images: &'a [Placed<&'a [f32]>], size: Size) -> Result<Vec<Self>> {
        let n_values = 3 * size.height * size.width;
        if let Some(image) = images.iter().find(|image| image.value.len() != n_values) {
            candle_core::bail!("{} values are no picture of {size} pixels", image.value.len())
        }
        let n_each = images.len().div_ceil(rayon::current_num_threads());
        Ok(images.chunks(n_each.clamp(1, MAX_IMAGES)).map(|images| Self { images, size }).collect())
    }

    pub(crate) fn images(&self) -> &[Placed<&'a [f32]>] {
        self.images
    }

    /// `pictures x 3 x height x width`.
    pub(crate) fn pixels(&self) -> Result<Tensor> {
        let values: Vec<f32> = self.images.iter().flat_map(|image| image.value).copied().collect();
        let shape = (self.images.len(), 3, self.size.height, self.size.width);
        Tensor::from_vec(values, shape, &Device::Cpu)
    }
}

/// Puts results back into the order of the caller's batch.
pub(crate) fn in_order<T>(mut placed: Vec<Placed<T>>) -> Vec<T> {
    placed.sort_by_key(|placed| placed.idx);
    placed.into_iter().map(|placed| placed.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(texts: &[Vec<u32>]) -> Vec<Placed<&[u32]>> {
        texts.iter().enumerate().map(|(idx, text)| Placed { idx, value: text.as_slice() }).collect()
    }

    #[test]
    fn no_batch_is_larger_than_allowed_and_no_text_is_lost() {
        let texts: Vec<_> = (0..200).map(|n| vec![1; 1 + n * 7 % 300]).collect();
        let batches = TextBatch::by_length(placed(&texts));
        assert!(batches.iter().all(|batch| batch.texts.len() * batch.n_tokens <= MAX_TOKENS));
        let mut idxs: Vec<_> = batches.iter().flat_map(|b| b.texts.iter().map(|t| t.idx)).collect();
        idxs.sort_unstable();
        assert_eq!(idxs, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_text_longer_than_a_batch_is_a_batch_of_its_own() {
        let texts = vec![vec![1; MAX_TOKENS + 1], vec![1; MAX_TOKENS + 1]];
        assert_eq!(TextBatch::by_length(placed(&texts)).len(), 2);
    }

    #[test]
    fn positions_past_padding_leave_out_tokens_that_say_padding() {
        let texts = vec![vec![5, 1, 6], vec![7]];
        let batch = TextBatch::by_length(placed(&texts)).remove(0);
        let positions = batch.positions_past(1).unwrap().to_vec2::<u32>().unwrap();
        assert_eq!(positions, [[2, 1, 1], [2, 1, 3]]);
    }

    #[test]
    fn padding_is_marked_and_only_where_there_is_some() {
        let texts = vec![vec![5, 6], vec![7]];
        let batch = TextBatch::by_length(placed(&texts)).remove(0);
        assert_eq!(batch.ids().unwrap().to_vec2::<u32>().unwrap(), [[7, 0], [5, 6]]);
        let mask = batch.mask().unwrap().unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(mask, [[1.0, 0.0], [1.0, 1.0]]);
        let even = TextBatch::by_length(placed(&texts[..1])).remove(0);
        assert!(even.mask().unwrap().is_none());
    }
}
