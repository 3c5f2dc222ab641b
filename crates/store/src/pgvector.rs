//! A table of PostgreSQL with a column of pgvector, asked where it is.
//!
//! Every answer is worked out by the server, over every row and in single precision: a search sorts by the exact score,
//! and a survey's lists, histogram and counts come from one statement. No index on the vectors is needed, and none is
//! used unless the address asks for it (`approximate.rs`); they know nothing of decision boundaries. The price is a look at each row, which the server shares out among
//! its processes. Scores are of the direction of a vector, whatever its length, so a table need not be normalized.
//!
//! Only rows with an embedding are points. A vector of zeros has no direction: it is in no list, and is counted.

mod address;
mod approximate;
mod failure;
mod key;
mod passfile;
mod pool;
mod sql;
mod table;
mod tls;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use linprobe_core::{
    Embedding, Histogram, Hit, Point, Query, RecordId, StoreError, StoreSpec, Survey, SurveyReport,
    VectorStore,
};
use tokio_postgres::Row;

pub use self::approximate::ApproximatePgvectorStore;
pub(crate) use self::approximate::open;
use self::{
    address::Address,
    pool::{Deed, Pool, Statement, Value},
    sql::{Findings, Listed, Sql},
    table::{Table, quoted},
};
use crate::{
    dimension::check_dimension,
    remote::{Access, RemoteStore, Variables},
    version::version_of,
};

/// Bytes of embeddings that are read or written with one statement.
const PAGE_BYTES: usize = 8 << 20;

/// Rows that are read or written with one statement, at most: each is two of the 65,535 parameters that one has.
const MAX_PAGE: usize = 4096;

/// Surveys that one statement answers, at most: a round asks for up to three.
const MAX_SURVEYS: usize = 8;

/// A table of PostgreSQL.
#[derive(Debug)]
pub struct PgvectorStore {
    spec: StoreSpec,
    pool: Pool,
    table: Table,
    access: Access,
    /// The version that belonged to the last state of the whole server.
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Debug)]
struct Seen {
    /// The transactions that the server knew of.
    snapshot: String,
    version: u64,
}

impl PgvectorStore {
    /// Opens the table of an address. Every row is looked at, whatever the address says of an index.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::Unreachable`], [`StoreError::Refused`] or [`StoreError::Unfit`];
    /// [`StoreError::Dimension`] where it is to be written and has another dimension.
    pub async fn open(
        address: &str,
        access: Access,
        variables: &Variables,
    ) -> Result<Self, StoreError> {
        let pool = Pool::new(Address::parse(address, variables)?)?;
        let table = Table::find(&pool, access).await?;
        let spec = StoreSpec {
            kind: "pgvector",
            dimension: table.dimension,
            precision: table.precision,
            exact: true,
        };
        Ok(Self { spec, pool, table, access, seen: Mutex::default() })
    }

    async fn read(&self, statement: Statement<'_>) -> Result<Vec<Row>, StoreError> {
        self.pool.rows(Deed::Read, statement).await
    }

