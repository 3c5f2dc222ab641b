//! What a search or a session starts from: words, examples, a vector, or a classifier.

use std::path::{Path, PathBuf};

use linprobe_classifier::{Background, Label, LinearClassifier, Start, combine, from_examples};
use linprobe_core::{Content, Embedder, Embedding, RecordId, VectorStore};
use linprobe_session::{StartExample, StartQuery};
use linprobe_source::SourceOptions;

use crate::{error::ProjectError, filter::Filter, models, project::Project};

/// Where a person starts: any of these together, but a classifier only by itself or with examples. A vector counts as one
/// phrase more.
#[derive(Clone, Debug, Default)]
pub struct StartFrom {
    /// What is looked for, in words.
    pub phrases: Vec<String>,
    /// What it is not, in words.
    pub negative_phrases: Vec<String>,
    /// Examples of it.
    pub like: Vec<Exemplar>,
    /// Counterexamples.
    pub unlike: Vec<Exemplar>,
    /// A vector in the space of the model, of any length.
    pub vector: Option<Vec<f32>>,
    /// A classifier of the same model, and its name.
    pub classifier: Option<(String, LinearClassifier)>,
    /// The records that are looked at; all when not given. It is no start by itself.
    pub filter: Option<Filter>,
}

/// Something that is, or is not, an example.
#[derive(Clone, Debug, PartialEq)]
pub enum Exemplar {
    /// A record of the project.
    Record(RecordId),
    /// A picture or a text file from anywhere.
    File(PathBuf),
    /// A content that is at hand, and what to call it.
    Content(String, Content),
}

impl StartFrom {
    /// Whether nothing is given to start from.
    pub fn is_empty(&self) -> bool {
        let Self { phrases, negative_phrases, like, unlike, vector, classifier, filter: _ } = self;
        phrases.is_empty()
            && negative_phrases.is_empty()
            && like.is_empty()
            && unlike.is_empty()
            && vector.is_none()
            && classifier.is_none()
    }

    fn has_words_or_vector(&self) -> bool {
        let Self { phrases, negative_phrases, vector, .. } = self;
        !phrases.is_empty() || !negative_phrases.is_empty() || vector.is_some()
    }

    /// Whether examples say more than the direction does, which is made of those that are liked where nothing else says
    /// what is looked for.
    pub(crate) fn is_moved_by_examples(&self) -> bool {
        let has_other =
            !self.phrases.is_empty() || self.vector.is_some() || self.classifier.is_some();
        !self.unlike.is_empty() || (!self.like.is_empty() && has_other)
    }

    /// Says in a few words what is looked for.
    pub fn description(&self) -> String {
        let phrases = self.phrases.iter().cloned();
        let negative = self.negative_phrases.iter().map(|phrase| format!("not {phrase}"));
        let like = self.like.iter().map(|exemplar| format!("like {exemplar}"));
        let unlike = self.unlike.iter().map(|exemplar| format!("unlike {exemplar}"));
        let vector = self.vector.iter().map(|_| "a vector".to_owned());
        let classifier = self.classifier.iter().map(|(name, _)| format!("classifier {name}"));
        let parts = phrases.chain(negative).chain(like).chain(unlike).chain(vector);
        parts.chain(classifier).collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Display for Exemplar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(id) => write!(f, "{id}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Content(name, _) => f.write_str(name),
        }
    }
}

impl Project {
    /// Tells a record of the project from a file: what is the id of a record means that record.
    ///
    /// # Errors
    /// [`ProjectError::UnknownExemplar`] or [`ProjectError::BadId`] when it is neither.
    pub fn exemplar(&self, name: &str) -> Result<Exemplar, ProjectError> {
        let file = || Path::new(name).is_file().then(|| Exemplar::File(PathBuf::from(name)));
        let id = match RecordId::new(name) {
            Ok(id) => id,
            Err(reason) => {
                let bad = || ProjectError::BadId { name: name.to_owned(), reason };
                return file().ok_or_else(bad);
            }
        };
        match self.record(&id) {
            Ok(_) => Ok(Exemplar::Record(id)),
            Err(ProjectError::UnknownRecord { .. }) => {
                file().ok_or_else(|| ProjectError::UnknownExemplar { name: name.to_owned() })
            }
            Err(error) => Err(error),
        }
    }

    /// Finds the place in the space of the model.
    pub(crate) async fn origin(
        &self,
        from: &StartFrom,
        store: &dyn VectorStore,
        background: &Background,
    ) -> Result<StartQuery, ProjectError> {
        if from.is_empty() {
            return Err(ProjectError::NoStart);
        }
        let liked = self.embed_exemplars(&from.like, store).await?;
        let unliked = self.embed_exemplars(&from.unlike, store).await?;
        let start = self.start(from, &liked, background)?;
        let labelled = |label: f32| {
            let label = Label::new(label).expect("-1 and 1 are labels");
            move |(id, embedding): (Option<RecordId>, Embedding)| StartExample {
                id,
                embedding,
                label,
            }
        };
        let unliked = unliked.into_iter().map(labelled(-1.0));
        let examples = liked.into_iter().map(labelled(1.0)).chain(unliked).collect();
        let filter = from.filter.as_ref().map(ToString::to_string);
        Ok(StartQuery { description: from.description(), start, examples, filter })
    }

