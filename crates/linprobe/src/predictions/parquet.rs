//! Predictions as a Parquet file, Snappy compressed, in row groups of at most 131,072.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int64Type},
    errors::Result,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::{Prediction, Predictions, column_name};

const ROW_GROUP: usize = 131_072;

/// Writes predictions.
///
/// # Errors
/// What the writer says.
pub fn write(predictions: &Predictions<'_>, out: impl Write + Send) -> io::Result<()> {
    let metadata = predictions.columns()?;
    let mut writer = writer(&metadata, out).map_err(io::Error::other)?;
    let mut rest = predictions.iter();
    loop {
        let rows = rest.by_ref().take(ROW_GROUP).collect::<std::result::Result<Vec<_>, _>>();
        let rows = rows.map_err(io::Error::other)?;
        if rows.is_empty() {
            break;
        }
        write_group(&mut writer, &metadata, &rows).map_err(io::Error::other)?;
    }
    writer.close().map(drop).map_err(io::Error::other)
}

fn writer<W: Write + Send>(metadata: &BTreeSet<String>, out: W) -> Result<SerializedFileWriter<W>> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    SerializedFileWriter::new(out, schema(&columns(metadata))?, Arc::new(properties))
}

fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    metadata: &BTreeSet<String>,
    rows: &[Prediction],
) -> Result<()> {
    let mut group = writer.next_row_group()?;
    let columns = columns(metadata);
    columns.iter().try_for_each(|column| column.cells.write(rows, &mut group))?;
    group.close().map(drop)
}

/// A column: its name and how its cells are read from a prediction.
struct Column<'a> {
    name: String,
    cells: Cells<'a>,
}

type Read<'a, T> = Box<dyn Fn(&'a Prediction) -> T + 'a>;

enum Cells<'a> {
    Long(Read<'a, i64>),
    Float(Read<'a, f32>),
    Bool(Read<'a, bool>),
    Text(Read<'a, Option<&'a str>>),
}

fn columns(metadata: &BTreeSet<String>) -> Vec<Column<'_>> {
    let fixed = [
        ("rank", Cells::Long(Box::new(|p| p.rank.cast_signed()))),
        ("id", Cells::Text(Box::new(|p| Some(p.record.id.as_str())))),
        ("score", Cells::Float(Box::new(|p| p.score))),
        ("probability", Cells::Float(Box::new(|p| p.probability))),
        ("positive", Cells::Bool(Box::new(|p| p.positive))),
        ("label", Cells::Text(Box::new(|p| p.record.label.as_deref()))),
        ("text", Cells::Text(Box::new(|p| p.record.text.as_deref()))),
    ];
    let fixed = fixed.map(|(name, cells)| Column { name: name.to_owned(), cells });
    let metadata = metadata.iter().map(|name| Column {
        name: column_name(name),
        cells: Cells::Text(Box::new(move |p| p.record.metadata.get(name).map(String::as_str))),
    });
    fixed.into_iter().chain(metadata).collect()
}

fn schema(columns: &[Column<'_>]) -> Result<TypePtr> {
    let fields = columns.iter().map(|column| {
        let (physical, repetition) = match column.cells {
            Cells::Long(_) => (Physical::INT64, Repetition::REQUIRED),
            Cells::Float(_) => (Physical::FLOAT, Repetition::REQUIRED),
            Cells::Bool(_) => (Physical::BOOLEAN, Repetition::REQUIRED),
            Cells::Text(_) => (Physical::BYTE_ARRAY, Repetition::OPTIONAL),
        };
        let string = matches!(column.cells, Cells::Text(_)).then_some(LogicalType::String);
        let field = Type::primitive_type_builder(&column.name, physical);
        field.with_repetition(repetition).with_logical_type(string).build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    Type::group_type_builder("predictions").with_fields(fields).build().map(Arc::new)
}

impl<'a> Cells<'a> {
    fn write<W: Write + Send>(
        &self,
        rows: &'a [Prediction],
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        match self {
            Self::Long(read) => column::<Int64Type, W>(&collect(rows, read), None, group),
            Self::Float(read) => column::<FloatType, W>(&collect(rows, read), None, group),
            Self::Bool(read) => column::<BoolType, W>(&collect(rows, read), None, group),
            Self::Text(read) => {
                let cells = collect(rows, read);
                let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
                let cells: Vec<_> = cells.into_iter().flatten().map(ByteArray::from).collect();
                column::<ByteArrayType, W>(&cells, Some(&levels), group)
            }
        }
    }
}

fn collect<'a, T>(rows: &'a [Prediction], read: &Read<'a, T>) -> Vec<T> {
    rows.iter().map(read).collect()
}

/// Writes the next column of a row group.
pub(crate) fn column<T: DataType, W: Write + Send>(
    cells: &[T::T],
    levels: Option<&[i16]>,
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<()> {
    if let Some(mut writer) = group.next_column()? {
        writer.typed::<T>().write_batch(cells, levels, None)?;
        writer.close()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    #[test]
    fn a_parquet_file_holds_every_row_and_column() {
        let mut out = Vec::new();
        write(&super::super::tests::predictions(), &mut out).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(out)).unwrap();
        let rows: Vec<String> =
            reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(rows.len(), 3);
        assert!(rows[1].contains("_rank: \"dean\""), "{}", rows[1]);
        assert!(rows[1].contains("text: \"two\nlines\""), "{}", rows[1]);
        assert!(rows[2].contains("text: null"), "{}", rows[2]);
    }
}
