//! What Python gives: starts of searches and sessions, and how datasets are read.

use std::{path::PathBuf, time::Duration};

use linprobe::{Content, Exemplar, Filter, LinearClassifier, Project, SourceOptions, StartFrom};
use pyo3::prelude::*;

use crate::{
    classifier,
    error::{OrRaise, or_input},
};

/// A record or a file by its name, or the bytes of a picture.
#[derive(FromPyObject)]
pub(crate) enum Example {
    Named(String),
    Picture(Vec<u8>),
}

/// Where a search or a session starts.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Start {
    phrases: Vec<String>,
    negative_phrases: Vec<String>,
    like: Vec<Example>,
    unlike: Vec<Example>,
    vector: Option<Vec<f32>>,
    classifier: Option<Head>,
    filter: Option<String>,
}

/// A classifier to start from: of the project, by name, or what to call it, its weights, its bias and its card.
#[derive(FromPyObject)]
enum Head {
    Named(String),
    Weights(String, Vec<f32>, f32, Option<String>),
}

impl Start {
    /// The same for the library.
    pub(crate) fn of(self, project: &Project) -> PyResult<StartFrom> {
        let exemplars = |examples: Vec<Example>| -> PyResult<Vec<Exemplar>> {
            examples.into_iter().map(|example| example.exemplar(project)).collect()
        };
        Ok(StartFrom {
            phrases: self.phrases,
            negative_phrases: self.negative_phrases,
            like: exemplars(self.like)?,
            unlike: exemplars(self.unlike)?,
            vector: self.vector,
            classifier: self.classifier.map(|head| head.classifier(project)).transpose()?,
            filter: filter(self.filter.as_deref())?,
        })
    }
}

impl Example {
    fn exemplar(self, project: &Project) -> PyResult<Exemplar> {
        match self {
            Self::Named(name) => project.exemplar(&name).or_raise(),
            Self::Picture(bytes) => {
                Ok(Exemplar::Content("a picture".to_owned(), Content::Image(bytes)))
            }
        }
    }
}

impl Head {
    fn classifier(self, project: &Project) -> PyResult<(String, LinearClassifier)> {
        match self {
            Self::Named(name) => {
                let file = project.find_classifier(&name).or_raise()?;
                Ok((name, file.classifier))
            }
            Self::Weights(name, weights, bias, card) => {
                let file = classifier::from_python(&weights, bias, card.as_deref())?;
                project.check_classifier(&name, &file).or_raise()?;
                Ok((name, file.classifier))
            }
        }
    }
}

/// A filter in words.
pub(crate) fn filter(text: Option<&str>) -> PyResult<Option<Filter>> {
    or_input(text.map(str::parse).transpose())
}

/// How a dataset is read.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Reading {
    kind: Option<String>,
    id: Option<String>,
    text: Option<String>,
    label: Option<String>,
    metadata: Option<Vec<String>>,
    texts: Option<PathBuf>,
    ids: Option<PathBuf>,
    labels: Option<PathBuf>,
    tensor: Option<String>,
    split: Option<String>,
    config: Option<String>,
    revision: Option<String>,
    every: Option<f64>,
}

impl Reading {
    /// The same for the library.
    pub(crate) fn options(self) -> PyResult<SourceOptions> {
        let every = self.every.map(Duration::try_from_secs_f64).transpose();
        Ok(SourceOptions {
            kind: or_input(self.kind.as_deref().map(str::parse).transpose())?,
            id: self.id,
            text: self.text,
            label: self.label,
            metadata: self.metadata,
            texts: self.texts,
            ids: self.ids,
            labels: self.labels,
            tensor: self.tensor,
            split: self.split,
            config: self.config,
            revision: self.revision,
            every: or_input(every)?,
            ..SourceOptions::default()
        })
    }
}
