//! Collections that a team may have, on a real server, for tests.

use std::{
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use linprobe_core::RecordId;
use pollster::block_on;
use prost::{Message, bytes::Bytes};

use super::{
    FORM,
    client::{Client, RETRIES},
    column::Table,
    key::KeyField,
    layout::param,
    proto::{
        Answer, Column, Consistency, CreateCollection, CreateIndex, DescribeCollection, Field,
        Floats, GetLoadState, Jsons, Kind, Load, LoadCollection, Mutated, Query, Question,
        ScalarList, Scalars, Schema, Status, Strings, Values, VectorList, Vectors,
    },
};
use crate::remote::{Place, Variables};

/// How long an index may take.
const PATIENCE: Duration = Duration::from_hours(1);

/// How a collection is made.
#[derive(Clone, Copy, Debug)]
pub struct Theirs<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether keys are numbers; texts else.
    pub has_numbers: bool,
    /// How vectors are compared, and by what kind of index; none where there is no index.
    pub index: Option<(&'a str, &'a str)>,
    /// Whether it is taken into memory.
    pub is_loaded: bool,
}

/// A row of a collection.
#[derive(Clone, Debug)]
pub struct TheirRow {
    /// The key.
    pub id: String,
    /// The vector, of any length.
    pub vector: Vec<f32>,
    /// A field of the schema.
    pub title: String,
    /// A field that is in no schema.
    pub note: String,
}

/// Does to a server what linprobe does not do.
#[derive(Debug)]
pub struct Admin(Client);

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident $method:literal { $($field:ident: $tag:literal),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Message)]
        struct $name { $(#[prost(string, tag = $tag)] $field: String),* }

        impl Question for $name {
            const METHOD: &'static str = concat!("/milvus.proto.milvus.MilvusService/", $method);
            type Answer = Status;
        }
    )*};
}

commands! {
    CreateDatabase "CreateDatabase" { database: "2" }
    CreatePartition "CreatePartition" { collection: "3", partition: "4" }
    ReleaseCollection "ReleaseCollection" { collection: "3" }
    DropCollection "DropCollection" { collection: "3" }
    CreateCredential "CreateCredential" { user: "2", password: "3" }
    /// Gives it.
    OperateUserRole "OperateUserRole" { user: "2", role: "3" }
}

#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct CreateRole {
    #[prost(message, optional, tag = "2")]
    role: Option<Named>,
}

impl Question for CreateRole {
    const METHOD: &'static str = "/milvus.proto.milvus.MilvusService/CreateRole";
    type Answer = Status;
}

/// Gives it.
#[derive(Clone, PartialEq, Message)]
struct OperatePrivilege {
    #[prost(message, optional, tag = "2")]
    grant: Option<Grant>,
}

#[derive(Clone, PartialEq, Message)]
struct Grant {
    #[prost(message, optional, tag = "1")]
    role: Option<Named>,
    /// What kind of thing it is about.
    #[prost(message, optional, tag = "2")]
    kind: Option<Named>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(message, optional, tag = "4")]
    granted: Option<Granted>,
}

#[derive(Clone, PartialEq, Message)]
struct Granted {
    #[prost(message, optional, tag = "2")]
    privilege: Option<Named>,
}

impl Question for OperatePrivilege {
    const METHOD: &'static str = "/milvus.proto.milvus.MilvusService/OperatePrivilege";
    type Answer = Status;
}

/// Rows that are not there yet, in the form of those that may be.
#[derive(Clone, PartialEq, Message)]
struct Insert {
    #[prost(string, tag = "3")]
    collection: String,
    #[prost(string, tag = "4")]
    partition: String,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    columns: Vec<Bytes>,
    #[prost(uint32, tag = "7")]
    n_rows: u32,
}

impl Question for Insert {
    const METHOD: &'static str = "/milvus.proto.milvus.MilvusService/Insert";
    type Answer = Mutated;
}

#[derive(Clone, PartialEq, Message)]
struct Flush {
    #[prost(string, repeated, tag = "3")]
    collections: Vec<String>,
}

impl Question for Flush {
    const METHOD: &'static str = "/milvus.proto.milvus.MilvusService/Flush";
    type Answer = Mutated;
}

