//! The table: where its ids and embeddings are, and how both are written in SQL.
//!
//! Any table will do that has a column of ids and one of vectors. Nothing of the address becomes SQL but as a quoted
//! name that the server's own catalogue has confirmed.

use linprobe_core::{Precision, StoreError};
use tokio_postgres::Row;

use super::{
    address::Columns,
    key::Key,
    pool::{Deed, Pool, Statement, Value},
};
use crate::remote::{Access, not_seen};

/// A table with embeddings.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Schema and name, quoted.
    pub(super) name: String,
    pub(super) key: Key,
    /// The column of embeddings, quoted.
    pub(super) embedding: String,
    /// Whether a row may lack its embedding.
    pub(super) has_gaps: bool,
    /// What rows must be for there to be a record, as the address has it.
    pub(super) condition: Option<String>,
    /// The schema that pgvector is installed in, quoted.
    pub(super) extension: String,
    pub(super) precision: Precision,
    pub(super) dimension: usize,
    /// The column of texts, quoted.
    pub(super) text: Option<String>,
    /// Whether rows have numbers of the transactions that wrote them: views have none.
    pub(super) has_transactions: bool,
}

/// A column, as the server's catalogue knows it.
struct Column {
    schema: String,
    table: String,
    kind: String,
    name: String,
    type_name: String,
    type_modifier: i32,
    is_filled: bool,
    is_unique: bool,
    is_primary: bool,
}

/// The columns of a table, none if there is no such table.
const COLUMNS: &str = "SELECT n.nspname::text, c.relname::text, c.relkind::text, a.attname::text, \
     t.typname::text, a.atttypmod, a.attnotnull, coalesce(i.is_unique, false), coalesce(i.is_primary, false) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     JOIN pg_type t ON t.oid = a.atttypid \
     LEFT JOIN LATERAL (SELECT true AS is_unique, bool_or(x.indisprimary) AS is_primary FROM pg_index x \
       WHERE x.indrelid = c.oid AND x.indisunique AND x.indimmediate AND x.indisvalid AND x.indpred IS NULL \
       AND x.indnkeyatts = 1 AND x.indkey[0] = a.attnum HAVING count(*) > 0) i ON true \
     WHERE c.oid = to_regclass($1) ORDER BY a.attnum";

const EXTENSION: &str = "SELECT quote_ident(n.nspname) FROM pg_extension e \
     JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'";

/// Columns that hold vectors, for whoever named another table.
const CANDIDATES: &str = "SELECT n.nspname || '.' || c.relname || ' (' || a.attname || ')' \
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_type t ON t.oid = a.atttypid WHERE t.typname IN ('vector', 'halfvec') \
     AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT a.attisdropped ORDER BY 1 LIMIT 10";

impl Table {
    /// Finds the table of an address; for writing, makes it if it is not there.
    pub(super) async fn find(pool: &Pool, access: Access) -> Result<Self, StoreError> {
        let finder = Finder { pool, named: &pool.address().columns };
        if access != Access::Read && finder.named.condition.is_some() {
            return Err(not_seen(&pool.address().shown, "where"));
        }
        let extension = finder.extension().await?;
        let mut columns = finder.columns().await?;
        if let (true, Access::Write { dimension }) = (columns.is_empty(), access) {
            let made = finder.make(&extension, dimension).await;
            columns = finder.columns().await?;
            if columns.is_empty() {
                made?;
            }
            // Else it is there, whoever was faster: "IF NOT EXISTS" fails where two make it at once.
        }
        let table = finder.table(columns, extension).await?;
        finder.check_condition(&table.table).await?;
        finder.check_ids(&table).await?;
        if let Access::Write { dimension } = access {
            finder.check_writable(&table, dimension).await?;
        }
        Ok(table.table)
    }

    /// The vector type, with its schema.
    pub(super) fn vector(&self) -> String {
        format!("{}.vector", self.extension)
    }

    /// The type of the column.
    pub(super) fn own_type(&self) -> String {
        match self.precision {
            Precision::F16 => format!("{}.halfvec", self.extension),
            Precision::F32 => self.vector(),
        }
    }

    /// The operators of an index that compares directions.
    pub(super) fn operators(&self) -> String {
        let name = if self.precision == Precision::F16 { "halfvec" } else { "vector" };
        format!("{}.{name}_cosine_ops", self.extension)
    }

