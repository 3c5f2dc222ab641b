//! The background as bytes, so that a project estimates it once: safetensors with f64 `mean` [d]
//! and `covariance` [d, d], f32 `sample` [n, d], and the number of points in the metadata.
//!
//! The sample is kept in f32, twice what f16 would take, so that a fit over a background that was
//! read is the fit over the one that was written, bit for bit.

use std::collections::HashMap;

use faer::Mat;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{Background, Sample};

const N_POINTS: &str = "n_points";

impl Background {
    /// Writes it down, in 8 (d + d^2) + 4 n d bytes and a header, n records being
    /// in the sample.
    ///
    /// # Errors
    /// [`BadBackground`] when it cannot be written; not known to happen.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BadBackground> {
        let d = self.dimension();
        let mean: Vec<u8> = self.mean.iter().flat_map(|x| x.to_le_bytes()).collect();
        let columns = (0..d).flat_map(|j| self.covariance.col_as_slice(j));
        let covariance: Vec<u8> = columns.flat_map(|x| x.to_le_bytes()).collect();
        let sample: Vec<u8> = self.sample.values().iter().flat_map(|x| x.to_le_bytes()).collect();
        let tensors = [
            ("mean", TensorView::new(Dtype::F64, vec![d], &mean)?),
            ("covariance", TensorView::new(Dtype::F64, vec![d, d], &covariance)?),
            ("sample", TensorView::new(Dtype::F32, vec![self.sample.n_rows(), d], &sample)?),
        ];
        let metadata = HashMap::from([(N_POINTS.to_owned(), self.n_points.to_string())]);
        Ok(safetensors::serialize(tensors, Some(metadata))?)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote: the same background, bit for bit.
    ///
    /// # Errors
    /// [`BadBackground`] when the bytes are something else, or of a version that kept no sample.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadBackground> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let n_points = metadata.metadata().as_ref().and_then(|m| m.get(N_POINTS)?.parse().ok());
        let n_points = n_points.ok_or(BadBackground::Promise("the number of points is missing"))?;
        let tensors = SafeTensors::deserialize(bytes)?;
        let mean = wide(&tensors.tensor("mean")?)?;
        let covariance = tensors.tensor("covariance")?;
        let d = mean.len();
        if d == 0 || covariance.shape() != [d, d] {
            return Err(BadBackground::Promise("the covariance has another shape than the mean"));
        }
        let covariance = wide(&covariance)?;
        let covariance = Mat::from_fn(d, d, |i, j| covariance[j * d + i]);
        let sample = read_sample(&tensors.tensor("sample")?, n_points, d)?;
        Ok(Self::new(n_points, mean, covariance, sample))
    }
}

fn read_sample(tensor: &TensorView<'_>, n_points: u64, d: usize) -> Result<Sample, BadBackground> {
    let n_rows = Sample::CAPACITY.min(usize::try_from(n_points).unwrap_or(usize::MAX));
    if tensor.shape() != [n_rows, d] {
        return Err(BadBackground::Promise("the sample has another shape than the corpus"));
    }
    if tensor.dtype() != Dtype::F32 {
        return Err(BadBackground::Promise("the sample is not f32"));
    }
    let (words, _) = tensor.data().as_chunks();
    let values = words.iter().map(|&word| f32::from_le_bytes(word));
    Ok(Sample::new(d, finite(values.collect(), f32::is_finite)?))
}

fn wide(tensor: &TensorView<'_>) -> Result<Vec<f64>, BadBackground> {
    if tensor.dtype() != Dtype::F64 {
        return Err(BadBackground::Promise("the moments are not f64"));
    }
    let (words, _) = tensor.data().as_chunks();
    finite(words.iter().map(|&word| f64::from_le_bytes(word)).collect(), f64::is_finite)
}

fn finite<T: Copy>(numbers: Vec<T>, is_finite: fn(T) -> bool) -> Result<Vec<T>, BadBackground> {
    if numbers.iter().all(|&x| is_finite(x)) {
        Ok(numbers)
    } else {
        Err(BadBackground::Promise("a number is not finite"))
    }
}

/// Why bytes are no background. The remedy is always to estimate it again.
#[derive(Debug, thiserror::Error)]
pub enum BadBackground {
    /// The file format is broken.
    #[error("the background cannot be read")]
    Format(#[from] safetensors::SafeTensorError),
    /// A promise of the format is broken.
    #[error("the background cannot be read: {0}")]
    Promise(&'static str),
}
