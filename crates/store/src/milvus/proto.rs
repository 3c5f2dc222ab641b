//! The messages of Milvus' gRPC service, as far as they are used: no field that is not read or written.
//!
//! Their numbers are those of `milvus.proto`, `schema.proto` and `common.proto`, which every version since 2.3 has kept. What
//! somebody else's columns hold is passed on as it came, so columns are bytes until one of them is wanted.

use prost::{Enumeration, Message, Oneof, bytes::Bytes};

/// A question of the service, by the name of its method, and the answer that it has.
pub(crate) trait Question: Message + Clone + Default + 'static {
    const METHOD: &'static str;
    type Answer: Answer;
}

/// An answer, which says whether it is one.
pub(crate) trait Answer: Message + Default + 'static {
    fn status(&self) -> Option<&Status>;
}

macro_rules! questions {
    ($($question:ident => $answer:ident, $method:literal;)*) => {$(
        impl Question for $question {
            const METHOD: &'static str = concat!("/milvus.proto.milvus.MilvusService/", $method);
            type Answer = $answer;
        }
    )*};
}

questions! {
    ShowCollections => Collections, "ShowCollections";
    ShowPartitions => Collections, "ShowPartitions";
    DescribeCollection => Described, "DescribeCollection";
    DescribeIndex => Indexes, "DescribeIndex";
    GetLoadState => LoadState, "GetLoadState";
    GetLoadingProgress => LoadingProgress, "GetLoadingProgress";
    CreateCollection => Status, "CreateCollection";
    CreateIndex => Status, "CreateIndex";
    LoadCollection => Status, "LoadCollection";
    Query => Rows, "Query";
    Search => Found, "Search";
    Upsert => Mutated, "Upsert";
    Delete => Mutated, "Delete";
}

impl Answer for Status {
    fn status(&self) -> Option<&Status> {
        Some(self)
    }
}

macro_rules! answers {
    ($($answer:ident)*) => {$(
        impl Answer for $answer {
            fn status(&self) -> Option<&Status> {
                self.status.as_ref()
            }
        }
    )*};
}

answers! { Collections Described Indexes LoadState LoadingProgress Rows Found Mutated }

/// How something went: well, where both codes are zero.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    /// What servers before 2.3 said; a newer one says 1 here, or the nearest.
    #[prost(int32, tag = "1")]
    pub(crate) error_code: i32,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
    #[prost(bool, tag = "4")]
    pub(crate) retriable: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// The kinds of fields that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum Kind {
    None = 0,
    Int64 = 5,
    Float = 10,
    Double = 11,
    VarChar = 21,
    Json = 23,
    FloatVector = 101,
}

