//! The statements, as text. All values are parameters; names come from [`Table`], quoted.

use tokio_postgres::{Error, Row};

use super::table::Table;

/// Every transaction that the server knows of.
pub(super) const SNAPSHOT: &str = "SELECT txid_current_snapshot()::text";

/// Parameters: a table and its column of vectors, both quoted. The indexes of pgvector on all of the column: method,
/// operators, version of pgvector, and how many lists it has.
pub(super) const INDEXES: &str = "SELECT am.amname::text, o.opcname::text, e.extversion, \
     coalesce((SELECT option_value::int FROM pg_options_to_table(i.reloptions) WHERE option_name = 'lists'), 100) \
     FROM pg_extension e, pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am am ON am.oid = i.relam \
     JOIN pg_opclass o ON o.oid = x.indclass[0] \
     JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0] \
     WHERE e.extname = 'vector' AND x.indrelid = to_regclass($1) AND x.indisvalid AND x.indpred IS NULL \
     AND x.indnkeyatts = 1 AND am.amname IN ('hnsw', 'ivfflat') \
     AND '\"' || replace(a.attname, '\"', '\"\"') || '\"' = $2 ORDER BY am.amname, i.relname";

/// Parameter: a table, quoted. How many rows it has, and how often one was written, as far as the server has heard.
pub(super) const BELIEVED: &str = "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint, \
     coalesce(sum(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) \
       + pg_stat_get_tuples_deleted(c.oid)), 0)::bigint FROM pg_class c WHERE c.relkind = 'r' \
     AND (c.oid = to_regclass($1) OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass($1)) WHERE isleaf))";

/// What is said to a table.
pub(super) struct Sql<'a>(pub(super) &'a Table);

