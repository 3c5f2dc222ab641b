//! The same table, asked through the index on its vectors.
//!
//! Where a look at every row takes too long, `search=approximate` in the address lets an index of pgvector, `hnsw` or
//! `ivfflat`, find the highest scores. It misses some, the more the farther the weights lie from any row; those that it
//! finds are scored again here. What no index knows, the histogram, the counts and the boundary, is estimated from a
//! sample, as for other engines (`collection.rs`).
//!
//! Records that were seen are left out by the server. From pgvector 0.8 on it goes on looking until enough others are
//! found; before, an index gives `hnsw.ef_search` rows at most, or those of `ivfflat.probes` lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use linprobe_core::{Embedding, Hit, Point, RecordId, StoreError, StoreSpec, VectorStore};
use tokio_postgres::Row;

use super::{
    PAGE_BYTES, PgvectorStore,
    address::{Address, Effort, Search},
    limit_of,
    pool::{Deed, Statement, Value},
    sql::{self, Sql},
};
use crate::{
    collection::{CollectionStore, DOT_SLACK, Engine, Limits, Near, Page, Part, Sought, is_unit},
    remote::{Access, RemoteStore, Variables},
};

/// A table of PostgreSQL that is asked through an index.
pub type ApproximatePgvectorStore = CollectionStore<Approximate>;

/// The longest list that an index is asked for.
const MAX_HITS: usize = 10_000;

/// What `hnsw.ef_search` may be.
const MAX_EF_SEARCH: usize = 1_000;

/// And is at least.
const MIN_EF_SEARCH: usize = 200;

/// As pgvector has it where nothing is said.
const MAX_SCAN_TUPLES: usize = 20_000;

/// How far the server's arithmetic may be from ours, for distances of directions.
const SLACK: f32 = 1e-5;

/// Rows whose length is looked at where an index compares by dot products.
const N_LOOKED_AT: i64 = 1_000;

/// From so many rows on, what the server believes of a table stands for a look at every row.
const LARGE: u64 = 100_000;

/// A table, and the index on its vectors.
#[derive(Debug)]
pub struct Approximate {
    table: PgvectorStore,
    index: VectorIndex,
}

/// An index of pgvector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct VectorIndex {
    method: Method,
    metric: Metric,
    /// Whether it goes on looking until enough is found: from pgvector 0.8 on.
    is_iterative: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Hnsw { ef_search: Option<u32> },
    Ivfflat { probes: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Cosine,
    /// Of vectors of unit length.
    Dot,
    /// Of vectors of unit length.
    Euclid,
}

/// Opens the table of an address as it asks for: every row is looked at, or an index is.
pub(crate) async fn open(
    address: &str,
    access: Access,
    variables: &Variables,
) -> Result<Arc<dyn RemoteStore>, StoreError> {
    match Address::parse(address, variables)?.search {
        Search::Exact => Ok(Arc::new(PgvectorStore::open(address, access, variables).await?)),
        Search::Approximate(_) => {
            let store = ApproximatePgvectorStore::open(address, access, variables).await?;
            Ok(Arc::new(store))
        }
    }
}

impl ApproximatePgvectorStore {
    /// Opens the table of an address, whose index is asked.
    ///
    /// # Errors
    /// As [`PgvectorStore::open`], and [`StoreError::Unfit`] where no index is on the vectors.
    pub async fn open(
        address: &str,
        access: Access,
        variables: &Variables,
    ) -> Result<Self, StoreError> {
        let table = PgvectorStore::open(address, access, variables).await?;
        let index = table.index().await?;
        let spec = StoreSpec { exact: false, ..table.spec().clone() };
        let engine = Approximate { table, index };
        engine.check_lengths().await?;
        Ok(Self::new(spec, engine, access))
    }
}

