//! Many classes in one file: a linear layer with a row for each, out of as many classifiers of one model.
//!
//! Each class keeps a card of its own, whose name is that of the class, so that a class that is read alone is the classifier that it was
//! made of. A row is written as it is: one that is replaced changes no other.

use std::collections::BTreeSet;

use super::{
    Card, ClassifierFile, ExportError, ImportError,
    card::{ClassCard, HeadCard},
    found_in,
    layer::Found,
    rows::Rows,
};
use crate::LinearClassifier;

/// A linear layer of one class or many, over the embeddings of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    classes: Vec<HeadClass>,
}

/// A class of a [`Head`].
#[derive(Clone, Debug, PartialEq)]
pub struct HeadClass {
    /// Its row and its bias.
    pub classifier: LinearClassifier,
    /// Where it comes from, and its threshold; the name on it is that of the class.
    pub card: Card,
}

/// A class as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadClass {
    /// Its name; its number, from 0, where the file names none.
    pub name: String,
    /// Its row and its bias, with its card if it has one.
    pub file: ClassifierFile,
}

/// Why classifiers are no head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// There are none.
    #[error("a head has at least one class")]
    Empty,
    /// Two have the same name.
    #[error(
        "two classes are called {name:?}\nhint: name one of them otherwise, as in NAME={name:?}"
    )]
    SameName {
        /// The name.
        name: String,
    },
    /// They were made with different models.
    #[error(
        "the class {name:?} was made with {found}, the first one with {expected}\n\
         hint: a head is over the embeddings of one model"
    )]
    OtherModel {
        /// The class.
        name: String,
        /// Its model and dimension.
        found: String,
        /// Those of the first class.
        expected: String,
    },
}

impl Head {
    /// Checks that the classes are of one model and that each has a name of its own.
    ///
    /// # Errors
    /// [`BadHead`] when they are not, or there are none.
    pub fn new(classes: Vec<HeadClass>) -> Result<Self, BadHead> {
        let Some(first) = classes.first() else { return Err(BadHead::Empty) };
        let mut names = BTreeSet::new();
        for class in &classes {
            let name = class.card.name.clone();
            if !class.is_of_the_model_of(first) {
                let (found, expected) = (class.model(), first.model());
                return Err(BadHead::OtherModel { name, found, expected });
            }
            if !names.insert(&class.card.name) {
                return Err(BadHead::SameName { name });
            }
        }
        Ok(Self { classes })
    }

    /// The classes, in the order of the rows.
    pub fn classes(&self) -> &[HeadClass] {
        &self.classes
    }

    /// Writes safetensors: `weight` of shape `[k, d]` and `bias` of `[k]`, and the cards in the metadata.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ExportError> {
        self.rows()?.to_safetensors()
    }

    /// Writes JSON: `classes`, each with `name`, `bias` and `weights`, and the cards as `card`.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_json(&self) -> Result<Vec<u8>, ExportError> {
        self.rows()?.to_json()
    }

    /// Writes an ONNX model: `embedding` [n, d] gives `logit` and `probability` [n, k].
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_onnx(&self) -> Result<Vec<u8>, ExportError> {
        Ok(self.rows()?.to_onnx())
    }

    /// Writes a zip of NumPy arrays: `weight` of shape `[k, d]`, `bias`, `threshold` and `classes_` of `[k]`, and `card`.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_npz(&self) -> Result<Vec<u8>, ExportError> {
        self.rows()?.to_npz()
    }

    /// Writes the state dict of a `torch.nn.Linear(d, k)`, which has no place for names.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_torch(&self) -> Result<Vec<u8>, ExportError> {
        self.rows()?.to_torch()
    }

    fn rows(&self) -> Result<Rows<'_>, ExportError> {
        let classes = self.classes.iter();
        Ok(Rows {
            classifiers: classes.clone().map(|class| &class.classifier).collect(),
            thresholds: classes.clone().map(|class| class.card.threshold).collect(),
            names: Some(classes.map(|class| class.card.name.as_str()).collect()),
            card: self.card().as_ref().map(serde_json::to_string).transpose()?,
        })
    }

    fn card(&self) -> Option<HeadCard> {
        let first = self.classes.first()?;
        Some(HeadCard {
            format: HeadCard::FORMAT,
            model: first.card.model.clone(),
            dimension: first.classifier.dimension(),
            classes: self.classes.iter().map(|class| ClassCard::from(&class.card)).collect(),
        })
    }
}

impl HeadClass {
    fn is_of_the_model_of(&self, other: &Self) -> bool {
        self.card.model.fingerprint == other.card.model.fingerprint
            && self.classifier.dimension() == other.classifier.dimension()
    }

    fn model(&self) -> String {
        format!("{} ({} dimensions)", self.card.model.id, self.classifier.dimension())
    }
}

impl ReadClass {
    /// Reads every class of a file of any form, in the order of its rows. Of two classes that one row tells apart, as scikit-learn
    /// keeps them, it is the second.
    ///
    /// # Errors
    /// [`ImportError`] when it is no linear layer.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, ImportError> {
        found_in(bytes, |found: Found<'_>| found.every_class())
    }
}