/// The first of the kinds that hold vectors; those of structures come behind the last.
pub(crate) const VECTORS: std::ops::Range<i32> = 100..200;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Schema {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) fields: Vec<Field>,
    #[prost(bool, tag = "5")]
    pub(crate) is_dynamic: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Field {
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(bool, tag = "3")]
    pub(crate) is_key: bool,
    #[prost(enumeration = "Kind", tag = "5")]
    pub(crate) kind: i32,
    #[prost(message, repeated, tag = "6")]
    pub(crate) params: Vec<KeyValue>,
    /// Whether the server makes the keys.
    #[prost(bool, tag = "8")]
    pub(crate) is_auto: bool,
    /// There where it has one.
    #[prost(bytes = "bytes", optional, tag = "11")]
    pub(crate) default_value: Option<Bytes>,
    /// Whether rows are given to partitions by it.
    #[prost(bool, tag = "13")]
    pub(crate) is_of_partitions: bool,
    #[prost(bool, tag = "15")]
    pub(crate) is_nullable: bool,
    /// Whether the server computes it from others.
    #[prost(bool, tag = "16")]
    pub(crate) is_computed: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ShowCollections {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ShowPartitions {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
}

/// Of collections, or of partitions.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Collections {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DescribeCollection {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Described {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    pub(crate) schema: Option<Schema>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DescribeIndex {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Indexes {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) indexes: Vec<Index>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Index {
    #[prost(message, repeated, tag = "3")]
    pub(crate) params: Vec<KeyValue>,
    #[prost(string, tag = "4")]
    pub(crate) field: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetLoadState {
    #[prost(string, tag = "2")]
    pub(crate) collection: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) partitions: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LoadState {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(enumeration = "Load", tag = "2")]
    pub(crate) state: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum Load {
    Missing = 0,
    Not = 1,
    Loading = 2,
    Loaded = 3,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetLoadingProgress {
    #[prost(string, tag = "2")]
    pub(crate) collection: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) partitions: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LoadingProgress {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(int64, tag = "2")]
    pub(crate) percent: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateCollection {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
    /// A [`Schema`].
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) schema: Vec<u8>,
    #[prost(int32, tag = "5")]
    pub(crate) n_shards: i32,
    #[prost(enumeration = "Consistency", tag = "6")]
    pub(crate) consistency: i32,
}

/// Whether an answer knows of all that was written before it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(crate) enum Consistency {
    Strong = 0,
    Bounded = 2,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateIndex {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
    #[prost(string, tag = "4")]
    pub(crate) field: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) params: Vec<KeyValue>,
    #[prost(string, tag = "6")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LoadCollection {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
    #[prost(int32, tag = "4")]
    pub(crate) n_replicas: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Query {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
    #[prost(string, tag = "4")]
    pub(crate) filter: String,
    #[prost(string, repeated, tag = "5")]
    pub(crate) fields: Vec<String>,
    #[prost(string, repeated, tag = "6")]
    pub(crate) partitions: Vec<String>,
    #[prost(message, repeated, tag = "9")]
    pub(crate) params: Vec<KeyValue>,
    #[prost(enumeration = "Consistency", tag = "11")]
    pub(crate) consistency: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Rows {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    /// Each a [`Column`].
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(crate) columns: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Search {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
    #[prost(string, repeated, tag = "4")]
    pub(crate) partitions: Vec<String>,
    #[prost(string, tag = "5")]
    pub(crate) filter: String,
    /// [`Placeholders`].
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) vectors: Vec<u8>,
    /// 1: the filter is an expression.
    #[prost(int32, tag = "7")]
    pub(crate) filter_kind: i32,
    #[prost(string, repeated, tag = "8")]
    pub(crate) fields: Vec<String>,
    #[prost(message, repeated, tag = "9")]
    pub(crate) params: Vec<KeyValue>,
    #[prost(int64, tag = "12")]
    pub(crate) n_vectors: i64,
    #[prost(enumeration = "Consistency", tag = "14")]
    pub(crate) consistency: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Placeholders {
    #[prost(message, repeated, tag = "1")]
    pub(crate) placeholders: Vec<Placeholder>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Placeholder {
    #[prost(string, tag = "1")]
    pub(crate) tag: String,
    #[prost(enumeration = "Kind", tag = "2")]
    pub(crate) kind: i32,
    /// Each a vector, as its coordinates lie in memory, the lowest byte first.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) vectors: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Found {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    pub(crate) hits: Option<Hits>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Hits {
    /// Each a [`Column`].
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub(crate) columns: Vec<Bytes>,
    #[prost(float, repeated, tag = "4")]
    pub(crate) scores: Vec<f32>,
    #[prost(message, optional, tag = "5")]
    pub(crate) keys: Option<Keys>,
    /// How many of them belong to each vector that was asked for.
    #[prost(int64, repeated, tag = "6")]
    pub(crate) lengths: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Keys {
    #[prost(oneof = "KeyList", tags = "1, 2")]
    pub(crate) list: Option<KeyList>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum KeyList {
    #[prost(message, tag = "1")]
    Numbers(Longs),
    #[prost(message, tag = "2")]
    Texts(Strings),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Upsert {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
    #[prost(string, tag = "4")]
    pub(crate) partition: String,
    /// Each a [`Column`].
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub(crate) columns: Vec<Bytes>,
    #[prost(uint32, tag = "7")]
    pub(crate) n_rows: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Delete {
    #[prost(string, tag = "3")]
    pub(crate) collection: String,
    #[prost(string, tag = "4")]
    pub(crate) partition: String,
    #[prost(string, tag = "5")]
    pub(crate) filter: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Mutated {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
}

/// A field of some rows.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Column {
    #[prost(enumeration = "Kind", tag = "1")]
    pub(crate) kind: i32,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(oneof = "Values", tags = "3, 4")]
    pub(crate) values: Option<Values>,
    /// Whether it holds the fields that are in no schema.
    #[prost(bool, tag = "6")]
    pub(crate) is_dynamic: bool,
    /// Which of the rows have a value, where some may have none.
    #[prost(bool, repeated, tag = "7")]
    pub(crate) is_there: Vec<bool>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Values {
    #[prost(message, tag = "3")]
    Scalars(Scalars),
    #[prost(message, tag = "4")]
    Vectors(Vectors),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Scalars {
    #[prost(oneof = "ScalarList", tags = "1, 2, 3, 4, 5, 6, 9")]
    pub(crate) list: Option<ScalarList>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum ScalarList {
    #[prost(message, tag = "1")]
    Bools(Bools),
    #[prost(message, tag = "2")]
    Ints(Ints),
    #[prost(message, tag = "3")]
    Longs(Longs),
    #[prost(message, tag = "4")]
    Floats(Floats),
    #[prost(message, tag = "5")]
    Doubles(Doubles),
    #[prost(message, tag = "6")]
    Strings(Strings),
    #[prost(message, tag = "9")]
    Json(Jsons),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Vectors {
    #[prost(int64, tag = "1")]
    pub(crate) dimension: i64,
    #[prost(oneof = "VectorList", tags = "2")]
    pub(crate) list: Option<VectorList>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum VectorList {
    /// One behind the other.
    #[prost(message, tag = "2")]
    Floats(Floats),
}

macro_rules! lists {
    ($($name:ident: $kind:ident $item:ty;)*) => {$(
        #[derive(Clone, PartialEq, Message)]
        pub(crate) struct $name {
            #[prost($kind, repeated, tag = "1")]
            pub(crate) values: Vec<$item>,
        }
    )*};
}

lists! {
    Bools: bool bool;
    Ints: int32 i32;
    Longs: int64 i64;
    Floats: float f32;
    Doubles: double f64;
    Strings: string String;
}

/// Texts of JSON.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Jsons {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) values: Vec<Bytes>,
}