    /// What leaves out rows that are no records: without an embedding, or not as the address wants them.
    pub(super) fn filled(&self) -> String {
        let filled = self.has_gaps.then(|| format!("t.{} IS NOT NULL", self.embedding));
        // Its end stands on a line of its own, so that no comment in it reaches farther.
        let wanted = self.condition.as_ref().map(|condition| format!("({condition}\n)"));
        let all: Vec<String> = filled.into_iter().chain(wanted).collect();
        if all.is_empty() { "true".to_owned() } else { all.join(" AND ") }
    }
}

/// A table, and what matters only while it is opened.
struct Found {
    table: Table,
    /// Whether it is a table, and no view of one.
    takes_rows: bool,
    has_unique_ids: bool,
}

struct Finder<'a> {
    pool: &'a Pool,
    named: &'a Columns,
}

impl Finder<'_> {
    async fn ask(&self, sql: &str, values: Vec<Value<'_>>) -> Result<Vec<Row>, StoreError> {
        self.pool.rows(Deed::Open, Statement { sql: sql.to_owned(), values }).await
    }

    fn unfit(&self, reason: String, hint: impl Into<String>) -> StoreError {
        StoreError::Unfit { store: self.pool.address().shown.clone(), reason, hint: hint.into() }
    }

    /// The name of the table, quoted.
    fn name(&self) -> String {
        let schema = self.named.schema.iter().map(|schema| quoted(schema));
        schema.chain([quoted(&self.named.table)]).collect::<Vec<_>>().join(".")
    }

    async fn extension(&self) -> Result<String, StoreError> {
        let rows = self.ask(EXTENSION, Vec::new()).await?;
        match rows.first() {
            Some(row) => Ok(row.get(0)),
            None => Err(self.unfit(
                "the database has no vectors".to_owned(),
                "let somebody who may say \"CREATE EXTENSION vector\" there; pgvector has to be installed",
            )),
        }
    }

    async fn columns(&self) -> Result<Vec<Column>, StoreError> {
        let rows = self.ask(COLUMNS, vec![Value::Text(&self.name())]).await?;
        Ok(rows.iter().map(Column::read).collect())
    }

    async fn make(&self, extension: &str, dimension: usize) -> Result<(), StoreError> {
        let id = quoted(self.named.id.as_deref().unwrap_or("id"));
        let embedding = quoted(self.named.embedding.as_deref().unwrap_or("embedding"));
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {} ({id} text PRIMARY KEY, {embedding} {extension}.vector({dimension}) NOT NULL)",
            self.name()
        );
        self.pool.rows(Deed::Write, Statement { sql, values: Vec::new() }).await.map(drop)
    }

    async fn table(&self, columns: Vec<Column>, extension: String) -> Result<Found, StoreError> {
        if columns.is_empty() {
            let rows = self.ask(CANDIDATES, Vec::new()).await?;
            let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            let reason = format!("there is no table {}", self.name());
            return Err(self.unfit(reason, format!("tables with vectors are: {there}")));
        }
        let embedding = self.embedding(&columns)?;
        let id = self.id(&columns)?;
        let name = format!("{}.{}", quoted(&embedding.schema), quoted(&embedding.table));
        let text = self.named.text.as_deref().map(|name| self.named(&columns, name)).transpose()?;
        let is_half = embedding.type_name == "halfvec";
        let mut table = Table {
            name,
            key: Key::new(quoted(&id.name), &id.type_name),
            embedding: quoted(&embedding.name),
            has_gaps: !embedding.is_filled,
            condition: self.named.condition.clone(),
            extension,
            precision: if is_half { Precision::F16 } else { Precision::F32 },
            dimension: usize::try_from(embedding.type_modifier).unwrap_or(0),
            text: text.map(|column| quoted(&column.name)),
            has_transactions: ["r", "p", "m"].contains(&embedding.kind.as_str()),
        };
        if table.dimension == 0 {
            table.dimension = self.dimension_of_rows(&table).await?;
        }
        let takes_rows = ["r", "p"].contains(&embedding.kind.as_str());
        Ok(Found { table, takes_rows, has_unique_ids: id.is_unique })
    }

    /// The column of embeddings: the one named, else the only one that holds vectors.
    fn embedding<'a>(&self, columns: &'a [Column]) -> Result<&'a Column, StoreError> {
        let are_vectors =
            |column: &&Column| ["vector", "halfvec"].contains(&column.type_name.as_str());
        let found: Vec<&Column> = columns.iter().filter(are_vectors).collect();
        match (&self.named.embedding, found.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let reason = format!("{} columns of {} hold vectors", found.len(), self.name());
                let there = found.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
                Err(self.unfit(
                    reason,
                    format!("name one with &embedding=column: {}", there.join(", ")),
                ))
            }
            (Some(name), _) => {
                let column = self.named(columns, name)?;
                if are_vectors(&column) {
                    return Ok(column);
                }
                let reason = format!("its column {name} is of type {}", column.type_name);
                Err(self.unfit(reason, "embeddings are of type vector or halfvec"))
            }
        }
    }

    /// The column of ids: the one named, else the primary key, else one called `id`.
    fn id<'a>(&self, columns: &'a [Column]) -> Result<&'a Column, StoreError> {
        if let Some(name) = &self.named.id {
            return self.named(columns, name);
        }
        match columns.iter().find(|column| column.is_primary) {
            Some(column) => Ok(column),
            None => self.named(columns, "id"),
        }
    }

    fn named<'a>(&self, columns: &'a [Column], name: &str) -> Result<&'a Column, StoreError> {
        columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let there = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
            let reason = format!("{} has no column {name}", self.name());
            self.unfit(reason, format!("its columns are: {}", there.join(", ")))
        })
    }

    /// The dimension of a column that does not say it: that of its first vector.
    async fn dimension_of_rows(&self, table: &Table) -> Result<usize, StoreError> {
        let Table { name, embedding, .. } = table;
        let sql = format!(
            "SELECT cardinality(t.{embedding}::real[]) FROM {name} AS t WHERE t.{embedding} IS NOT NULL LIMIT 1"
        );
        let rows = self.ask(&sql, Vec::new()).await?;
        let found = rows.first().map(|row| row.get::<_, i32>(0));
        found.and_then(|found| usize::try_from(found).ok()).ok_or_else(|| {
            let reason =
                format!("{name} is empty, and its column does not say how long vectors are");
            self.unfit(reason, "give the column a dimension, such as vector(512)")
        })
    }

    /// The server is asked whether it understands the condition, and looks at no row.
    async fn check_condition(&self, table: &Table) -> Result<(), StoreError> {
        let Some(condition) = &table.condition else { return Ok(()) };
        let sql = format!("SELECT FROM {} AS t WHERE {} LIMIT 0", table.name, table.filled());
        let said = match self.ask(&sql, Vec::new()).await {
            Err(StoreError::Unfit { reason, .. }) => reason,
            Err(StoreError::Failed { source, .. }) => source.to_string(),
            other => return other.map(drop),
        };
        let hint =
            "where= takes what stands behind WHERE in SQL, such as price > 10 AND city = 'Rome'";
        Err(self.unfit(format!("its rows cannot be asked for {condition:?}: {said}"), hint))
    }

    /// Ids must be unique. Where no index sees to that, they are looked through.
    async fn check_ids(&self, found: &Found) -> Result<(), StoreError> {
        let Found { table, has_unique_ids: false, .. } = found else { return Ok(()) };
        let (id, name, filled) = (table.key.text(), &table.name, table.filled());
        let sql = format!(
            "SELECT {id} FROM {name} AS t WHERE {filled} GROUP BY 1 HAVING count(*) > 1 LIMIT 1"
        );
        let rows = self.ask(&sql, Vec::new()).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let twice = row.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".to_owned());
        let reason = format!("two rows of {name} have the id {twice}");
        Err(self.unfit(reason, "name a column with &id=column that tells rows apart"))
    }

    async fn check_writable(&self, found: &Found, dimension: usize) -> Result<(), StoreError> {
        let Found { table, takes_rows, has_unique_ids } = found;
        if dimension != table.dimension {
            return Err(StoreError::Dimension { expected: table.dimension, found: dimension });
        }
        if !takes_rows || !has_unique_ids {
            let reason = format!("{} has no unique index on its ids alone", table.name);
            return Err(self.unfit(
                reason,
                "points are written to tables with such an index, for example a primary key",
            ));
        }
        let sql = "SELECT has_table_privilege($1, 'INSERT, UPDATE')".to_owned();
        let rows = self.ask(&sql, vec![Value::Text(&table.name)]).await?;
        if rows.first().is_some_and(|row| row.get(0)) {
            return Ok(());
        }
        let user = self.pool.address().user();
        Err(StoreError::Refused {
            store: self.pool.address().shown.clone(),
            reason: format!("{user} may not write to {}", table.name),
            hint: format!(
                "let its owner say: GRANT INSERT, UPDATE, DELETE ON {} TO {user}",
                table.name
            ),
        })
    }
}

impl Column {
    fn read(row: &Row) -> Self {
        Self {
            schema: row.get(0),
            table: row.get(1),
            kind: row.get(2),
            name: row.get(3),
            type_name: row.get(4),
            type_modifier: row.get(5),
            is_filled: row.get(6),
            is_unique: row.get(7),
            is_primary: row.get(8),
        }
    }
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
