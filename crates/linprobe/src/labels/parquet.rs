//! Labels as a Parquet file, Snappy compressed, in one row group: there are as many as people have given.

use std::{fs::File, io::Write, path::Path, sync::Arc};

use linprobe_classifier::Label;
use linprobe_core::RecordId;
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, FloatType, Int32Type},
    errors::Result,
    file::{
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
        writer::SerializedFileWriter,
    },
    record::Field,
    schema::parser::parse_message_type,
};

use super::LabelledRecord;
use crate::predictions::parquet::column;

const SCHEMA: &str = "message labels {
    REQUIRED BYTE_ARRAY id (STRING);
    REQUIRED FLOAT label;
    REQUIRED INT32 round;
    OPTIONAL BYTE_ARRAY dataset_label (STRING);
    OPTIONAL BYTE_ARRAY text (STRING);
}";

/// Writes labels.
pub(super) fn write(labels: &[LabelledRecord], out: &mut dyn Write) -> Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let ids: Vec<_> = labels.iter().map(|l| ByteArray::from(l.record.id.as_str())).collect();
    column::<ByteArrayType, _>(&ids, None, &mut group)?;
    let values: Vec<f32> = labels.iter().map(|l| l.label.value()).collect();
    column::<FloatType, _>(&values, None, &mut group)?;
    let rounds: Vec<i32> = labels.iter().map(|l| l.round.cast_signed()).collect();
    column::<Int32Type, _>(&rounds, None, &mut group)?;
    for text_of in [dataset_label, text] {
        let present: Vec<i16> = labels.iter().map(|l| i16::from(text_of(l).is_some())).collect();
        let texts: Vec<_> = labels.iter().filter_map(text_of).map(ByteArray::from).collect();
        column::<ByteArrayType, _>(&texts, Some(&present), &mut group)?;
    }
    group.close()?;
    writer.close()?;
    Ok(out.write_all(&bytes)?)
}

fn dataset_label(labelled: &LabelledRecord) -> Option<&str> {
    labelled.record.label.as_deref()
}

fn text(labelled: &LabelledRecord) -> Option<&str> {
    labelled.record.text.as_deref()
}

/// Reads the columns `id` and `label`, whatever their types. The reader panics on files that no writer has made: these
/// are damaged, like others.
pub(super) fn read(path: &Path) -> std::result::Result<Vec<(RecordId, Label)>, String> {
    let rows = std::panic::catch_unwind(|| rows(path));
    let rows =
        rows.map_err(|_panicked| "it is damaged".to_owned())?.map_err(|bad| bad.to_string())?;
    let pairs = rows.iter().zip(1..).map(|((id, label), number)| {
        let pair = label.parse().ok().filter(|_| !id.is_empty()).map(|label| (id.into(), label));
        super::read::pair(&format!("row {number}"), pair)
    });
    pairs.collect()
}

/// The ids and labels of all rows, as texts; empty where there is none.
fn rows(path: &Path) -> Result<Vec<(String, String)>> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let rows = reader.get_row_iter(None)?.map(|row| {
        let row = row?;
        let cell = |name: &str| {
            let mut columns = row.get_column_iter();
            let found = columns.find(|(own, _)| own.eq_ignore_ascii_case(name));
            found.map_or_else(String::new, |(_, field)| match field {
                Field::Str(text) => text.clone(),
                other => other.to_string(),
            })
        };
        Ok((cell("id"), cell("label")))
    });
    rows.collect()
}