impl Sql<'_> {
    /// The score of a row for weights, their length and a bias, the first of which is the parameter `$first`: what the
    /// cosine distance of pgvector leaves, which is of the vector's direction whatever its length. NULL where there is no
    /// number.
    fn score(&self, length: f64, first: usize) -> String {
        let Table { embedding, extension, .. } = self.0;
        let vector = self.0.vector();
        let [weights, n, bias] = [first, first + 1, first + 2];
        // Weights of zero have no direction.
        let cosine = if length > 0.0 {
            format!(
                "(1 - (t.{embedding}::{vector} OPERATOR({extension}.<=>) ${weights}::{vector}))"
            )
        } else {
            format!("(cardinality(${weights}) * 0)")
        };
        format!("nullif(({cosine} * ${n} + ${bias})::real, 'NaN')")
    }

    /// Parameters: weights, their length, bias, excluded ids, the number of hits.
    pub(super) fn search(&self, length: f64) -> String {
        let Table { name, key, .. } = self.0;
        let (id, score, filled) = (key.text(), self.score(length, 1), self.0.filled());
        format!(
            "SELECT s.id, s.score FROM (SELECT {id} AS id, {score} AS score FROM {name} AS t WHERE {filled}) AS s \
             WHERE NOT EXISTS (SELECT FROM unnest($4) AS seen(id) WHERE seen.id = s.id) \
             ORDER BY s.score DESC NULLS LAST, s.id LIMIT $5"
        )
    }

    /// Parameters, for each survey: weights, their length, bias, excluded ids, threshold, the number of hits at the top,
    /// of those at the boundary, of bins. Each row is looked at once for all of them. Rows of the answer are told apart by
    /// their first columns: see [`Findings`].
    pub(super) fn surveys(&self, lengths: &[f64]) -> String {
        let Table { name, key, .. } = self.0;
        let (id, filled) = (key.text(), self.0.filled());
        let first = |n: usize| n * SURVEY_PARAMETERS + 1;
        let each = |write: &dyn Fn(usize) -> String| -> String {
            (0..lengths.len()).map(write).collect::<Vec<_>>().concat()
        };
        let scores = each(&|n| format!(", {} AS score_{n}", self.score(lengths[n], first(n))));
        let ends = each(&|n| {
            let threshold = first(n) + 4;
            format!(
                ", min(score_{n}) AS low_{n}, max(score_{n}) AS high_{n}, \
                 count(*) FILTER (WHERE score_{n} >= ${threshold}) AS n_above_{n}"
            )
        });
        let shown = each(&|n| {
            let excluded = first(n) + 3;
            format!(
                ", shown_{n} AS NOT MATERIALIZED (SELECT id, score_{n} AS score FROM scored WHERE score_{n} IS NOT NULL \
                   AND NOT EXISTS (SELECT FROM unnest(${excluded}) AS seen(id) WHERE seen.id = scored.id))"
            )
        });
        let parts: Vec<String> = (0..lengths.len()).map(|n| parts(n, first(n))).collect();
        format!(
            "WITH scored AS MATERIALIZED (SELECT {id} AS id{scores} FROM {name} AS t WHERE {filled}), \
             ends AS (SELECT count(*) AS n_points{ends} FROM scored){shown} {}",
            parts.join(" UNION ALL ")
        )
    }

    /// Parameters: weights, excluded ids, the number of rows. Ids and vectors, by an index on these: the nearest first, or
    /// nearly so.
    pub(super) fn nearest(&self, operator: &str) -> String {
        let Table { key, embedding, extension, .. } = self.0;
        let (points, value, id_type) = (self.points(), key.value(), key.type_name());
        let (filled, vector) = (self.0.filled(), self.0.own_type());
        format!(
            "{points} WHERE {value} <> ALL($2::{id_type}[]) AND {filled} \
             ORDER BY t.{embedding} OPERATOR({extension}.{operator}) $1::{vector} LIMIT $3"
        )
    }

    /// Parameter: how many. Vectors as they are.
    pub(super) fn first(&self) -> String {
        let Table { name, embedding, .. } = self.0;
        format!("SELECT t.{embedding}::real[] FROM {name} AS t WHERE {} LIMIT $1", self.0.filled())
    }

    /// Parameters: an id and a vector of each of so many points.
    pub(super) fn upsert(&self, n_points: usize) -> String {
        let Table { name, key, embedding, .. } = self.0;
        let (column, id_type) = (key.column(), key.type_name());
        let vector = self.0.own_type();
        let row = |n: usize| format!("(${}::{id_type}, ${}::{vector})", 2 * n + 1, 2 * n + 2);
        let rows: Vec<String> = (0..n_points).map(row).collect();
        format!(
            "INSERT INTO {name} ({column}, {embedding}) VALUES {} \
             ON CONFLICT ({column}) DO UPDATE SET {embedding} = excluded.{embedding}",
            rows.join(", ")
        )
    }

    /// Parameter: ids.
    pub(super) fn delete(&self) -> String {
        let Table { name, .. } = self.0;
        let (among, filled) = (self.among(1), self.0.filled());
        format!(
            "WITH gone AS (DELETE FROM {name} AS t WHERE {among} AND {filled} RETURNING 1) SELECT count(*) FROM gone"
        )
    }

    /// Parameter: ids.
    pub(super) fn fetch(&self) -> String {
        format!("{} WHERE {} AND {}", self.points(), self.among(1), self.0.filled())
    }

    /// Parameter: ids. The ids of those that are points.
    pub(super) fn ids_among(&self) -> String {
        let Table { name, key, .. } = self.0;
        let (id, among, filled) = (key.text(), self.among(1), self.0.filled());
        format!("SELECT {id} FROM {name} AS t WHERE {among} AND {filled}")
    }

    /// Parameter: ids.
    pub(super) fn texts(&self, column: &str) -> String {
        let Table { name, key, .. } = self.0;
        let (id, among, filled) = (key.text(), self.among(1), self.0.filled());
        format!("SELECT {id}, t.{column}::text FROM {name} AS t WHERE {among} AND {filled}")
    }

    /// Parameters: the table, quoted, and a column. The type of the column.
    pub(super) fn type_of_column() -> String {
        "SELECT t.typname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
         WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped"
            .to_owned()
    }

    /// Parameters: ids, and a score of each. The column is quoted.
    pub(super) fn write_scores(&self, column: &str) -> String {
        let Table { name, key, .. } = self.0;
        let (value, id_type) = (key.value(), key.type_name());
        format!(
            "WITH written AS (UPDATE {name} AS t SET {column} = s.score \
             FROM unnest($1::{id_type}[], $2::real[]) AS s(id, score) WHERE {value} = s.id RETURNING 1) \
             SELECT count(*) FROM written"
        )
    }

    /// Parameters: the id that rows come after, if they do, and how many.
    pub(super) fn rows_after(&self, is_after: bool) -> String {
        let key = &self.0.key;
        let (points, value, filled) = (self.points(), key.value(), self.0.filled());
        if is_after {
            let after = format!("{value} > $1::{}", key.type_name());
            format!("{points} WHERE {after} AND {filled} ORDER BY {value} LIMIT $2")
        } else {
            format!("{points} WHERE {filled} AND {value} IS NOT NULL ORDER BY {value} LIMIT $1")
        }
    }

    /// Parameters: a seed and how many. The order is that of a hash of seed and id, so it is the same however the
    /// rows were written.
    pub(super) fn sample(&self) -> String {
        let Table { name, key, .. } = self.0;
        let (id, filled) = (key.text(), self.0.filled());
        format!(
            "SELECT {id} FROM {name} AS t WHERE {filled} ORDER BY hashtextextended({id}, $1), 1 LIMIT $2"
        )
    }

    /// As [`Self::sample`], from a share of the blocks of the table, which the seed chooses.
    pub(super) fn sample_of_blocks(&self, share: f64, seed: u64) -> String {
        let Table { name, key, .. } = self.0;
        let (id, filled, percent) = (key.text(), self.0.filled(), 100.0 * share);
        let seed = seed % (1 << 31);
        format!(
            "SELECT {id} FROM {name} AS t TABLESAMPLE SYSTEM ({percent:.6}) REPEATABLE ({seed}) WHERE {filled} \
             ORDER BY hashtextextended({id}, $1), 1 LIMIT $2"
        )
    }

    pub(super) fn count(&self) -> String {
        format!("SELECT count(*) FROM {} AS t WHERE {}", self.0.name, self.0.filled())
    }

    /// How many rows there are, and the last transaction that has written one of them.
    pub(super) fn version(&self) -> String {
        let last =
            if self.0.has_transactions { "max(t.xmin::text::bigint)" } else { "NULL::bigint" };
        let (name, filled) = (&self.0.name, self.0.filled());
        format!("SELECT count(*), coalesce({last}, 0) FROM {name} AS t WHERE {filled}")
    }

    fn points(&self) -> String {
        let Table { name, key, embedding, .. } = self.0;
        format!("SELECT {}, t.{embedding}::real[] FROM {name} AS t", key.text())
    }

    fn among(&self, parameter: usize) -> String {
        let key = &self.0.key;
        format!("{} = ANY(${parameter}::{}[])", key.value(), key.type_name())
    }
}