    fn start(
        &self,
        from: &StartFrom,
        liked: &[(Option<RecordId>, Embedding)],
        background: &Background,
    ) -> Result<Start, ProjectError> {
        if let Some((name, head)) = &from.classifier {
            if from.has_words_or_vector() {
                return Err(ProjectError::ClassifierBeside);
            }
            let zero = |_| ProjectError::ZeroClassifier { name: name.clone() };
            return Start::from_head(head.clone()).map_err(zero);
        }
        let mut positive = self.embed_words(&from.phrases)?;
        if let Some(values) = &from.vector {
            positive.push(embed_vector(values, background.dimension())?);
        }
        if positive.is_empty() {
            let liked: Vec<Embedding> = liked.iter().map(|(_, e)| e.clone()).collect();
            positive.push(from_examples(&liked, background)?);
        }
        let negative = self.embed_words(&from.negative_phrases)?;
        Ok(Start::from_direction(combine(&positive, &negative)?))
    }

    /// One embedding for each phrase; no model is opened for none.
    fn embed_words(&self, phrases: &[String]) -> Result<Vec<Embedding>, ProjectError> {
        if phrases.is_empty() {
            return Ok(Vec::new());
        }
        embed_phrases(self.embedder()?.as_ref(), phrases)
    }

    async fn embed_exemplars(
        &self,
        exemplars: &[Exemplar],
        store: &dyn VectorStore,
    ) -> Result<Vec<(Option<RecordId>, Embedding)>, ProjectError> {
        let mut embedded = Vec::with_capacity(exemplars.len());
        for exemplar in exemplars {
            embedded.push(match exemplar {
                Exemplar::Record(id) => {
                    let point = store.fetch(std::slice::from_ref(id)).await?.pop();
                    let unknown = || ProjectError::UnknownRecord { id: id.clone() };
                    (Some(id.clone()), point.ok_or_else(unknown)?.embedding)
                }
                Exemplar::File(path) => (None, self.embed_file(path)?),
                Exemplar::Content(name, content) => (None, self.embed_content(name, content)?),
            });
        }
        Ok(embedded)
    }

    /// Embeds a file from anywhere: as a text if its name says so, else as a picture.
    fn embed_file(&self, path: &Path) -> Result<Embedding, ProjectError> {
        let failed = |source| ProjectError::Io { path: path.into(), source };
        let is_text = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"));
        let content = if is_text {
            Content::Text(std::fs::read_to_string(path).map_err(failed)?)
        } else {
            Content::Image(std::fs::read(path).map_err(failed)?)
        };
        self.embed_content(&path.display().to_string(), &content)
    }

    fn embed_content(&self, name: &str, content: &Content) -> Result<Embedding, ProjectError> {
        let embedder = self.embedder()?;
        models::check_takes(embedder.model(), content)?;
        models::embed_one(embedder.as_ref(), name, content)
    }
}

/// A vector of any length in the space of the model.
fn embed_vector(values: &[f32], dimension: usize) -> Result<Embedding, ProjectError> {
    let embedder = linprobe_embed::precomputed(models::PRECOMPUTED, dimension);
    let content = Content::Vector { values: values.to_vec(), text: None };
    models::embed_one(embedder.as_ref(), "the vector", &content)
}

/// One embedding for each phrase.
pub(crate) fn embed_phrases(
    embedder: &dyn Embedder,
    phrases: &[String],
) -> Result<Vec<Embedding>, ProjectError> {
    let model = embedder.model();
    if !model.modalities.text {
        let hint = "start from examples (--like), a vector or a classifier";
        return Err(ProjectError::Modality {
            model: models::shown(model),
            kind: "text".to_owned(),
            hint,
        });
    }
    phrases.iter().map(|phrase| models::embed_phrase(embedder, phrase)).collect()
}

/// Reads one vector of a file of vectors.
///
/// # Errors
/// [`ProjectError::NoSuchRow`] when the file holds fewer, or it cannot be read.
pub fn read_vector(path: &Path, row_idx: usize) -> Result<Vec<f32>, ProjectError> {
    let source = linprobe_source::open(path, &SourceOptions::default())?;
    let record = source.records().nth(row_idx).transpose()?;
    match record.map(|record| record.content) {
        Some(Content::Vector { values, .. }) => Ok(values),
        _ => Err(ProjectError::NoSuchRow { path: path.into(), row_idx }),
    }
}