/// How far an index is.
#[derive(Clone, PartialEq, Message)]
struct HowIndexed {
    #[prost(string, tag = "3")]
    collection: String,
}

#[derive(Clone, PartialEq, Message)]
struct Progress {
    #[prost(message, optional, tag = "1")]
    status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    indexes: Vec<Indexed>,
}

#[derive(Clone, PartialEq, Message)]
struct Indexed {
    #[prost(int64, tag = "5")]
    n_rows: i64,
}

impl Question for HowIndexed {
    const METHOD: &'static str = "/milvus.proto.milvus.MilvusService/DescribeIndex";
    type Answer = Progress;
}

impl Answer for Progress {
    fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }
}

impl Admin {
    /// Of the server, and the database, of an address.
    ///
    /// # Panics
    /// It is no address.
    pub fn of(address: &str, variables: &Variables) -> Self {
        let place = Place::parse(address, &FORM).expect("an address");
        Self(Client::of(&place, &FORM, variables).expect("a client"))
    }

    /// Makes a collection, with its rows.
    ///
    /// # Panics
    /// The server does not.
    pub fn make(&self, theirs: &Theirs<'_>, rows: &[TheirRow]) {
        let collection = theirs.name.to_owned();
        let schema = schema(theirs, rows.first().map_or(2, |row| row.vector.len())).encode_to_vec();
        let consistency = Consistency::Strong.into();
        self.tell(CreateCollection {
            collection: collection.clone(),
            schema,
            n_shards: 1,
            consistency,
        });
        if let Some(index) = theirs.index {
            self.make_index(&collection, index);
        }
        if theirs.is_loaded {
            self.tell(LoadCollection { collection: collection.clone(), n_replicas: 1 });
        }
        rows.chunks(1_000).for_each(|rows| self.write(&collection, "", rows));
    }

    fn make_index(&self, collection: &str, (metric, kind): (&str, &str)) {
        let params = match kind {
            "HNSW" => "{\"M\":16,\"efConstruction\":100}",
            "IVF_FLAT" => "{\"nlist\":128}",
            _ => "{}",
        };
        let params =
            vec![param("index_type", kind), param("metric_type", metric), param("params", params)];
        let (field, name) = ("vector".to_owned(), "vector".to_owned());
        self.tell(CreateIndex { collection: collection.to_owned(), field, params, name });
    }

    /// Writes rows to a collection that are not there yet, to one of its partitions where it is named.
    ///
    /// # Panics
    /// The server does not.
    pub fn write(&self, collection: &str, partition: &str, rows: &[TheirRow]) {
        let described = self.tell(DescribeCollection { collection: collection.to_owned() }).schema;
        let is_number = described.expect("a schema").fields[0].kind == i32::from(Kind::Int64);
        let key = KeyField { name: "id".to_owned(), is_number, ..KeyField::default() };
        let ids: Vec<RecordId> =
            rows.iter().map(|row| RecordId::new(&row.id).expect("an id")).collect();
        let values = rows.iter().flat_map(|row| row.vector.iter().copied()).collect();
        let list = Some(VectorList::Floats(Floats { values }));
        let dimension =
            rows.first().map_or(0, |row| row.vector.len()).try_into().expect("a dimension");
        let titles = rows.iter().map(|row| row.title.clone()).collect();
        let note = |row: &TheirRow| serde_json::json!({ "note": row.note }).to_string().into();
        let notes = Jsons { values: rows.iter().map(note).collect() };
        let scalars = |list| Some(Values::Scalars(Scalars { list: Some(list) }));
        let columns = [
            key.column(ids.iter()),
            Column {
                kind: Kind::FloatVector.into(),
                name: "vector".to_owned(),
                values: Some(Values::Vectors(Vectors { dimension, list })),
                ..Column::default()
            },
            Column {
                kind: Kind::VarChar.into(),
                name: "title".to_owned(),
                values: scalars(ScalarList::Strings(Strings { values: titles })),
                ..Column::default()
            },
            Column {
                kind: Kind::Json.into(),
                values: scalars(ScalarList::Json(notes)),
                is_dynamic: true,
                ..Column::default()
            },
        ];
        self.tell(Insert {
            collection: collection.to_owned(),
            partition: partition.to_owned(),
            columns: columns.iter().map(Column::encoded).collect(),
            n_rows: rows.len().try_into().expect("a number of rows"),
        });
    }

