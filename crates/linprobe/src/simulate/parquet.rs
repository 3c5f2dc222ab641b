//! Learning curves as a Parquet file, Snappy compressed: the columns of the csv.

use std::{io, path::Path, sync::Arc};

use linprobe_session::simulate::{Curve, Row};
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::Result,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};

use crate::{error::ProjectError, files::write_atomic_with};

/// How the cells of a column are read from a row.
#[derive(Clone, Copy)]
enum Cells {
    Text(fn(&Row) -> &str),
    Count(fn(&Row) -> u64),
    Number(fn(&Row) -> f64),
}

const COLUMNS: [(&str, Cells); 20] = [
    ("concept", Cells::Text(|row| &row.concept)),
    ("start", Cells::Text(|row| &row.start)),
    ("player", Cells::Text(|row| &row.player)),
    ("oracle", Cells::Text(|row| &row.oracle)),
    ("seed", Cells::Count(|row| row.seed)),
    ("n_pool", Cells::Count(|row| row.n_pool as u64)),
    ("n_labels", Cells::Count(|row| row.n_labels as u64)),
    ("n_found", Cells::Count(|row| row.n_found as u64)),
    ("n_relevant", Cells::Count(|row| row.n_relevant as u64)),
    ("held_out_ap", Cells::Number(|row| row.held_out_ap)),
    ("pool_ap", Cells::Number(|row| row.pool_ap)),
    ("f1", Cells::Number(|row| row.f1)),
    ("best_f1", Cells::Number(|row| row.best_f1)),
    ("informed_f1", Cells::Number(|row| row.informed_f1)),
    ("shown_ap", Cells::Number(|row| row.shown_ap)),
    ("n_expected", Cells::Number(|row| row.n_expected)),
    ("brier", Cells::Number(|row| row.brier)),
    ("ece", Cells::Number(|row| row.ece)),
    ("fit_ms", Cells::Number(|row| row.fit_ms)),
    ("query_ms", Cells::Number(|row| row.query_ms)),
];

/// Writes curves, whole or not at all.
pub(super) fn write(curves: &[Curve], path: &Path) -> std::result::Result<(), ProjectError> {
    let rows: Vec<Row> = curves.iter().flat_map(Curve::rows).collect();
    write_atomic_with(path, |file| write_to(&rows, file).map_err(io::Error::other))
}

fn write_to(rows: &[Row], out: impl io::Write + Send) -> Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, schema()?, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    COLUMNS.iter().try_for_each(|(_, cells)| cells.write(rows, &mut group))?;
    group.close()?;
    writer.close().map(drop)
}

fn schema() -> Result<TypePtr> {
    let field = |(name, cells): (&str, Cells)| {
        let (physical, logical) = match cells {
            Cells::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Cells::Count(_) => (Physical::INT64, None),
            Cells::Number(_) => (Physical::DOUBLE, None),
        };
        let field = Type::primitive_type_builder(name, physical);
        let field = field.with_repetition(Repetition::REQUIRED).with_logical_type(logical);
        field.build().map(Arc::new)
    };
    let fields = COLUMNS.into_iter().map(field).collect::<Result<Vec<_>>>()?;
    Type::group_type_builder("curves").with_fields(fields).build().map(Arc::new)
}

impl Cells {
    fn write<W: io::Write + Send>(
        self,
        rows: &[Row],
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        match self {
            Self::Text(read) => {
                let cells: Vec<ByteArray> =
                    rows.iter().map(|row| ByteArray::from(read(row))).collect();
                column::<ByteArrayType, W>(&cells, group)
            }
            Self::Count(read) => {
                let cells: Vec<i64> = rows.iter().map(|row| read(row).cast_signed()).collect();
                column::<Int64Type, W>(&cells, group)
            }
            Self::Number(read) => {
                let cells: Vec<f64> = rows.iter().map(read).collect();
                column::<DoubleType, W>(&cells, group)
            }
        }
    }
}

fn column<T: DataType, W: io::Write + Send>(
    cells: &[T::T],
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<()> {
    if let Some(mut writer) = group.next_column()? {
        writer.typed::<T>().write_batch(cells, None, None)?;
        writer.close()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use linprobe_session::simulate::{CurvePoint, GameKey, Quality};
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    fn curve() -> Curve {
        let text = str::to_owned;
        let (start, oracle) = (text("name"), text("exact"));
        let key = GameKey { concept: text("é"), start, player: text("seesaw"), oracle, seed: 7 };
        let held_out = Quality { ap: 0.25, ..Quality::default() };
        let points = vec![CurvePoint { n_labels: 10, held_out, ..CurvePoint::default() }; 2];
        Curve { key, points, found: Vec::new() }
    }

    #[test]
    fn a_parquet_file_holds_the_rows_and_columns_of_the_csv() {
        let rows: Vec<Row> = curve().rows().collect();
        let mut out = Vec::new();
        write_to(&rows, &mut out).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(out)).unwrap();
        let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        let csv = serde_json::to_value(&rows[0]).unwrap();
        let names: std::collections::BTreeSet<&str> =
            csv.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, COLUMNS.map(|(name, _)| name).into(), "the columns of the csv");
        let shown = read[1].to_string();
        assert!(shown.contains("concept: \"é\"") && shown.contains("seed: 7"), "{shown}");
        assert!(shown.contains("n_labels: 10") && shown.contains("held_out_ap: 0.25"), "{shown}");
    }
}