    fn sql(&self) -> Sql<'_> {
        Sql(&self.table)
    }

    fn check_dimension(&self, found: usize) -> Result<(), StoreError> {
        check_dimension(self.spec.dimension, found)
    }

    /// The ids that rows can have.
    fn possible<'a>(&self, ids: impl Iterator<Item = &'a RecordId>) -> Vec<&'a str> {
        ids.map(RecordId::as_str).filter(|id| self.table.key.takes(id)).collect()
    }

    fn check_ids(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        let key = &self.table.key;
        match points.iter().map(|(id, _)| id).find(|id| !key.takes(id.as_str())) {
            None => Ok(()),
            Some(id) => Err(StoreError::Unfit {
                store: self.address().to_owned(),
                reason: format!(
                    "its column {} of type {} has no room for the id {:?}",
                    key.column(),
                    key.type_name(),
                    id.as_str()
                ),
                hint: "write to a table whose ids are text".to_owned(),
            }),
        }
    }

    /// Writes points, each id once: all of them or none.
    async fn write_points(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        self.check_ids(points)?;
        let statements: Vec<Statement<'_>> =
            points.chunks(self.page()).map(|page| self.upsert_page(page)).collect();
        if statements.is_empty() {
            return Ok(());
        }
        self.pool.ask(Deed::Write, &statements).await.map(drop)
    }

    fn upsert_page<'a>(&self, page: &[(&'a RecordId, &'a Embedding)]) -> Statement<'a> {
        let mut values = Vec::with_capacity(2 * page.len());
        for (id, embedding) in page {
            values.extend([Value::Text(id.as_str()), Value::Reals(embedding.as_slice())]);
        }
        Statement { sql: self.sql().upsert(page.len()), values }
    }

    /// Rows to a page.
    fn page(&self) -> usize {
        (PAGE_BYTES / (8 * self.spec.dimension.max(1))).clamp(1, MAX_PAGE)
    }

    /// Reads at most `limit` rows that come after an id, in the order of the server; and the last id among them,
    /// of a point or not.
    async fn rows_after(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Point>, Option<String>), StoreError> {
        let values = after.map(Value::Text).into_iter().chain([Value::Int(limit_of(limit))]);
        let sql = self.sql().rows_after(after.is_some());
        let rows = self.read(Statement { sql, values: values.collect() }).await?;
        let last = if rows.len() < limit { None } else { rows.last() };
        let last = last.map(|row| row.try_get(0).map_err(|bad| self.strange(bad))).transpose()?;
        Ok((self.points(&rows)?, last))
    }

    /// The ids that a statement draws.
    async fn drawn(
        &self,
        sql: String,
        n_points: usize,
        seed: u64,
    ) -> Result<Vec<RecordId>, StoreError> {
        let values = vec![Value::Int(seed.cast_signed()), Value::Int(limit_of(n_points))];
        let rows = self.read(Statement { sql, values }).await?;
        let ids = rows.iter().filter_map(|row| RecordId::new(row.get::<_, Option<&str>>(0)?).ok());
        Ok(ids.collect())
    }

    async fn check_is_there(&self, id: &RecordId) -> Result<(), StoreError> {
        let mut found = false;
        if self.table.key.takes(id.as_str()) {
            let values = vec![Value::Texts(vec![id.as_str()])];
            let sql = self.sql().ids_among();
            found = !self.read(Statement { sql, values }).await?.is_empty();
        }
        if found { Ok(()) } else { Err(StoreError::UnknownPoint { id: id.clone() }) }
    }

    /// Rows of an id and a vector as points. A row whose id no record can have, or whose vector has no direction,
    /// is none.
    fn points(&self, rows: &[Row]) -> Result<Vec<Point>, StoreError> {
        let point = |row: &Row| -> Result<Option<Point>, StoreError> {
            let id: Option<&str> = row.try_get(0).map_err(|bad| self.strange(bad))?;
            let values: Vec<f32> = row.try_get(1).map_err(|bad| self.strange(bad))?;
            self.check_dimension(values.len())?;
            let id = id.and_then(|id| RecordId::new(id).ok());
            let embedding = Embedding::normalize(values).ok();
            Ok(id.zip(embedding).map(|(id, embedding)| Point { id, embedding }))
        };
        rows.iter().filter_map(|row| point(row).transpose()).collect()
    }

    fn strange(&self, bad: tokio_postgres::Error) -> StoreError {
        StoreError::Failed { store: self.address().to_owned(), source: bad.into() }
    }

    /// Answers some surveys by one statement.
    async fn surveyed(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        let lengths: Vec<f64> = surveys.iter().map(|survey| length(survey.weights)).collect();
        let values = surveys.iter().zip(&lengths).flat_map(|(survey, &length)| {
            [
                Value::Reals(survey.weights),
                Value::Double(length),
                Value::Double(survey.bias.into()),
                Value::Texts(survey.exclude.iter().map(RecordId::as_str).collect()),
                Value::Double(survey.threshold.into()),
                Value::Int(limit_of(survey.top_k)),
                Value::Int(limit_of(survey.n_boundary)),
                Value::Int(limit_of(survey.n_bins)),
            ]
        });
        let statement = Statement { sql: self.sql().surveys(&lengths), values: values.collect() };
        let rows = self.read(statement).await?;
        let found = Findings::of_each(&rows, surveys.len()).map_err(|bad| self.strange(bad))?;
        Ok(surveys.iter().zip(found).map(|(survey, found)| report(found, survey)).collect())
    }
}