    /// Makes a database.
    ///
    /// # Panics
    /// The server does not.
    pub fn make_database(&self, name: &str) {
        self.tell(CreateDatabase { database: name.to_owned() });
    }

    /// Makes a partition.
    ///
    /// # Panics
    /// The server does not.
    pub fn make_partition(&self, collection: &str, partition: &str) {
        let (collection, partition) = (collection.to_owned(), partition.to_owned());
        self.tell(CreatePartition { collection, partition });
    }

    /// Makes a user who may do this to a collection, and nothing else.
    ///
    /// # Panics
    /// The server does not.
    pub fn make_user(&self, [user, password]: [&str; 2], collection: &str, privileges: &[&str]) {
        let (user, role) = (user.to_owned(), format!("{user}_role"));
        let password = BASE64_STANDARD.encode(password);
        let named = |name: &str| Some(Named { name: name.to_owned() });
        self.tell(CreateCredential { user: user.clone(), password });
        self.tell(CreateRole { role: named(&role) });
        self.tell(OperateUserRole { user, role: role.clone() });
        for privilege in privileges {
            let granted = Some(Granted { privilege: named(privilege) });
            let (kind, name) = (named("Collection"), collection.to_owned());
            let grant = Some(Grant { role: named(&role), kind, name, granted });
            self.tell(OperatePrivilege { grant });
        }
    }

    /// Takes a collection out of memory.
    ///
    /// # Panics
    /// The server does not.
    pub fn release(&self, collection: &str) {
        self.tell(ReleaseCollection { collection: collection.to_owned() });
    }

    /// Takes a collection away.
    ///
    /// # Panics
    /// The server does not.
    pub fn remove(&self, collection: &str) {
        self.tell(DropCollection { collection: collection.to_owned() });
    }

    /// Makes an index of all rows, so many, of a collection that has none, and takes it into memory.
    ///
    /// # Panics
    /// The server fails, or takes an hour.
    pub fn settle(&self, collection: &str, index: (&str, &str), n_rows: usize) {
        let name = collection.to_owned();
        self.tell(Flush { collections: vec![name.clone()] });
        self.make_index(collection, index);
        let wanted = i64::try_from(n_rows).expect("a number of rows");
        self.wait_until(|| {
            let found = self.tell(HowIndexed { collection: name.clone() }).indexes;
            found.iter().any(|index| index.n_rows >= wanted)
        });
        self.tell(LoadCollection { collection: name.clone(), n_replicas: 1 });
        self.wait_until(|| {
            let question = GetLoadState { collection: name.clone(), partitions: Vec::new() };
            self.tell(question).state() == Load::Loaded
        });
    }

    fn wait_until(&self, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < PATIENCE, "{:?} does not come to an end", self.0);
            thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Counts the rows of a collection; none where it is not there, or not in memory.
    pub fn count(&self, collection: &str) -> u64 {
        let question = Query {
            collection: collection.to_owned(),
            fields: vec!["count(*)".to_owned()],
            ..Query::default()
        };
        let rows = block_on(self.0.ask(question, 0)).unwrap_or_default();
        Table::read(&rows.columns).ok().and_then(|table| table.number()).unwrap_or_default()
    }

    fn tell<Q: Question>(&self, question: Q) -> Q::Answer {
        block_on(self.0.ask(question, RETRIES)).expect(Q::METHOD)
    }
}

fn schema(theirs: &Theirs<'_>, dimension: usize) -> Schema {
    let field = |name: &str, kind: Kind, key: &str, value: usize| Field {
        name: name.to_owned(),
        kind: kind.into(),
        is_key: name == "id",
        params: vec![param(key, value.to_string())],
        ..Field::default()
    };
    let key = if theirs.has_numbers { Kind::Int64 } else { Kind::VarChar };
    let fields = vec![
        field("id", key, "max_length", 64),
        field("vector", Kind::FloatVector, "dim", dimension),
        field("title", Kind::VarChar, "max_length", 99),
    ];
    Schema { name: theirs.name.to_owned(), fields, is_dynamic: true }
}
