//! Scores, written to a field of rows.
//!
//! Milvus changes no field of a row: the whole row is read and written again, to the byte. Where that would change anything
//! else, no score is written. What somebody else writes to a row in between is lost.

use std::collections::BTreeMap;

use linprobe_core::{Hit, RecordId, StoreError};

use super::{
    MAX_FILTER, Milvus, N_LOOKED_AT,
    column::Table,
    layout::Layout,
    proto::{Column, Kind, ShowPartitions},
};
use crate::collection::{Engine, Part, check_field, check_numbers};

impl Milvus {
    /// Makes sure that scores can be written to a field. In none of the schema, the first rows must have nothing else.
    pub(super) async fn check_scores(&self, column: &str) -> Result<(), StoreError> {
        check_field(self.address(), column)?;
        let kind = self.kind_of_scores(column)?;
        self.check_rewritable().await?;
        if kind.is_none() {
            let fields = self.fields(Part::Ids).into_iter().chain([column.to_owned()]).collect();
            let table = self.table(None, Some(N_LOOKED_AT), fields).await?;
            let values = table.texts(column).into_iter().flatten();
            check_numbers(self.address(), column, values.map(|text| text.parse::<f64>().is_ok()))?;
        }
        Ok(())
    }

    /// The rows are read with all their fields, to the byte, and written again with the score.
    pub(super) async fn rewrite(&self, column: &str, scores: &[Hit]) -> Result<u64, StoreError> {
        let kind = self.kind_of_scores(column)?;
        let key = &self.layout.key;
        let scores: BTreeMap<&RecordId, f32> = scores.iter().map(|it| (&it.id, it.score)).collect();
        let Some(filter) = key.among(scores.keys().copied(), MAX_FILTER) else { return Ok(0) };
        let fields = self.fields(Part::Points).into_iter().chain(self.layout.kept()).collect();
        let columns = self.columns(Some(filter), None, fields).await?;
        let table = Table::read(&columns).map_err(|bad| self.strange(&bad))?;
        let rows = table.ids(key);
        let Ok(n_rows @ 1..) = u32::try_from(rows.len()) else { return Ok(0) };
        let of_row = |id: &Option<RecordId>| scores.get(id.as_ref()?).copied();
        let of_rows: Option<Vec<f32>> = rows.iter().map(of_row).collect();
        let changed = of_rows.and_then(|of_rows| match kind {
            Some(kind) => Some(Column::of_scores(column, kind, &of_rows)),
            None => table.into_dynamic()?.with_scores(column, &of_rows),
        });
        let changed = changed.ok_or_else(|| self.failed("rows came that were not asked for"))?;
        let is_replaced =
            |read: &Column| if kind.is_some() { read.name == column } else { read.is_dynamic };
        let mut columns = self.unchanged(&columns, is_replaced)?;
        columns.push(changed.encoded());
        self.put(columns, n_rows).await?;
        Ok(n_rows.into())
    }

    /// A row that is written again must stay in its partition, and keep its key.
    async fn check_rewritable(&self) -> Result<(), StoreError> {
        if self.layout.key.is_auto {
            let reason = "it makes the keys itself, so a row that is written again gets another";
            return Err(self.unfit(reason, "write the scores to a file"));
        }
        if self.partition.is_some() || self.layout.has_partition_key {
            return Ok(());
        }
        let question = ShowPartitions { collection: self.collection.clone() };
        let partitions = self.client.tell(question).await?.names;
        if partitions.len() < 2 {
            return Ok(());
        }
        let reason = "it has partitions, and a row that is written again would leave its own";
        Err(self.unfit(reason, format!("name one with &partition=: {}", partitions.join(", "))))
    }

    /// The kind of a field of the schema that scores can be written to; none of one that is in no schema.
    fn kind_of_scores(&self, column: &str) -> Result<Option<Kind>, StoreError> {
        let Layout { key, vector, others, numbers, is_dynamic, .. } = &self.layout;
        if let Some((_, kind)) = numbers.iter().find(|(name, _)| name == column) {
            return Ok(Some(*kind));
        }
        if [&key.name, vector].into_iter().chain(others).any(|name| name == column) {
            let hint = "name a field of FLOAT or DOUBLE";
            return Err(self.unfit(format!("its field {column:?} holds no scores"), hint));
        }
        if *is_dynamic {
            return Ok(None);
        }
        let hint = "make a collection with such a field, FLOAT, or with dynamic fields: a schema stays as it is";
        Err(self.unfit(format!("it has no field {column:?}"), hint))
    }
}
