//! What every token sees of the others.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{
    linear::on_cpu,
    product::{Matrix, MatrixMut, Standing, multiply},
    simd,
};

/// `softmax(query key^T + bias) value`, head by head.
///
/// Queries, keys and values are `batch x tokens x heads x size`, the queries scaled already; they may
/// be parts of one tensor. The bias is broadcast to `batch x heads x tokens x tokens`. What comes out
/// is `batch x tokens x (heads x size)`.
pub(in crate::model) fn attend(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (n_texts, n_tokens, n_heads, _) = query.dims4()?;
    let bias = bias.map(|bias| bias.broadcast_as((n_texts, n_heads, n_tokens, n_tokens)));
    query.apply_op3_no_bwd(key, value, &Attend { bias: bias.transpose()? })
}

struct Attend {
    /// `batch x heads x tokens x tokens`.
    bias: Option<Tensor>,
}

impl CustomOp3 for Attend {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let heads = [Heads::new(s1, l1)?, Heads::new(s2, l2)?, Heads::new(s3, l3)?];
        let (n_texts, n_tokens, n_heads, size) = l1.shape().dims4()?;
        let seen = match &self.bias {
            None => see(heads, l1, None)?,
            Some(bias) => {
                let (storage, layout) = bias.storage_and_layout();
                let values = on_cpu(&storage)?.as_slice()?;
                see(heads, l1, Some(Grid { values, layout }))?
            }
        };
        Ok((CpuStorage::F32(seen), (n_texts, n_tokens, n_heads * size).into()))
    }
}

/// Queries, keys or values.
#[derive(Clone, Copy)]
struct Heads<'a> {
    values: &'a [f32],
    layout: &'a Layout,
}

impl<'a> Heads<'a> {
    fn new(storage: &'a CpuStorage, layout: &'a Layout) -> Result<Self> {
        if layout.stride().last() != Some(&1) {
            candle_core::bail!("the values of a head must lie side by side")
        }
        Ok(Self { values: storage.as_slice()?, layout })
    }

    /// `tokens x size`.
    fn of(self, text: usize, head: usize) -> Result<Matrix<'a>> {
        let (_, n_tokens, _, size) = self.layout.shape().dims4()?;
        let strides = self.layout.stride();
        let start = self.layout.start_offset() + text * strides[0] + head * strides[2];
        Ok(Matrix::new(&self.values[start..], [n_tokens, size], strides[1]))
    }
}

/// What is added to the scores.
#[derive(Clone, Copy)]
struct Grid<'a> {
    values: &'a [f32],
    layout: &'a Layout,
}

impl Grid<'_> {
    /// Lays the part of one head, `tokens x tokens`, into rows of scores of that length.
    fn copy(self, text: usize, head: usize, scores: &mut [f32], [n_tokens, row_len]: [usize; 2]) {
        let strides = self.layout.stride();
        let start = self.layout.start_offset() + text * strides[0] + head * strides[1];
        for (token, row) in scores.chunks_exact_mut(row_len).enumerate() {
            let start = start + token * strides[2];
            for (seen, score) in row[..n_tokens].iter_mut().enumerate() {
                *score = self.values[start + seen * strides[3]];
            }
        }
    }
}

fn see(
    [query, key, value]: [Heads<'_>; 3],
    layout: &Layout,
    bias: Option<Grid<'_>>,
) -> Result<Vec<f32>> {
    let (n_texts, n_tokens, n_heads, size) = layout.shape().dims4()?;
    let width = n_heads * size;
    let row_len = n_tokens.next_multiple_of(simd::N_LANES);
    let mut seen = vec![0.0; n_texts * n_tokens * width];
    let mut scores = vec![0.0; n_tokens * row_len];
    for (text, seen) in seen.chunks_exact_mut(n_tokens * width).enumerate() {
        for head in 0..n_heads {
            let standing = bias.map_or(Standing::Replaced, |bias| {
                bias.copy(text, head, &mut scores, [n_tokens, row_len]);
                Standing::Kept
            });
            let mut out = MatrixMut::new(&mut scores, [n_tokens; 2], row_len);
            multiply(query.of(text, head)?, key.of(text, head)?.transposed(), &mut out, standing);
            simd::softmax(&mut scores, n_tokens, row_len);
            let mut out = MatrixMut::new(&mut seen[head * size..], [n_tokens, size], width);
            let scores = Matrix::new(&scores, [n_tokens; 2], row_len);
            multiply(scores, value.of(text, head)?, &mut out, Standing::Replaced);
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device};
    use candle_nn::ops::softmax_last_dim;

    use super::*;

    #[test]
    fn what_is_seen_is_what_the_definition_says() {
        let random = |shape: &[usize]| Tensor::randn(0_f32, 1.0, shape, &Device::Cpu).unwrap();
        let inward = random(&[2, 5, 3, 4, 8]);
        let part = |n| inward.narrow(2, n, 1).unwrap().squeeze(2).unwrap();
        let (query, key, value) = (part(0), part(1), part(2));
        let shapes: [&[usize]; 4] = [&[5, 5], &[2, 1, 1, 5], &[1, 4, 5, 5], &[2, 4, 5, 5]];
        for bias in [None, Some(shapes[0]), Some(shapes[1]), Some(shapes[2]), Some(shapes[3])] {
            let bias = bias.map(random);
            let found = attend(&query, &key, &value, bias.as_ref()).unwrap();
            let by_head = |part: &Tensor| part.transpose(1, 2).unwrap().contiguous().unwrap();
            let key = by_head(&key).transpose(D::Minus1, D::Minus2).unwrap();
            let mut scores = by_head(&query).matmul(&key).unwrap();
            if let Some(bias) = &bias {
                scores = scores.broadcast_add(bias).unwrap();
            }
            let seen = softmax_last_dim(&scores).unwrap().matmul(&by_head(&value)).unwrap();
            let expected = seen.transpose(1, 2).unwrap().reshape((2, 5, 32)).unwrap();
            let difference = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap();
            assert!(difference.max(0).unwrap().to_scalar::<f32>().unwrap() < 1e-5);
        }
    }
}
