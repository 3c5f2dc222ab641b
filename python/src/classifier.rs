//! Classifiers as arrays: fitted to labels, asked for scores, read and written.

use std::path::PathBuf;

use linprobe::{
    Background, Card, ClassifierFile, Counted, Embedding, Example, ExportForm, Label,
    LabelledParams, LinearClassifier, write_atomic,
};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::{
    error::{ClassifierError, InputError, OrRaise, or_input},
    rows::Rows,
};

/// Weights of shape `[d]`, the bias, and the card in JSON.
pub(crate) type Parts<'py> = (Bound<'py, PyArray1<f32>>, f32, Option<String>);

/// Fits labels alone: rows, then labels from -1 to 1 and how many each counts for, then unlabelled rows.
#[pyfunction]
pub(crate) fn fit_labelled<'py>(
    py: Python<'py>,
    rows: PyReadonlyArray2<'py, f32>,
    labels_and_counts: (PyReadonlyArray1<'py, f32>, PyReadonlyArray1<'py, f64>),
    corpus: Option<PyReadonlyArray2<'py, f32>>,
    freedom: f64,
) -> PyResult<(Bound<'py, PyArray1<f32>>, f32)> {
    let rows = Rows::of(&rows)?;
    let (labels, counts) = &labels_and_counts;
    let labels = (or_input(labels.as_slice())?, or_input(counts.as_slice())?);
    let corpus = corpus.as_ref().map(Rows::of).transpose()?;
    let fitted = py.detach(|| fit(rows, labels, corpus, LabelledParams { freedom }))?;
    Ok((fitted.weights().to_vec().into_pyarray(py), fitted.bias()))
}

fn fit(
    rows: Rows<'_>,
    (labels, counts): (&[f32], &[f64]),
    corpus: Option<Rows<'_>>,
    params: LabelledParams,
) -> PyResult<LinearClassifier> {
    let corpus = corpus.map(|corpus| {
        let embeddings = corpus.iter().filter_map(|row| Embedding::normalize(row).ok());
        let embeddings: Vec<Embedding> = embeddings.collect();
        Background::estimate(corpus.dimension, &embeddings)
    });
    let mut examples = Vec::with_capacity(labels.len());
    let said = labels.iter().zip(counts);
    for (embedding, (&label, &count)) in rows.embeddings()?.into_iter().zip(said) {
        let label = or_input(Label::new(label))?;
        examples.push(Counted { example: Example { embedding, label, round: 0 }, count });
    }
    or_input(linprobe::fit_labelled(&examples, corpus.as_ref(), params))
}

/// The scores of rows of any length: `weights . x / |x| + bias`.
#[pyfunction]
pub(crate) fn score_rows<'py>(
    py: Python<'py>,
    rows: PyReadonlyArray2<'py, f32>,
    weights: PyReadonlyArray1<'py, f32>,
    bias: f32,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let rows = Rows::of(&rows)?;
    let classifier = or_input(LinearClassifier::new(or_input(weights.as_slice())?, bias))?;
    if classifier.dimension() != rows.dimension {
        let (found, expected) = (rows.dimension, classifier.dimension());
        let said = format!("X has {found} features, the classifier has {expected} weights");
        return Err(InputError::new_err(said));
    }
    let score = || rows.iter().map(|row| classifier.score_vector(row)).collect::<Vec<f32>>();
    Ok(py.detach(score).into_pyarray(py))
}

/// Reads a classifier file of any form.
#[pyfunction]
pub(crate) fn read_classifier(
    py: Python<'_>,
    path: PathBuf,
    class_name: Option<String>,
) -> PyResult<Parts<'_>> {
    let read = || linprobe::read_classifier(&path, class_name.as_deref());
    to_python(py, py.detach(read).or_raise()?)
}

/// Writes a classifier file in the form that a file with this ending has.
#[pyfunction]
pub(crate) fn write_classifier(
    py: Python<'_>,
    path: PathBuf,
    weights: PyReadonlyArray1<'_, f32>,
    bias: f32,
    card: Option<&str>,
) -> PyResult<()> {
    let file = from_python(or_input(weights.as_slice())?, bias, card)?;
    let write = || {
        let bytes = ExportForm::of(&path).unwrap_or_default().bytes(&file)?;
        write_atomic(&path, &bytes)
    };
    py.detach(write).or_raise()
}

/// The page of a repository on a hub that holds the classifier.
#[pyfunction]
pub(crate) fn repository_page(
    repository: &str,
    given: (PyReadonlyArray1<'_, f32>, f32, Option<String>),
    threshold: f32,
) -> PyResult<String> {
    let (weights, bias, card) = &given;
    let file = from_python(or_input(weights.as_slice())?, *bias, card.as_deref())?;
    Ok(linprobe::repository_page(repository, &file, threshold))
}

/// A classifier as Python has it.
pub(crate) fn from_python(
    weights: &[f32],
    bias: f32,
    card: Option<&str>,
) -> PyResult<ClassifierFile> {
    let classifier = or_input(LinearClassifier::new(weights, bias))?;
    let bad_card = |bad| ClassifierError::new_err(format!("{bad}"));
    let card = card.map(|card| Card::from_json(card, &classifier)).transpose().map_err(bad_card)?;
    Ok(ClassifierFile { classifier, card })
}

/// A classifier for Python.
pub(crate) fn to_python(py: Python<'_>, file: ClassifierFile) -> PyResult<Parts<'_>> {
    let card = file.card.as_ref().map(Card::to_json).transpose();
    let card = card.map_err(|bad| ClassifierError::new_err(bad.to_string()))?;
    Ok((file.classifier.weights().to_vec().into_pyarray(py), file.classifier.bias(), card))
}
