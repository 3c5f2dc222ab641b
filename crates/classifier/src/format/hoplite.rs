//! The classifiers of Perch Hoplite, which finds sounds in recordings: JSON with the names of the `classes`, and with
//! `beta` [d, n] and `beta_bias` [n] as numbers in base64.

use base64::{Engine, prelude::BASE64_STANDARD};
use linprobe_tensors::{Element, Endian, Order};
use serde::Deserialize;

use super::{
    ImportError,
    layer::Found,
    tensor::{Layout, Tensor},
};

#[derive(Deserialize)]
struct Hoplite {
    classes: Vec<String>,
    beta: String,
    beta_bias: String,
}

/// Reads the layer that an object with `beta` writes down.
pub(super) fn read<T>(
    bytes: &[u8],
    take: impl FnOnce(Found<'_>) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    let Hoplite { classes, beta, beta_bias } =
        serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))?;
    let [beta, bias] = [("beta", beta), ("beta_bias", beta_bias)].map(|(name, numbers)| {
        let bytes = BASE64_STANDARD.decode(numbers);
        bytes.map_err(|error| refused(format!("{name} is not in base64: {error}")))
    });
    let (beta, bias, n_classes) = (beta?, bias?, classes.len());
    let row_bytes = n_classes * size_of::<f32>();
    if row_bytes == 0 || !beta.len().is_multiple_of(row_bytes) {
        let n_bytes = beta.len();
        return Err(refused(format!("beta has {n_bytes} bytes for {n_classes} classes")));
    }
    let tensor =
        |name, layout, bytes| Tensor::new(name, (Element::F32, Endian::Little), layout, bytes);
    // The layer has a row for each class, and beta a column.
    let shape = vec![n_classes, beta.len() / row_bytes];
    let tensors = vec![
        tensor("weight", Layout::plain(shape, Order::Fortran), &beta)?,
        tensor("bias", Layout::plain(vec![n_classes], Order::C), &bias)?,
    ];
    take(Found { tensors, classes, card: None })
}

fn refused(reason: String) -> ImportError {
    ImportError::Unreadable { form: "JSON of Hoplite", reason }
}