impl PgvectorStore {
    /// The index on the vectors: one that compares directions, if there are several.
    async fn index(&self) -> Result<VectorIndex, StoreError> {
        let values = vec![Value::Text(&self.table.name), Value::Text(&self.table.embedding)];
        let rows = self.read(Statement { sql: sql::INDEXES.to_owned(), values }).await?;
        let effort = match self.pool.address().search {
            Search::Approximate(effort) => effort,
            Search::Exact => Effort::default(),
        };
        let found = rows.iter().filter_map(|row| VectorIndex::read(row, effort));
        found.min_by_key(|index| index.metric as u8).ok_or_else(|| {
            let (name, embedding) = (&self.table.name, &self.table.embedding);
            let operators = self.table.operators();
            StoreError::Unfit {
                store: self.address().to_owned(),
                reason: format!("no index of pgvector is on the column {embedding} of {name}"),
                hint: format!(
                    "leave out search=approximate, or let its owner say: \
                     CREATE INDEX ON {name} USING hnsw ({embedding} {operators})"
                ),
            }
        })
    }
}

impl VectorIndex {
    fn read(row: &Row, effort: Effort) -> Option<Self> {
        let [method, operators, version]: [&str; 3] = [row.get(0), row.get(1), row.get(2)];
        let n_lists: i32 = row.get(3);
        let method = match method {
            "hnsw" => Method::Hnsw { ef_search: effort.ef_search },
            // The square root of the lists is what pgvector's makers say to begin with.
            _ => Method::Ivfflat {
                probes: effort.probes.unwrap_or_else(|| n_lists.max(1).unsigned_abs().isqrt()),
            },
        };
        let metric = match operators.split_once('_').map(|(_type, metric)| metric)? {
            "cosine_ops" => Metric::Cosine,
            "ip_ops" => Metric::Dot,
            "l2_ops" => Metric::Euclid,
            _ => return None,
        };
        Some(Self { method, metric, is_iterative: is_iterative(version) })
    }

    /// How to look, for one transaction.
    fn settings(&self, limit: usize, n_excluded: usize) -> String {
        // A planner who thinks a long list dear would sort the whole table for it.
        let off = |name| (name, "off".to_owned());
        let mut settings = vec![off("enable_seqscan"), off("enable_sort")];
        match self.method {
            Method::Hnsw { ef_search } => {
                let wanted = if self.is_iterative { limit } else { limit + n_excluded };
                let wanted = (2 * wanted).clamp(MIN_EF_SEARCH, MAX_EF_SEARCH);
                let ef_search = ef_search.map_or(wanted, |asked| asked as usize);
                settings.push(("hnsw.ef_search", ef_search.to_string()));
                if self.is_iterative {
                    let most = MAX_SCAN_TUPLES.max(4 * (limit + n_excluded));
                    settings.push(("hnsw.iterative_scan", "relaxed_order".to_owned()));
                    settings.push(("hnsw.max_scan_tuples", most.to_string()));
                }
            }
            Method::Ivfflat { probes } => {
                settings.push(("ivfflat.probes", probes.to_string()));
                if self.is_iterative {
                    settings.push(("ivfflat.iterative_scan", "relaxed_order".to_owned()));
                }
            }
        }
        let calls =
            settings.iter().map(|(name, value)| format!("set_config('{name}', '{value}', true)"));
        format!("SELECT {}", calls.collect::<Vec<_>>().join(", "))
    }
}

impl Metric {
    /// The operator, which gives less for what is nearer.
    fn operator(self) -> &'static str {
        match self {
            Self::Cosine => "<=>",
            Self::Dot => "<#>",
            Self::Euclid => "<->",
        }
    }
}

/// Whether a version of pgvector goes on looking.
fn is_iterative(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) >= (0, 8)
}

/// What the server believes of a table.
struct Believed {
    n_rows: u64,
    n_changes: i64,
}

