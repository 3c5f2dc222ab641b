//! A classifier as a query of a vector database.
//!
//! A database scores by the inner product or the cosine with a vector. So weights are scaled to unit length, for
//! which both are the same over embeddings of unit length, and the bias goes over to the threshold:
//! `w . x + b >= t` where `w/|w| . x >= (t - b)/|w|`. What the database calls the score of a record is
//! `|w| s + b` as a logit.

use std::{fmt, str::FromStr};

use linprobe_classifier::{ClassifierFile, LinearClassifier};
use linprobe_core::{Embedding, NotAnEmbedding};
use serde_json::{Value, json};

/// The most records that are asked for: as many as every one of them gives at once.
const LIMIT: u32 = 1000;

/// A database that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorDatabase {
    /// `PostgreSQL` with the extension pgvector: SQL.
    Pgvector,
    /// The body of `POST /collections/NAME/points/query`.
    Qdrant,
    /// The body of `POST /v2/vectordb/entities/search`.
    Milvus,
    /// Lines of Python with Pinecone's client.
    Pinecone,
}

impl VectorDatabase {
    /// Every database, and the name by which [`FromStr`] finds it.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Pgvector, "pgvector"),
        (Self::Qdrant, "qdrant"),
        (Self::Milvus, "milvus"),
        (Self::Pinecone, "pinecone"),
    ];

    /// Asks for all records that the classifier takes as relevant, the most relevant first.
    ///
    /// # Errors
    /// [`NotAnEmbedding`] when the weights are zero: they ask for nothing.
    pub fn query(self, file: &ClassifierFile) -> Result<String, NotAnEmbedding> {
        let threshold = file.card.as_ref().map_or(0.0, |card| card.threshold);
        let asked = Asked::new(&file.classifier, threshold)?;
        Ok(match self {
            Self::Pgvector => pgvector(&file.classifier, threshold),
            Self::Qdrant => format!("{}\n", asked.qdrant()),
            Self::Milvus => format!("{}\n", asked.milvus()),
            Self::Pinecone => asked.pinecone(),
        })
    }
}

impl fmt::Display for VectorDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.into_iter().find(|(database, _)| database == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

impl FromStr for VectorDatabase {
    type Err = UnknownDatabase;

    fn from_str(name: &str) -> Result<Self, UnknownDatabase> {
        let named = Self::ALL.into_iter().find(|(_, known)| *known == name);
        named.map(|(database, _)| database).ok_or_else(|| UnknownDatabase { name: name.to_owned() })
    }
}

/// A name that names no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no queries are known for {name:?}")]
pub struct UnknownDatabase {
    /// The name given.
    pub name: String,
}

/// What a database is asked by: a direction, and the score to reach along it.
struct Asked {
    direction: Embedding,
    /// Scores below it are of no relevant record.
    reach: f32,
    /// The length of the weights, and the bias: they make a logit of a score.
    length: f32,
    bias: f32,
}

impl Asked {
    fn new(classifier: &LinearClassifier, threshold: f32) -> Result<Self, NotAnEmbedding> {
        let direction = Embedding::normalize(classifier.weights())?;
        let squares = classifier.weights().iter().map(|&w| f64::from(w) * f64::from(w));
        let length = squares.sum::<f64>().sqrt();
        let reach = (f64::from(threshold) - f64::from(classifier.bias())) / length;
        #[expect(clippy::cast_possible_truncation, reason = "scores have this precision")]
        let (reach, length) = (reach as f32, length as f32);
        Ok(Self { direction, reach, length, bias: classifier.bias() })
    }

    /// Qdrant leaves out what scores exactly the threshold.
    fn qdrant(&self) -> Value {
        json!({
            "query": self.direction.as_slice(),
            "score_threshold": self.reach.next_down(),
            "limit": LIMIT,
            "params": { "exact": true },
            "with_payload": true,
        })
    }

    /// Milvus leaves out what scores exactly the radius.
    fn milvus(&self) -> Value {
        json!({
            "collectionName": "records",
            "annsField": "embedding",
            "data": [self.direction.as_slice()],
            "limit": LIMIT,
            "outputFields": ["*"],
            "searchParams": { "params": { "radius": self.reach.next_down() } },
        })
    }

    fn pinecone(&self) -> String {
        let Self { direction, reach, length, bias } = self;
        format!(
            "import os\n\
             from pinecone import Pinecone\n\n\
             # an index \"records\" of the metric cosine, or dotproduct with vectors of unit length\n\
             index = Pinecone(api_key=os.environ[\"PINECONE_API_KEY\"]).Index(\"records\")\n\
             weights = [{}]\n\
             found = index.query(vector=weights, top_k={LIMIT}, include_metadata=True)\n\
             relevant = [match for match in found.matches if match.score >= {reach}]\n\
             # as a logit: {length} * match.score + {bias}\n",
            listed(direction.as_slice())
        )
    }
}

/// pgvector's `<#>` is the negative inner product.
pub(crate) fn pgvector(classifier: &LinearClassifier, threshold: f32) -> String {
    let (weights, bias) = (listed(classifier.weights()), classifier.bias());
    format!(
        "-- pgvector: a table \"records\" with a column \"embedding\" of unit vectors\n\
         WITH head AS (SELECT '[{weights}]'::vector AS weights, {bias} AS bias)\n\
         SELECT id, bias - (embedding <#> weights) AS score\n\
         FROM records, head\n\
         WHERE bias - (embedding <#> weights) >= {threshold}\n\
         ORDER BY embedding <#> weights;\n"
    )
}

fn listed(numbers: &[f32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
