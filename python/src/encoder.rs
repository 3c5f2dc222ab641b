//! A pretrained model by itself: contents in, a matrix of unit vectors out.

use std::{num::NonZeroUsize, sync::Arc};

use linprobe::{
    BadContent, Cancel, Content, Embedded, Embedder, Embedding, ProjectError, StreamError,
    StreamOptions, embed_stream, open_model,
};
use numpy::PyArray2;
use pyo3::prelude::*;

use crate::{
    error::{OrRaise, or_input},
    long::{self, Report},
    rows::matrix,
    surroundings::models,
    wire,
};

/// A model that is ready.
#[pyclass(frozen, module = "linprobe._native")]
pub(crate) struct Encoder {
    embedder: Arc<dyn Embedder>,
}

/// A text, or the bytes of a picture.
#[derive(FromPyObject)]
enum Given {
    Text(String),
    Picture(Vec<u8>),
}

/// The embeddings, a row of zeros for what has none, and the place and reason of each that has none.
type Rows<'py> = (Bound<'py, PyArray2<f32>>, Vec<(usize, String)>);

#[pymethods]
impl Encoder {
    #[new]
    fn open(py: Python<'_>, name: String, engine: &str, resize: &str) -> PyResult<Self> {
        let models = models(engine, resize)?;
        let open = move || open_model(&name, &models).map_err(ProjectError::from);
        Ok(Self { embedder: long::leave(py, open)?.or_raise()? })
    }

    /// What the model is.
    fn model(&self) -> wire::Model {
        self.embedder.model().into()
    }

    /// Embeds contents, and calls `show` with the number of those done.
    fn embed<'py>(
        &self,
        py: Python<'py>,
        contents: Vec<Given>,
        batch_size: usize,
        show: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Rows<'py>> {
        let batch_size = or_input(NonZeroUsize::try_from(batch_size))?;
        let options = StreamOptions { batch_size, ..StreamOptions::default() };
        let cancel = Cancel::default();
        let (embedder, cancelled) = (Arc::clone(&self.embedder), cancel.clone());
        let embed = move |report: Report<'_, usize>| {
            let wanted = contents.into_iter().take_while(|_| !cancelled.is_cancelled());
            stream(embedder.as_ref(), wanted.map(Content::from), &options, report)
        };
        let answers = long::run(py, &cancel, embed, |n_done| match &show {
            Some(show) => show.call1((n_done,)).map(drop),
            None => Ok(()),
        })?;
        answers.or_raise()?.into_python(py)
    }

    /// Embeds texts that records are searched for by.
    fn embed_queries<'py>(&self, py: Python<'py>, texts: Vec<String>) -> PyResult<Rows<'py>> {
        let embed = || {
            let mut answers = Answers::of(self.embedder.model().dimension);
            for text in &texts {
                answers.add(self.query(text)?);
            }
            Ok::<Answers, ProjectError>(answers)
        };
        py.detach(embed).or_raise()?.into_python(py)
    }
}

impl Encoder {
    fn query(&self, text: &str) -> Result<Result<Embedding, BadContent>, ProjectError> {
        let input = match self.embedder.process_query(text) {
            Ok(input) => input,
            Err(bad) => return Ok(Err(bad)),
        };
        let mut answers = self.embedder.embed(&[input])?;
        Ok(answers.pop().expect("one answer for each input"))
    }
}

fn stream(
    embedder: &dyn Embedder,
    contents: impl Iterator<Item = Content> + Send,
    options: &StreamOptions,
    report: Report<'_, usize>,
) -> Result<Answers, ProjectError> {
    let mut answers = Answers::of(embedder.model().dimension);
    let untagged = contents.map(|content| ((), content));
    embed_stream(embedder, untagged, options, |batch| {
        for Embedded { tag: (), embedding } in batch {
            answers.add(embedding);
        }
        report(answers.n_answered);
        Ok::<(), ProjectError>(())
    })
    .map_err(|error| match error {
        StreamError::Embed(error) => error.into(),
        StreamError::Sink(error) => error,
        StreamError::Thread(error) => ProjectError::Thread(error),
    })?;
    Ok(answers)
}

impl From<Given> for Content {
    fn from(given: Given) -> Self {
        match given {
            Given::Text(text) => Self::Text(text),
            Given::Picture(bytes) => Self::Image(bytes),
        }
    }
}

/// The answers to contents, in their order.
struct Answers {
    dimension: usize,
    n_answered: usize,
    values: Vec<f32>,
    bad: Vec<(usize, String)>,
}

impl Answers {
    fn of(dimension: usize) -> Self {
        Self { dimension, n_answered: 0, values: Vec::new(), bad: Vec::new() }
    }

    fn add(&mut self, answer: Result<Embedding, BadContent>) {
        match answer {
            Ok(embedding) => self.values.extend_from_slice(embedding.as_slice()),
            Err(reason) => {
                self.bad.push((self.n_answered, reason.to_string()));
                self.values.resize(self.values.len() + self.dimension, 0.0);
            }
        }
        self.n_answered += 1;
    }

    fn into_python(self, py: Python<'_>) -> PyResult<Rows<'_>> {
        Ok((matrix(py, self.values, self.dimension)?, self.bad))
    }
}