impl Approximate {
    fn sql(&self) -> Sql<'_> {
        self.table.sql()
    }

    /// Where an index compares by more than directions, vectors must have unit length.
    async fn check_lengths(&self) -> Result<(), StoreError> {
        if self.index.metric == Metric::Cosine {
            return Ok(());
        }
        let values = vec![Value::Int(N_LOOKED_AT)];
        let rows = self.table.read(Statement { sql: self.sql().first(), values }).await?;
        let lengths = rows.iter().map(|row| row.try_get::<_, Vec<f32>>(0));
        let vectors =
            lengths.collect::<Result<Vec<_>, _>>().map_err(|bad| self.table.strange(bad))?;
        if vectors.iter().all(|values| is_unit(values)) {
            return Ok(());
        }
        let (embedding, operators) = (&self.table.table.embedding, self.table.table.operators());
        Err(StoreError::Unfit {
            store: self.address().to_owned(),
            reason: "its index compares lengths, and the vectors are not all of unit length"
                .to_owned(),
            hint: format!("leave out search=approximate, or index {embedding} with {operators}"),
        })
    }

    /// How to look, and what for.
    fn statements<'a>(&self, sought: &Sought<'a>) -> [Statement<'a>; 2] {
        let exclude = self.table.possible(sought.exclude.iter());
        let settings = self.index.settings(sought.limit, exclude.len());
        let values = vec![
            Value::Reals(sought.direction.as_slice()),
            Value::Texts(exclude),
            Value::Int(limit_of(sought.limit)),
        ];
        let sql = self.sql().nearest(self.index.metric.operator());
        [Statement { sql: settings, values: Vec::new() }, Statement { sql, values }]
    }

    fn near(&self, direction: &Embedding, rows: &[Row]) -> Result<Vec<Near>, StoreError> {
        let near = self.table.points(rows)?.into_iter().map(|Point { id, embedding }| {
            let score = embedding.dot(direction.as_slice());
            Near { id, score, embedding: Some(embedding) }
        });
        let mut near: Vec<Near> = near.collect();
        // A server that goes on looking gives what it finds later behind what it found before.
        near.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(near)
    }

    async fn believed(&self) -> Result<Believed, StoreError> {
        let values = vec![Value::Text(&self.table.table.name)];
        let rows = self.table.read(Statement { sql: sql::BELIEVED.to_owned(), values }).await?;
        let [n_rows, n_changes]: [i64; 2] =
            [0, 1].map(|idx| rows.first().map_or(0, |row| row.get(idx)));
        Ok(Believed { n_rows: n_rows.max(0).cast_unsigned(), n_changes })
    }
}

#[async_trait]
impl Engine for Approximate {
    fn address(&self) -> &str {
        self.table.address()
    }

    fn limits(&self) -> Limits {
        let is_bounded =
            !self.index.is_iterative && matches!(self.index.method, Method::Hnsw { .. });
        Limits {
            max_hits: if is_bounded { MAX_EF_SEARCH } else { MAX_HITS },
            excludes: true,
            slack: if self.index.metric == Metric::Cosine { SLACK } else { DOT_SLACK },
            ids_per_page: self.table.page(),
            points_per_request: self.table.page(),
            coordinates_per_request: PAGE_BYTES / 8,
            max_listed: usize::MAX,
        }
    }

