//! The two ways in which servers are asked for embeddings, and how they answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::address::Address;

/// The longest message of a server that is repeated, in characters.
const MAX_MESSAGE: usize = 200;

/// Where embeddings are asked for.
pub(super) fn url(address: &Address) -> String {
    let last = if address.model.is_some() { "embeddings" } else { "embed" };
    format!("{}/{last}", address.base)
}

/// What is sent there.
pub(super) fn request(address: &Address, texts: &[&str]) -> Value {
    match &address.model {
        Some(model) => json!({ "model": model, "input": texts, "encoding_format": "float" }),
        None => json!({ "inputs": texts, "truncate": true }),
    }
}

/// The vectors of an answer, in the order of the texts.
pub(super) fn vectors(
    address: &Address,
    n_texts: usize,
    answer: &[u8],
) -> Result<Vec<Vec<f32>>, String> {
    let vectors = match address.model {
        Some(_) => parse::<OpenAi>(answer)?.in_order(),
        None => parse(answer)?,
    };
    match vectors.len() {
        n if n == n_texts => Ok(vectors),
        n => Err(format!("{n} vectors for {n_texts} texts")),
    }
}

/// What a server of text-embeddings-inference says of its weights at `/info`.
#[derive(Debug, Deserialize)]
pub(super) struct ServerInfo {
    model_id: String,
    model_sha: Option<String>,
}

impl ServerInfo {
    /// The name and the commit of the weights.
    pub(super) fn weights(&self) -> String {
        format!("{} {}", self.model_id, self.model_sha.as_deref().unwrap_or_default())
    }
}

/// What a server says of its refusal, in one of the usual ways, else as it is.
pub(super) fn message(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let found = serde_json::from_slice(answer).ok().and_then(|value: Value| {
        let places = ["/error/message", "/error", "/message", "/detail"];
        places.iter().find_map(|place| Some(value.pointer(place)?.as_str()?.to_owned()))
    });
    let message = found.unwrap_or_else(|| text.trim().to_owned());
    message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}

fn parse<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(answer).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct OpenAi {
    #[serde(rename = "data")]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    index: usize,
    embedding: Vec<f32>,
}

impl OpenAi {
    fn in_order(mut self) -> Vec<Vec<f32>> {
        self.rows.sort_by_key(|row| row.index);
        self.rows.into_iter().map(|row| row.embedding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_repeated_in_the_words_of_the_server() {
        let openai = br#"{"error": {"message": "too long", "type": "x"}}"#;
        let inference = br#"{"error": "too long", "error_type": "Validation"}"#;
        for answer in [&openai[..], inference, b" too long\n"] {
            assert_eq!(message(answer), "too long");
        }
        assert_eq!(message(&[b'x'; 1000]).len(), MAX_MESSAGE);
    }
}