fn report(found: Findings, survey: &Survey<'_>) -> SurveyReport {
    let mut counts = vec![0; survey.n_bins];
    for (bin, count) in found.bins {
        counts.get_mut(bin).into_iter().for_each(|place| *place = count);
    }
    let (low, high) = (found.low.unwrap_or_default() + 0.0, found.high.unwrap_or_default() + 0.0);
    SurveyReport {
        top: hits(found.top),
        boundary: hits(found.boundary),
        histogram: Histogram { low, high, counts },
        n_above: found.n_above,
        n_points: found.n_points,
        estimated: false,
    }
}

#[async_trait]
impl VectorStore for PgvectorStore {
    fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        self.access.check_writable(self.address())?;
        points.iter().try_for_each(|point| self.check_dimension(point.embedding.dimension()))?;
        let last_of_each: BTreeMap<&RecordId, &Embedding> =
            points.iter().map(|point| (&point.id, &point.embedding)).collect();
        self.write_points(&last_of_each.into_iter().collect::<Vec<_>>()).await
    }

    /// A connection that breaks while it waits for the answer lets the same be asked once more, and then it counts
    /// only what was still there.
    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        self.access.check_writable(self.address())?;
        let ids = self.possible(ids.iter());
        if ids.is_empty() {
            return Ok(0);
        }
        let statement = Statement { sql: self.sql().delete(), values: vec![Value::Texts(ids)] };
        let rows = self.pool.rows(Deed::Write, statement).await?;
        let n_gone: i64 =
            rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(|bad| self.strange(bad))?;
        Ok(n_gone.cast_unsigned())
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        self.check_dimension(query.weights.len())?;
        let values = vec![
            Value::Reals(query.weights),
            Value::Double(length(query.weights)),
            Value::Double(0.0),
            Value::Texts(query.exclude.iter().map(RecordId::as_str).collect()),
            Value::Int(limit_of(query.top_k)),
        ];
        let sql = self.sql().search(length(query.weights));
        let rows = self.read(Statement { sql, values }).await?;
        let listed = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        Ok(hits(listed.collect::<Result<_, _>>().map_err(|bad| self.strange(bad))?))
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        let mut reports = self.survey_all(&[survey]).await?;
        Ok(reports.pop().expect("each survey has a report"))
    }

    /// Each row is looked at once for as many surveys as one statement has.
    async fn survey_all(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        surveys.iter().try_for_each(|survey| self.check_dimension(survey.weights.len()))?;
        let mut reports = Vec::with_capacity(surveys.len());
        for some in surveys.chunks(MAX_SURVEYS) {
            reports.extend(self.surveyed(some).await?);
        }
        Ok(reports)
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        let mut found = BTreeMap::new();
        for page in ids.chunks(self.page()) {
            let values = vec![Value::Texts(self.possible(page.iter()))];
            let rows = self.read(Statement { sql: self.sql().fetch(), values }).await?;
            found.extend(self.points(&rows)?.into_iter().map(|point| (point.id, point.embedding)));
        }
        let point = |(id, embedding): (&RecordId, &Embedding)| Point {
            id: id.clone(),
            embedding: embedding.clone(),
        };
        Ok(ids.iter().filter_map(|id| found.get_key_value(id)).map(point).collect())
    }

    async fn scan(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<Point>, StoreError> {
        if let Some(id) = after {
            self.check_is_there(id).await?;
        }
        let mut points = Vec::new();
        let mut after = after.map(|id| id.as_str().to_owned());
        while points.len() < limit {
            let page = self.page().min(limit - points.len());
            let (more, last) = self.rows_after(after.as_deref(), page).await?;
            points.extend(more);
            if last.is_none() {
                break;
            }
            after = last;
        }
        Ok(points)
    }

    async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError> {
        self.fetch(&self.drawn(self.sql().sample(), n_points, seed).await?).await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let statement = Statement { sql: self.sql().count(), values: Vec::new() };
        let rows = self.read(statement).await?;
        let n_points: i64 =
            rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(|bad| self.strange(bad))?;
        Ok(n_points.cast_unsigned())
    }

    /// The number of rows and the last transaction that wrote one, as one number. Where the server has seen no
    /// transaction since it was asked last, nothing is counted again.
    async fn version(&self) -> Result<u64, StoreError> {
        let statement = Statement { sql: sql::SNAPSHOT.to_owned(), values: Vec::new() };
        let rows = self.read(statement).await?;
        let snapshot: String = rows.first().map_or_else(String::new, |row| row.get(0));
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(seen) = seen.filter(|seen| seen.snapshot == snapshot) {
            return Ok(seen.version);
        }
        let statement = Statement { sql: self.sql().version(), values: Vec::new() };
        let rows = self.read(statement).await?;
        let row = rows.first();
        let [n_points, last]: [i64; 2] = [0, 1].map(|idx| row.map_or(0, |row| row.get(idx)));
        let version = version_of([n_points.cast_unsigned(), last.cast_unsigned()]);
        let seen = Some(Seen { snapshot, version });
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(version)
    }

    /// What was written is durable when the server has said so: there is nothing left to do.
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl RemoteStore for PgvectorStore {
    fn address(&self) -> &str {
        &self.pool.address().shown
    }

    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError> {
        let Some(column) = &self.table.text else { return Ok(BTreeMap::new()) };
        let values = vec![Value::Texts(self.possible(ids.iter()))];
        let rows = self.read(Statement { sql: self.sql().texts(column), values }).await?;
        let text = |row: &Row| -> Option<(RecordId, String)> {
            Some((RecordId::new(row.get::<_, Option<&str>>(0)?).ok()?, row.get::<_, Option<_>>(1)?))
        };
        Ok(rows.iter().filter_map(text).collect())
    }

    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        const NUMBERS: [&str; 3] = ["float4", "float8", "numeric"];
        let name = &self.table.name;
        let values = vec![Value::Text(name), Value::Text(column)];
        let rows = self.read(Statement { sql: Sql::type_of_column(), values }).await?;
        let kind: Option<String> = rows.first().map(|row| row.get(0));
        let (reason, change) = match kind {
            Some(kind) if NUMBERS.contains(&kind.as_str()) => return Ok(()),
            Some(kind) => (format!("its column {column:?} holds {kind}, no scores"), "another"),
            None => (format!("it has no column {column:?}"), "one"),
        };
        let hint = format!(
            "let its owner make {change}: ALTER TABLE {name} ADD COLUMN {} real",
            quoted(if change == "one" { column } else { "score" })
        );
        Err(StoreError::Unfit { store: self.address().to_owned(), reason, hint })
    }

    async fn write_scores(&self, column: &str, scores: &[Hit]) -> Result<u64, StoreError> {
        self.access.check_writable(self.address())?;
        let scores = scores.iter().filter(|hit| self.table.key.takes(hit.id.as_str()));
        let (ids, scores): (Vec<&str>, Vec<f32>) =
            scores.map(|hit| (hit.id.as_str(), hit.score)).unzip();
        let values = vec![Value::Texts(ids), Value::Reals(&scores)];
        let sql = self.sql().write_scores(&quoted(column));
        let rows = self.pool.rows(Deed::Write, Statement { sql, values }).await?;
        let n_written: i64 =
            rows.first().map_or(Ok(0), |row| row.try_get(0)).map_err(|bad| self.strange(bad))?;
        Ok(n_written.cast_unsigned())
    }
}

/// Rows as hits. A row whose id no record can have is none.
fn hits(listed: Vec<Listed>) -> Vec<Hit> {
    let hit = |(id, score): Listed| {
        // A score of minus zero is one of zero.
        Some(Hit { id: RecordId::new(id?).ok()?, score: score? + 0.0 })
    };
    listed.into_iter().filter_map(hit).collect()
}

fn length(weights: &[f32]) -> f64 {
    weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt()
}

fn limit_of(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