    /// All are asked for in one transaction, each with settings of its own.
    async fn nearest(&self, sought: &[Sought<'_>]) -> Result<Vec<Vec<Near>>, StoreError> {
        let statements: Vec<Statement<'_>> =
            sought.iter().flat_map(|sought| self.statements(sought)).collect();
        let answers = self.table.pool.ask(Deed::Read, &statements).await?;
        // Those of the settings say nothing.
        let answers = answers.iter().skip(1).step_by(2);
        sought.iter().zip(answers).map(|(sought, rows)| self.near(sought.direction, rows)).collect()
    }

    async fn page(
        &self,
        after: Option<&RecordId>,
        limit: usize,
        _part: Part,
    ) -> Result<Page, StoreError> {
        let (points, last) = self.table.rows_after(after.map(RecordId::as_str), limit).await?;
        let points = points.into_iter().map(|point| (point.id, Some(point.embedding))).collect();
        Ok(Page { points, last: last.and_then(|last| RecordId::new(last).ok()) })
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        self.table.fetch(ids).await
    }

    async fn contained(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        let values = vec![Value::Texts(self.table.possible(ids.iter()))];
        let rows = self.table.read(Statement { sql: self.sql().ids_among(), values }).await?;
        Ok(rows
            .iter()
            .filter_map(|row| RecordId::new(row.get::<_, Option<&str>>(0)?).ok())
            .collect())
    }

    async fn upsert(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        self.table.write_points(points).await
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<(), StoreError> {
        self.table.delete(ids).await.map(drop)
    }

    async fn count(&self) -> Result<u64, StoreError> {
        self.table.count().await
    }

    /// As the server believes, if these are many; of few, exactly. Of a condition it believes nothing.
    async fn about(&self) -> Result<u64, StoreError> {
        if self.table.table.condition.is_some() {
            return self.count().await;
        }
        match self.believed().await?.n_rows {
            n_rows if n_rows >= LARGE => Ok(n_rows),
            _ => self.count().await,
        }
    }

    /// Of a large table what the server has counted of its changes, which it does some seconds after each.
    async fn version(&self) -> Result<u64, StoreError> {
        let Believed { n_rows, n_changes } = self.believed().await?;
        if n_rows >= LARGE { Ok(n_changes.cast_unsigned()) } else { self.table.version().await }
    }

    /// Of a large table only some blocks are looked at, those of four times as many rows as are wanted; but all of them
    /// where nobody knows how many rows are records.
    async fn draw(&self, n_points: usize, seed: u64) -> Result<Option<Vec<RecordId>>, StoreError> {
        let n_rows = self.believed().await?.n_rows;
        let share = 4.0 * n_points as f64 / n_rows.max(1) as f64;
        let is_partly = self.table.table.condition.is_some();
        let sql = if is_partly || n_rows < LARGE || share >= 1.0 {
            self.sql().sample()
        } else {
            self.sql().sample_of_blocks(share, seed)
        };
        self.table.drawn(sql, n_points, seed).await.map(Some)
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.table.flush().await
    }

    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError> {
        self.table.texts(ids).await
    }

    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        self.table.check_score_column(column).await
    }

    async fn write_scores(&self, column: &str, scores: &[Hit]) -> Result<u64, StoreError> {
        self.table.write_scores(column, scores).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(method: Method, is_iterative: bool) -> VectorIndex {
        VectorIndex { method, metric: Metric::Cosine, is_iterative }
    }

    #[test]
    fn versions_that_go_on_looking_are_known() {
        for (version, expected) in [
            ("0.8.0", true),
            ("0.8.5", true),
            ("0.10.1", true),
            ("1.0", true),
            ("0.7.4", false),
            ("", false),
        ] {
            assert_eq!(is_iterative(version), expected, "{version}");
        }
    }

    #[test]
    fn an_index_is_asked_for_enough_and_for_what_it_can_give() {
        let hnsw = Method::Hnsw { ef_search: None };
        let old = index(hnsw, false).settings(100, 300);
        assert!(old.contains("'hnsw.ef_search', '800'") && !old.contains("iterative"), "{old}");
        assert!(index(hnsw, false).settings(100, 5_000).contains("'1000'"));
        let new = index(hnsw, true).settings(20, 9_000);
        assert!(new.contains("'200'") && new.contains("'hnsw.max_scan_tuples', '36080'"), "{new}");
        let asked = index(Method::Hnsw { ef_search: Some(64) }, true).settings(100, 0);
        assert!(asked.contains("'hnsw.ef_search', '64'"), "{asked}");
        let lists = index(Method::Ivfflat { probes: 31 }, true).settings(100, 0);
        assert!(lists.contains("'ivfflat.probes', '31'") && !lists.contains("hnsw"), "{lists}");
    }
}
