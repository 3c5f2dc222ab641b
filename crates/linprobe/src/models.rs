//! Which model embeds what.
//!
//! A project has one model for ever, since vectors of two models mean nothing to each other. It is
//! the one that is asked for first, or what the first dataset suggests: the built-in encoder for
//! texts, none for vectors that were made elsewhere.

use std::sync::Arc;

use linprobe_classifier::ModelCard;
use linprobe_core::{
    BadContent, Content, Embedder, Embedding, Input, Modalities, ModelSpec, Source,
};
use linprobe_embed::{GraphInput, OpenOptions, digest_of, precomputed};
use linprobe_tensors::onnx::Graph;

use crate::error::ProjectError;

/// The model of vectors that came without the name of one.
pub(crate) const PRECOMPUTED: &str = "precomputed";

/// The model that embeds texts when none is asked for.
pub(crate) const BUILTIN: &str = "builtin";

/// Opens the model that a project or classifier names, and makes sure that it is still the same.
pub(crate) fn reopen(
    model: &ModelSpec,
    options: &OpenOptions,
) -> Result<Arc<dyn Embedder>, ProjectError> {
    if model.id == PRECOMPUTED {
        return Ok(precomputed(PRECOMPUTED, model.dimension));
    }
    let embedder = linprobe_embed::open(
        &named(&model.id, model.revision.as_deref()),
        &options.to_reopen(&model.fingerprint),
    )?;
    same_model(model, embedder.model())?;
    Ok(embedder)
}

/// A model's name with its revision.
fn named(id: &str, revision: Option<&str>) -> String {
    revision.map_or_else(|| id.to_owned(), |revision| format!("{id}@{revision}"))
}

/// Writes the model that a classifier's card names as a graph, having made sure that it is still the same.
pub(crate) fn graph_of_carded(
    card: &ModelCard,
    dimension: usize,
    (input, options): (GraphInput, &OpenOptions),
) -> Result<Graph, ProjectError> {
    let name = named(&card.id, card.revision.as_deref());
    let (written, graph) =
        linprobe_embed::encoder_graph(&name, input, &options.to_write(&card.fingerprint))?;
    // It is written in single precision, whatever ran it.
    let [carded, written] = [carded(card, dimension), written]
        .map(|model| ModelSpec { fingerprint: digest_of(&model.fingerprint).to_owned(), ..model });
    same_model(&carded, &written)?;
    Ok(graph)
}

/// Opens the model that a classifier's card names, and makes sure that it is still the same.
pub(crate) fn open_carded(
    card: &ModelCard,
    dimension: usize,
    options: &OpenOptions,
) -> Result<Arc<dyn Embedder>, ProjectError> {
    reopen(&carded(card, dimension), options)
}

fn carded(card: &ModelCard, dimension: usize) -> ModelSpec {
    let ModelCard { id, revision, fingerprint } = card.clone();
    ModelSpec { id, revision, fingerprint, dimension, modalities: Modalities::default() }
}

/// Refuses another model than the one chosen.
pub(crate) fn same_model(chosen: &ModelSpec, given: &ModelSpec) -> Result<(), ProjectError> {
    if chosen.fingerprint == given.fingerprint && chosen.dimension == given.dimension {
        return Ok(());
    }
    let exactly =
        |model: &ModelSpec| format!("{} with digest {:.12}", shown(model), model.fingerprint);
    Err(ProjectError::OtherModel { project: exactly(chosen), given: exactly(given) })
}

/// A model's name as messages have it.
pub(crate) fn shown(model: &ModelSpec) -> String {
    format!("{} ({} dimensions)", model.id, model.dimension)
}

/// The first content of a source, which tells what kind it is of.
pub(crate) fn first_content(source: &dyn Source) -> Option<Content> {
    source.records().find_map(Result::ok).map(|record| record.content)
}

/// Refuses contents that a model cannot take, before any work is done.
pub(crate) fn check_takes(model: &ModelSpec, content: &Content) -> Result<(), ProjectError> {
    let (taken, hint) = match content {
        Content::Text(_) => (model.modalities.text, "this model embeds no texts"),
        Content::Image(_) => {
            (model.modalities.image, "pictures need a model such as CLIP: another project")
        }
        Content::Vector { values, .. } => (
            values.len() == model.dimension,
            "index vectors of the dimension that the project has, made with its model",
        ),
    };
    if taken {
        return Ok(());
    }
    let kind = match content {
        Content::Vector { values, .. } => format!("vector of {} dimensions", values.len()),
        Content::Text(_) | Content::Image(_) => content.kind().to_owned(),
    };
    Err(ProjectError::Modality { model: shown(model), kind, hint })
}

/// Embeds one content.
pub(crate) fn embed_one(
    embedder: &dyn Embedder,
    what: &str,
    content: &Content,
) -> Result<Embedding, ProjectError> {
    embed_input(embedder, what, embedder.process(content))
}

/// Embeds a phrase that records are searched for by.
pub(crate) fn embed_phrase(
    embedder: &dyn Embedder,
    phrase: &str,
) -> Result<Embedding, ProjectError> {
    embed_input(embedder, &format!("the phrase {phrase:?}"), embedder.process_query(phrase))
}

fn embed_input(
    embedder: &dyn Embedder,
    what: &str,
    input: Result<Input, BadContent>,
) -> Result<Embedding, ProjectError> {
    let failed = |reason| ProjectError::NoEmbedding { what: what.to_owned(), reason };
    let input = input.map_err(failed)?;
    let mut embeddings = embedder.embed(&[input])?;
    embeddings.pop().expect("one answer for each input").map_err(failed)
}
