//! Values of a record batch: words for what is shown, bytes for pictures, numbers for vectors.

use std::path::{Component, Path};

use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Float16Type, Float32Type, Float64Type},
};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, Field, Schema};
use linprobe_core::Metadata;

use super::features::Features;
use crate::folder;

/// Columns of bytes that hold pictures when they are called so.
const PICTURES: [&str; 8] = ["image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp"];

/// The members of a picture as Hugging Face's library writes it.
const BYTES: &str = "bytes";
const PATH: &str = "path";

/// The columns of pictures.
pub(super) fn pictures(schema: &Schema) -> Vec<String> {
    names(schema, |field| match field.data_type() {
        DataType::Struct(members) => {
            members.iter().any(|member| member.name() == BYTES && is_binary(member.data_type()))
        }
        other => is_binary(other) && PICTURES.iter().any(|p| field.name().eq_ignore_ascii_case(p)),
    })
}

/// The columns of vectors: lists of fractions.
pub(super) fn vectors(schema: &Schema) -> Vec<String> {
    names(schema, |field| match field.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_floating()
        }
        _ => false,
    })
}

fn names(schema: &Schema, is_one: impl Fn(&Field) -> bool) -> Vec<String> {
    let fields = schema.fields().iter().filter(|field| is_one(field));
    fields.map(|field| field.name().clone()).collect()
}

fn is_binary(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// What is shown of every row; the content column is left out, and so are bytes.
pub(super) fn words(
    batch: &RecordBatch,
    without: Option<&str>,
    features: &Features,
) -> Vec<Metadata> {
    let mut rows = vec![Metadata::new(); batch.num_rows()];
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if Some(field.name().as_str()) != without {
            add(field.name(), array, features, &mut rows);
        }
    }
    rows
}

/// Adds a column; the members of a nested one get dotted names.
fn add(name: &str, array: &ArrayRef, features: &Features, rows: &mut [Metadata]) {
    if let Some(members) = array.as_struct_opt() {
        for (member, inner) in members.fields().iter().zip(members.columns()) {
            add(&format!("{name}.{}", member.name()), inner, features, rows);
        }
        return;
    }
    if is_binary(array.data_type()) {
        return;
    }
    if let Some(texts) = array.as_string_opt::<i32>() {
        return insert(name, features, texts.iter().map(|text| text.map(str::to_owned)), rows);
    }
    if let Some(texts) = array.as_string_opt::<i64>() {
        return insert(name, features, texts.iter().map(|text| text.map(str::to_owned)), rows);
    }
    let options = FormatOptions::default();
    let Ok(shown) = ArrayFormatter::try_new(array.as_ref(), &options) else { return };
    let value = |row| array.is_valid(row).then(|| shown.value(row).try_to_string().ok()).flatten();
    insert(name, features, (0..array.len()).map(value), rows);
}

fn insert(
    name: &str,
    features: &Features,
    values: impl Iterator<Item = Option<String>>,
    rows: &mut [Metadata],
) {
    for (row, value) in rows.iter_mut().zip(values) {
        if let Some(value) = value.and_then(|value| features.name(name, value)) {
            row.insert(name.to_owned(), value);
        }
    }
}

/// The picture of a row: its bytes, or those of the file that it names below a folder.
pub(super) fn picture(array: &ArrayRef, row: usize, root: &Path) -> Result<Vec<u8>, String> {
    if let Some(bytes) = bytes_at(array, row) {
        return checked(bytes);
    }
    let members = array.as_struct_opt().filter(|members| members.is_valid(row));
    let member = |name| members.and_then(|members| members.column_by_name(name));
    if let Some(bytes) = member(BYTES).and_then(|bytes| bytes_at(bytes, row)) {
        return checked(bytes);
    }
    match member(PATH).and_then(|paths| text_at(paths, row)) {
        Some(path) => picture_file(root, Path::new(path)),
        None => Err("the picture is missing".to_owned()),
    }
}

fn checked(bytes: &[u8]) -> Result<Vec<u8>, String> {
    match bytes.len() as u64 {
        0 => Err("the picture is empty".to_owned()),
        n_bytes if n_bytes > folder::MAX_IMAGE_BYTES => Err(folder::too_large(n_bytes)),
        _ => Ok(bytes.to_vec()),
    }
}

fn picture_file(root: &Path, path: &Path) -> Result<Vec<u8>, String> {
    let below = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !below {
        return Err(format!("{} leaves the folder and is not followed", path.display()));
    }
    folder::read_image(root, &root.join(path))
        .map_err(|reason| format!("{}: {reason}", path.display()))
}

fn bytes_at(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        _ => None,
    }
}

fn text_at(array: &ArrayRef, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        _ => None,
    }
}

/// The vector of a row.
pub(super) fn vector(array: &ArrayRef, row: usize) -> Result<Vec<f32>, String> {
    if array.is_null(row) {
        return Err("the vector is missing".to_owned());
    }
    let items = match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(array.as_fixed_size_list().value(row)),
        _ => None,
    };
    items.as_ref().and_then(numbers).ok_or_else(|| "the vector is no list of fractions".to_owned())
}

/// The numbers of a list; one that is missing is not a number.
fn numbers(items: &ArrayRef) -> Option<Vec<f32>> {
    #[expect(clippy::cast_possible_truncation, reason = "embeddings are kept in single precision")]
    let single = |x: f64| x as f32;
    Some(match items.data_type() {
        DataType::Float16 => {
            let items = items.as_primitive::<Float16Type>().iter();
            items.map(|x| x.map_or(f32::NAN, half::f16::to_f32)).collect()
        }
        DataType::Float32 => {
            let items = items.as_primitive::<Float32Type>().iter();
            items.map(|x| x.unwrap_or(f32::NAN)).collect()
        }
        DataType::Float64 => {
            let items = items.as_primitive::<Float64Type>().iter();
            items.map(|x| x.map_or(f32::NAN, single)).collect()
        }
        _ => return None,
    })
}
