//! Events as rows: JSON for what a person may want to read, and all their vectors and scores as one
//! run of little-endian f32, so that they come back bit for bit and take half the room.

use linprobe_classifier::{ArticleParams, Label, LinearClassifier, Method, Start};
use linprobe_core::{Embedding, RecordId};
use serde::{Deserialize, Serialize};

use crate::{
    Annotator, Answer, AuditDraw, AuditPick, AuditStratum, Deed, Event, Opening, Pick, RequestId,
    StartExample, StartQuery,
};

/// The JSON of a row. Whose doing it was, and by which request, is left out where nobody said: so it is
/// in journals of before they were kept.
#[derive(Serialize, Deserialize)]
struct RowPayload {
    #[serde(flatten)]
    event: Payload,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

/// The JSON of an event.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Payload {
    Started(StartedPayload),
    Shown {
        round: u32,
        records: Vec<PickPayload>,
    },
    Labelled {
        id: String,
        label: f32,
    },
    Skipped {
        id: String,
    },
    Undone {
        seq: u64,
    },
    Released {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
    },
    SeenReset,
    Fitted {
        round: u32,
    },
    AuditDrawn {
        strata: Vec<StratumPayload>,
        records: Vec<String>,
    },
    AuditAnswered {
        id: String,
        label: Option<f32>,
    },
}

#[derive(Serialize, Deserialize)]
struct StartedPayload {
    name: String,
    description: String,
    method: MethodPayload,
    from: FromPayload,
    dimension: usize,
    examples: Vec<ExamplePayload>,
    /// Left out where there is none, as it is in journals of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
}

/// What the first vector of a start is.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FromPayload {
    Direction,
    /// Weights, then a bias.
    Head,
}