/// What a survey is, in parameters.
const SURVEY_PARAMETERS: usize = 8;

/// The rows of one of several surveys, whose parameters begin with this one.
fn parts(n: usize, first: usize) -> String {
    let [n_top, n_boundary, n_bins] = [first + 5, first + 6, first + 7];
    format!(
        "(SELECT {n} AS survey, {TOP} AS part, id, score, NULL::bigint AS n FROM shown_{n} \
           ORDER BY score DESC, id LIMIT ${n_top}) \
         UNION ALL (SELECT {n}, {BOUNDARY}, id, score, NULL FROM shown_{n} ORDER BY abs(score), id LIMIT ${n_boundary}) \
         UNION ALL SELECT {n}, {LOW}, NULL, low_{n}, n_points FROM ends \
         UNION ALL SELECT {n}, {HIGH}, NULL, high_{n}, n_above_{n} FROM ends \
         UNION ALL (SELECT {n}, {BINS} + greatest(least(coalesce(floor((score_{n}::float8 - low_{n}) \
           / nullif(high_{n}::float8 - low_{n}, 0) * ${n_bins}), 0), ${n_bins} - 1), 0)::int, NULL, NULL, count(*) \
           FROM scored, ends WHERE score_{n} IS NOT NULL GROUP BY 2)"
    )
}

const TOP: i32 = 0;
const BOUNDARY: i32 = 1;
const LOW: i32 = 2;
const HIGH: i32 = 3;
const BINS: i32 = 4;

/// The rows of a survey, told apart. Those of the lists have an id and a score.
#[derive(Clone, Default)]
pub(super) struct Findings {
    pub(super) top: Vec<Listed>,
    pub(super) boundary: Vec<Listed>,
    pub(super) low: Option<f32>,
    pub(super) high: Option<f32>,
    pub(super) n_points: u64,
    pub(super) n_above: u64,
    /// Bins that are not empty, and how many scores they have.
    pub(super) bins: Vec<(usize, u64)>,
}

/// An id and a score.
pub(super) type Listed = (Option<String>, Option<f32>);

impl Findings {
    /// Gives each row to the survey that it is of.
    pub(super) fn of_each(rows: &[Row], n_surveys: usize) -> Result<Vec<Self>, Error> {
        let mut found = vec![Self::default(); n_surveys];
        for row in rows {
            let survey = usize::try_from(row.try_get::<_, i32>(0)?).ok();
            if let Some(found) = survey.and_then(|survey| found.get_mut(survey)) {
                found.take(row)?;
            }
        }
        Ok(found)
    }

    fn take(&mut self, row: &Row) -> Result<(), Error> {
        let score: Option<f32> = row.try_get(3)?;
        let n = row.try_get::<_, Option<i64>>(4)?.unwrap_or_default().cast_unsigned();
        match row.try_get(1)? {
            TOP => self.top.push((row.try_get(2)?, score)),
            BOUNDARY => self.boundary.push((row.try_get(2)?, score)),
            LOW => (self.low, self.n_points) = (score, n),
            HIGH => (self.high, self.n_above) = (score, n),
            bin => self.bins.push((usize::try_from(bin - BINS).unwrap_or(usize::MAX), n)),
        }
        Ok(())
    }
}
