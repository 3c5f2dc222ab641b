//! NumPy's `.npz`: a zip of arrays. The names are ours, or those of scikit-learn.

use std::{
    io::{Cursor, Read},
    iter::repeat,
};

use linprobe_tensors::{Element, Endian, NpyHeader};
use zip::ZipArchive;

use super::{
    ClassifierFile, ExportError, ImportError, MAX_FILE_BYTES, bytes_of,
    layer::Found,
    rows::Rows,
    tensor::{Layout, Tensor},
    zipped::zipped,
};

const CARD: &str = "card";
const CLASSES: &str = "classes_";

/// What may stand beside a layer and changes nothing of it: ours is on the card, the others are told of a fit by
/// scikit-learn.
const BESIDE: [&str; 4] = ["threshold", "n_iter_", "n_features_in_", "feature_names_in_"];

/// The most names of classes that are read.
const MAX_CLASSES: usize = 1 << 20;

impl ClassifierFile {
    /// Writes a zip of NumPy arrays: `weight` of shape (1, d), `bias` of (1,) and `threshold` of (), all f4, and `card`, a string.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_npz(&self) -> Result<Vec<u8>, ExportError> {
        Rows::of(self)?.to_npz()
    }
}

impl Rows<'_> {
    pub(super) fn to_npz(&self) -> Result<Vec<u8>, ExportError> {
        let [n_classes, dimension] = self.shape();
        let (matrix, list) = (format!("({n_classes}, {dimension})"), format!("({n_classes},)"));
        let of_thresholds = if self.names.is_some() { list.as_str() } else { "()" };
        let mut members = vec![
            ("weight.npy", npy("<f4", &matrix, &self.weight_bytes())),
            ("bias.npy", npy("<f4", &list, &self.bias_bytes())),
            ("threshold.npy", npy("<f4", of_thresholds, &bytes_of(&self.thresholds))),
        ];
        members.extend(self.names.as_ref().map(|names| ("classes_.npy", npy_of(names, &list))));
        members.extend(self.card.as_deref().map(|card| ("card.npy", npy_of(&[card], "()"))));
        Ok(zipped(&members)?)
    }
}

/// An array of texts, each padded with zeros to the length of the longest.
fn npy_of(texts: &[&str], shape: &str) -> Vec<u8> {
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or_default().max(1);
    let padded = texts.iter().flat_map(|text| text.chars().chain(repeat('\0')).take(width));
    let units: Vec<u8> = padded.flat_map(|c| u32::from(c).to_le_bytes()).collect();
    npy(&format!("<U{width}"), shape, &units)
}

/// An array in NumPy's format 1.0.
fn npy(kind: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let header = format!("{header:<width$}\n", width = length - 1);
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

/// Reads the arrays of a layer: those of [`to_npz`](ClassifierFile::to_npz), or `coef_`, `intercept_` and
/// `classes_`.
pub(super) fn read<T>(
    bytes: &[u8],
    take: impl FnOnce(Found<'_>) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    let arrays = arrays(bytes)?;
    let mut found = Found::default();
    for Array { name, header, values } in &arrays {
        match name.as_str() {
            CARD => found.card = texts(header, values).and_then(|texts| texts.into_iter().next()),
            CLASSES => {
                let refused = || ImportError::Classes { found: header.element.to_string() };
                found.classes = texts(header, values).ok_or_else(refused)?;
            }
            name if BESIDE.contains(&name) => {}
            name => {
                let shape = header.shape.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX));
                let layout = Layout::plain(shape.collect(), header.order);
                let numbers = (header.element.clone(), header.endian);
                found.tensors.push(Tensor::new(name, numbers, layout, values)?);
            }
        }
    }
    take(found)
}

struct Array {
    name: String,
    header: NpyHeader,
    values: Vec<u8>,
}

fn arrays(bytes: &[u8]) -> Result<Vec<Array>, ImportError> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let mut arrays = Vec::new();
    let mut n_left = MAX_FILE_BYTES;
    for member_idx in 0..zip.len() {
        let member = zip.by_index(member_idx).map_err(|error| unreadable(&error))?;
        let name = member.name().map_err(|error| unreadable(&error))?.into_owned();
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
        let array = array(name, member.take(n_left))?;
        n_left = n_left.saturating_sub(array.header.n_bytes + array.values.len() as u64);
        arrays.push(array);
    }
    Ok(arrays)
}

fn array(name: String, mut member: impl Read) -> Result<Array, ImportError> {
    let failed = |error: &dyn std::fmt::Display| unreadable(&format!("{name}: {error}"));
    let header = NpyHeader::read(&mut member).map_err(|error| failed(&error))?;
    let mut values = Vec::new();
    member.read_to_end(&mut values).map_err(|error| failed(&error))?;
    Ok(Array { name, header, values })
}

fn unreadable(reason: &dyn std::fmt::Display) -> ImportError {
    ImportError::Unreadable { form: "an .npz file", reason: reason.to_string() }
}

/// The elements of an array, as texts; none of what is no text, integer or boolean.
fn texts(header: &NpyHeader, values: &[u8]) -> Option<Vec<String>> {
    let width = match &header.element {
        Element::Other(name) if name == "|b1" => 1,
        element => usize::try_from(element.n_bytes()).ok().filter(|width| *width > 0)?,
    };
    let elements = values.chunks_exact(width);
    (elements.len() <= MAX_CLASSES)
        .then(|| elements.map(|element| text(header, element)).collect())?
}

fn text(header: &NpyHeader, element: &[u8]) -> Option<String> {
    match header.element {
        Element::Unicode(_) => {
            let units = element.as_chunks().0.iter().map(|&unit| match header.endian {
                Endian::Little => u32::from_le_bytes(unit),
                Endian::Big => u32::from_be_bytes(unit),
            });
            units.take_while(|&unit| unit != 0).map(char::from_u32).collect()
        }
        Element::Bytes(_) => {
            let text = std::str::from_utf8(element).ok()?;
            Some(text.trim_end_matches('\0').to_owned())
        }
        Element::Signed(_) | Element::Unsigned(_) => Some(integer(header, element)),
        Element::Other(_) => Some(if element == [0] { "False" } else { "True" }.to_owned()),
        _ => None,
    }
}

fn integer(header: &NpyHeader, element: &[u8]) -> String {
    let mut bytes = element.to_vec();
    if header.endian == Endian::Big {
        bytes.reverse();
    }
    let is_signed = matches!(header.element, Element::Signed(_));
    let is_negative = is_signed && bytes.last().is_some_and(|high| high & 0x80 != 0);
    bytes.resize(8, if is_negative { 0xFF } else { 0 });
    let word = bytes.as_chunks().0[0];
    if is_signed {
        i64::from_le_bytes(word).to_string()
    } else {
        u64::from_le_bytes(word).to_string()
    }
}