#[derive(Serialize, Deserialize)]
struct MethodPayload {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iterations: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct ExamplePayload {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    label: f32,
}

#[derive(Serialize, Deserialize)]
struct PickPayload {
    id: String,
    reason: String,
    /// Left out where it is 1; journals of before it was kept have none.
    #[serde(default = "certain", skip_serializing_if = "is_certain")]
    probability: f32,
    /// Left out where it is 0, as it is in journals of before it was kept.
    #[serde(default, skip_serializing_if = "is_none")]
    alike: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_none(n: &u32) -> bool {
    *n == 0
}

fn certain() -> f32 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_certain(probability: &f32) -> bool {
    *probability >= 1.0
}

/// A stratum of an audit; its lowest score stands among the vectors.
#[derive(Serialize, Deserialize)]
struct StratumPayload {
    n_points: u64,
    n_drawn: u64,
}

/// What is wrong with a row, in words.
type Bad = Box<dyn std::error::Error + Send + Sync>;

/// The JSON and, where the event has any, the vectors.
pub(super) fn encode(deed: &Deed) -> serde_json::Result<(String, Option<Vec<u8>>)> {
    let mut vectors = Vec::new();
    let event = encode_event(&deed.event, &mut vectors);
    let vectors = (!vectors.is_empty())
        .then(|| vectors.iter().flat_map(|value: &f32| value.to_le_bytes()).collect());
    let by = deed.by.as_ref().map(ToString::to_string);
    let request = deed.request.as_ref().map(ToString::to_string);
    Ok((serde_json::to_string(&RowPayload { event, by, request })?, vectors))
}

fn encode_event(event: &Event, vectors: &mut Vec<f32>) -> Payload {
    match event {
        Event::Started(opening) => Payload::Started(encode_opening(opening, vectors)),
        Event::Shown { round, records } => {
            vectors.extend(records.iter().map(|pick| pick.score));
            Payload::Shown { round: *round, records: records.iter().map(encode_pick).collect() }
        }
        Event::Labelled { id, label } => {
            Payload::Labelled { id: id.to_string(), label: label.value() }
        }
        Event::Skipped { id } => Payload::Skipped { id: id.to_string() },
        Event::Undone { seq } => Payload::Undone { seq: *seq },
        Event::Released { of } => Payload::Released { of: of.as_ref().map(ToString::to_string) },
        Event::SeenReset => Payload::SeenReset,
        Event::Fitted { round, classifier } => {
            encode_classifier(classifier, vectors);
            Payload::Fitted { round: *round }
        }
        Event::AuditDrawn(draw) => encode_audit(draw, vectors),
        Event::AuditAnswered { id, answer } => {
            Payload::AuditAnswered { id: id.to_string(), label: answer.label().map(Label::value) }
        }
    }
}

/// The deed of a row, without its time.
pub(super) fn decode(payload: &str, vectors: &[u8]) -> Result<Deed, Bad> {
    let (words, rest) = vectors.as_chunks();
    if !rest.is_empty() {
        return Err("the vectors are cut short".into());
    }
    let vectors: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
    let RowPayload { event, by, request } = serde_json::from_str(payload)?;
    let by = by.as_deref().map(Annotator::new).transpose()?;
    let request = request.as_deref().map(RequestId::new).transpose()?;
    Ok(Deed { event: decode_event(event, &vectors)?, by, request, at_ms: 0 })
}

fn decode_event(event: Payload, vectors: &[f32]) -> Result<Event, Bad> {
    Ok(match event {
        Payload::Started(started) => Event::Started(Box::new(decode_opening(started, vectors)?)),
        Payload::Shown { round, records } => {
            Event::Shown { round, records: decode_picks(records, vectors)? }
        }
        Payload::Labelled { id, label } => {
            Event::Labelled { id: RecordId::new(id)?, label: Label::new(label)? }
        }
        Payload::Skipped { id } => Event::Skipped { id: RecordId::new(id)? },
        Payload::Undone { seq } => Event::Undone { seq },
        Payload::Released { of } => {
            Event::Released { of: of.as_deref().map(Annotator::new).transpose()? }
        }
        Payload::SeenReset => Event::SeenReset,
        Payload::Fitted { round } => {
            Event::Fitted { round, classifier: decode_classifier(vectors)? }
        }
        Payload::AuditDrawn { strata, records } => {
            Event::AuditDrawn(decode_audit(strata, records, vectors)?)
        }
        Payload::AuditAnswered { id, label } => {
            let label = label.map(Label::new).transpose()?;
            let answer = label.map_or(Answer::Skipped, Answer::Labelled);
            Event::AuditAnswered { id: RecordId::new(id)?, answer }
        }
    })
}

fn encode_opening(opening: &Opening, vectors: &mut Vec<f32>) -> StartedPayload {
    let StartQuery { description, start, examples, filter } = &opening.query;
    let from = if let Some(head) = start.head() {
        encode_classifier(head, vectors);
        FromPayload::Head
    } else {
        vectors.extend(start.direction().as_slice());
        FromPayload::Direction
    };
    vectors.extend(examples.iter().flat_map(|example| example.embedding.as_slice()));
    StartedPayload {
        name: opening.name.clone(),
        description: description.clone(),
        method: encode_method(&opening.method),
        from,
        dimension: start.direction().dimension(),
        examples: examples.iter().map(encode_example).collect(),
        filter: filter.clone(),
    }
}

fn decode_opening(started: StartedPayload, vectors: &[f32]) -> Result<Opening, Bad> {
    let StartedPayload { name, description, method, from, dimension, examples, filter } = started;
    let length = match from {
        FromPayload::Direction => dimension,
        FromPayload::Head => dimension.saturating_add(1),
    };
    let (first, rest) = vectors.split_at_checked(length).ok_or("the start has no vector")?;
    let start = match from {
        FromPayload::Direction => Start::from_direction(Embedding::normalize(first)?),
        FromPayload::Head => Start::from_head(decode_classifier(first)?)?,
    };
    let embeddings = rest.chunks_exact(dimension.max(1));
    if embeddings.len() != examples.len() || !embeddings.remainder().is_empty() {
        return Err("there are not as many examples as vectors".into());
    }
    let examples =
        examples.into_iter().zip(embeddings).map(decode_example).collect::<Result<_, _>>()?;
    let query = StartQuery { description, start, examples, filter };
    Ok(Opening { name, query, method: decode_method(&method)? })
}

fn encode_example(example: &StartExample) -> ExamplePayload {
    let id = example.id.as_ref().map(ToString::to_string);
    ExamplePayload { id, label: example.label.value() }
}

fn decode_example((example, values): (ExamplePayload, &[f32])) -> Result<StartExample, Bad> {
    let id = example.id.map(RecordId::new).transpose()?;
    let embedding = Embedding::normalize(values)?;
    Ok(StartExample { id, embedding, label: Label::new(example.label)? })
}

fn encode_method(method: &Method) -> MethodPayload {
    let params = if let Method::Article(params) = method { Some(params) } else { None };
    MethodPayload {
        name: method.to_string(),
        learning_rate: params.map(|params| params.learning_rate()),
        iterations: params.map(|params| params.iterations()),
    }
}

fn decode_method(method: &MethodPayload) -> Result<Method, Bad> {
    Ok(match (method.name.parse()?, method.learning_rate, method.iterations) {
        (Method::Article(_), Some(learning_rate), Some(iterations)) => {
            Method::Article(ArticleParams::new(learning_rate, iterations)?)
        }
        (method, ..) => method,
    })
}

fn encode_pick(pick: &Pick) -> PickPayload {
    let &Pick { ref id, reason, probability, n_alike: alike, .. } = pick;
    PickPayload { id: id.to_string(), reason: reason.to_string(), probability, alike }
}

fn decode_picks(picks: Vec<PickPayload>, scores: &[f32]) -> Result<Vec<Pick>, Bad> {
    if picks.len() != scores.len() {
        return Err("there are not as many records as scores".into());
    }
    let pick = |(pick, &score): (PickPayload, &f32)| {
        let (id, reason) = (RecordId::new(pick.id)?, pick.reason.parse()?);
        let PickPayload { probability, alike: n_alike, .. } = pick;
        Ok(Pick { id, score, reason, probability, n_alike })
    };
    picks.into_iter().zip(scores).map(pick).collect()
}

fn encode_classifier(classifier: &LinearClassifier, vectors: &mut Vec<f32>) {
    vectors.extend(classifier.weights());
    vectors.push(classifier.bias());
}

fn decode_classifier(vectors: &[f32]) -> Result<LinearClassifier, Bad> {
    let (bias, weights) = vectors.split_last().ok_or("there is no classifier")?;
    Ok(LinearClassifier::new(weights, *bias)?)
}

/// The threshold, the lowest score of each stratum, then the scores of the records.
fn encode_audit(draw: &AuditDraw, vectors: &mut Vec<f32>) -> Payload {
    vectors.push(draw.threshold);
    vectors.extend(draw.strata.iter().map(|stratum| stratum.low));
    vectors.extend(draw.picks.iter().map(|pick| pick.score));
    let strata = draw.strata.iter();
    let strata =
        strata.map(|&AuditStratum { n_points, n_drawn, .. }| StratumPayload { n_points, n_drawn });
    let records = draw.picks.iter().map(|pick| pick.id.to_string());
    Payload::AuditDrawn { strata: strata.collect(), records: records.collect() }
}

fn decode_audit(
    strata: Vec<StratumPayload>,
    records: Vec<String>,
    scores: &[f32],
) -> Result<AuditDraw, Bad> {
    if scores.len() != 1 + strata.len() + records.len() {
        return Err("there are not as many records as scores".into());
    }
    let (threshold, scores) = scores.split_first().ok_or("the audit has no threshold")?;
    let (lows, scores) = scores.split_at(strata.len());
    let stratum =
        |(StratumPayload { n_points, n_drawn }, &low)| AuditStratum { low, n_points, n_drawn };
    let pick = |(id, &score)| Ok(AuditPick { id: RecordId::new(id)?, score });
    Ok(AuditDraw {
        threshold: *threshold,
        strata: strata.into_iter().zip(lows).map(stratum).collect(),
        picks: records.into_iter().zip(scores).map(pick).collect::<Result<_, Bad>>()?,
    })
}
