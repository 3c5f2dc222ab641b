//! Classifiers that a project keeps or makes: by the name of a session, of an import, or of a file.

use std::{fs::File, io::Read, path::Path};

use linprobe_classifier::{
    ClassifierFile, ExportError, Head, ImportError, MAX_FILE_BYTES, ModelCard, ReadClass,
};
use linprobe_core::ModelSpec;
use linprobe_embed::{GraphInput, OpenOptions};

use crate::{error::ProjectError, files::write_atomic, models, project::Project};

/// The form of an exported classifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportForm {
    /// Tensors `weight` and `bias`.
    #[default]
    Safetensors,
    /// An object with `weights` and `bias`.
    Json,
    /// A model with an input `embedding` and outputs `logit` and `probability`.
    Onnx,
    /// NumPy arrays `weight`, `bias` and `threshold`.
    Npz,
    /// The state dict of a `torch.nn.Linear`.
    Torch,
}

impl ExportForm {
    /// The ending of such a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Json => "json",
            Self::Onnx => "onnx",
            Self::Npz => "npz",
            Self::Torch => "pt",
        }
    }

    /// The bytes of such a file.
    ///
    /// # Errors
    /// [`ExportError`] when the classifier cannot be written so.
    pub fn bytes(self, file: &ClassifierFile) -> Result<Vec<u8>, ExportError> {
        match self {
            Self::Safetensors => file.to_safetensors(),
            Self::Json => file.to_json(),
            Self::Onnx => file.to_onnx(),
            Self::Npz => file.to_npz(),
            Self::Torch => file.to_torch(),
        }
    }

    /// The bytes of such a file of a head.
    ///
    /// # Errors
    /// [`ExportError`] when the head cannot be written so.
    pub fn bytes_of_head(self, head: &Head) -> Result<Vec<u8>, ExportError> {
        match self {
            Self::Safetensors => head.to_safetensors(),
            Self::Json => head.to_json(),
            Self::Onnx => head.to_onnx(),
            Self::Npz => head.to_npz(),
            Self::Torch => head.to_torch(),
        }
    }

    /// Every form.
    pub const ALL: [Self; 5] = [Self::Safetensors, Self::Json, Self::Onnx, Self::Npz, Self::Torch];

    /// The form that the name of a file ends with.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?;
        Self::ALL.into_iter().find(|form| ending.eq_ignore_ascii_case(form.ending()))
    }
}

/// Reads a classifier file of any form. Of a linear layer of many classes, one is chosen: by its name, else by its
/// number, from 0.
///
/// # Errors
/// [`ProjectError::Io`] when there is none, [`ProjectError::Import`] when it is something else.
pub fn read_classifier(path: &Path, class: Option<&str>) -> Result<ClassifierFile, ProjectError> {
    read_with(path, |bytes| ClassifierFile::read(bytes, class))
}

/// Reads every class of a classifier file of any form, in the order of its rows.
///
/// # Errors
/// As [`read_classifier`].
pub fn read_classes(path: &Path) -> Result<Vec<ReadClass>, ProjectError> {
    read_with(path, ReadClass::read_all)
}

fn read_with<T>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, ImportError>,
) -> Result<T, ProjectError> {
    let refused = |source| ProjectError::Import { name: path.display().to_string(), source };
    let failed = |source| ProjectError::Io { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    let n_bytes = file.metadata().map_err(failed)?.len();
    if n_bytes > MAX_FILE_BYTES {
        return Err(refused(ImportError::TooLong { bytes: n_bytes }));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    read(&bytes).map_err(refused)
}

/// Reads the classifier file that is named as `FILE` or `FILE:CLASS`; none where there is no such file.
pub fn classifier_in_file(name: &str) -> Option<Result<ClassifierFile, ProjectError>> {
    let is_file = |name: &str| Path::new(name).is_file();
    let of_class = || name.rsplit_once(':').filter(|(file, _)| is_file(file));
    if is_file(name) {
        return Some(read_classifier(Path::new(name), None));
    }
    of_class().map(|(file, class)| read_classifier(Path::new(file), Some(class)))
}

/// Writes a classifier file, in the form that its name ends with: JSON, ONNX, npz or pt; else safetensors.
///
/// # Errors
/// [`ProjectError::Io`] when it cannot be written.
pub fn write_classifier(file: &ClassifierFile, path: &Path) -> Result<(), ProjectError> {
    write_atomic(path, &ExportForm::of(path).unwrap_or_default().bytes(file)?)
}

/// Writes a classifier as an ONNX model, with the encoder of its card in front: contents go in, prepared as the encoder
/// takes them.
///
/// # Errors
/// [`ProjectError::NoCard`] where no model is named, [`ProjectError::OpenModel`] or [`ProjectError::OtherModel`] where it
/// cannot be had or written, [`ProjectError::Export`] when it is too large, [`ProjectError::Io`].
pub fn write_with_encoder(
    file: &ClassifierFile,
    (input, models): (GraphInput, &OpenOptions),
    path: &Path,
) -> Result<(), ProjectError> {
    let card = file.card.as_ref().ok_or(ProjectError::NoCard)?;
    let dimension = file.classifier.dimension();
    let encoder = models::graph_of_carded(&card.model, dimension, (input, models))?;
    write_atomic(path, &file.to_onnx_behind(encoder)?)
}

/// Writes a head, in the form that the name of the file ends with, as [`write_classifier`] does.
///
/// # Errors
/// [`ProjectError::Io`] when it cannot be written.
pub fn write_head(head: &Head, path: &Path) -> Result<(), ProjectError> {
    write_atomic(path, &ExportForm::of(path).unwrap_or_default().bytes_of_head(head)?)
}

/// A model as a classifier's card names it.
pub(crate) fn model_card(model: &ModelSpec) -> ModelCard {
    let ModelSpec { id, revision, fingerprint, .. } = model.clone();
    ModelCard { id, revision, fingerprint }
}

impl Project {
    /// Takes a classifier into the project under a name; one of that name is replaced.
    ///
    /// # Errors
    /// [`ProjectError::ForeignClassifier`] when it was made with another model, [`ProjectError::NameTaken`] when a session has
    /// the name, or [`ProjectError::BadName`].
    pub fn import_classifier(&self, name: &str, file: &ClassifierFile) -> Result<(), ProjectError> {
        self.check_classifier(name, file)?;
        self.check_import_name(name)?;
        let now_ms = self.clock().now_ms();
        self.catalogue().save_classifier(name, now_ms, &file.to_safetensors()?)
    }

    /// The names of the classifiers that were imported.
    ///
    /// # Errors
    /// The database fails.
    pub fn imported_classifiers(&self) -> Result<Vec<String>, ProjectError> {
        self.catalogue().classifier_names()
    }

    /// Finds a classifier: an imported one, else that of a session, else that of a file, named as `FILE` or
    /// `FILE:CLASS`.
    ///
    /// # Errors
    /// [`ProjectError::UnknownClassifier`] when there is none of this name, with those that there are;
    /// [`ProjectError::ForeignClassifier`] when it was made with another model.
    pub fn find_classifier(&self, name: &str) -> Result<ClassifierFile, ProjectError> {
        match self.kept_classifier(name) {
            Err(ProjectError::Unknown { name: unknown, there, .. }) => {
                let unknown = || Err(ProjectError::UnknownClassifier { name: unknown, there });
                let file = classifier_in_file(name).unwrap_or_else(unknown)?;
                self.check_classifier(name, &file)?;
                Ok(file)
            }
            found => found,
        }
    }

    /// Finds a classifier of the project: an imported one, else that of a session. Never looks at files.
    ///
    /// # Errors
    /// As [`find_classifier`](Self::find_classifier).
    pub fn kept_classifier(&self, name: &str) -> Result<ClassifierFile, ProjectError> {
        let file = match self.catalogue().classifier(name)? {
            Some(bytes) => ClassifierFile::from_safetensors(&bytes)
                .map_err(|source| ProjectError::Import { name: name.to_owned(), source })?,
            None => match self.session_classifier(name)? {
                Some(file) => file,
                None => return Err(self.unknown_classifier(name)?),
            },
        };
        self.check_classifier(name, &file)?;
        Ok(file)
    }

    fn unknown_classifier(&self, name: &str) -> Result<ProjectError, ProjectError> {
        let imported = self.imported_classifiers()?;
        let sessions = self.sessions()?.into_iter().map(|session| session.name);
        Ok(ProjectError::unknown("classifier", name, imported.into_iter().chain(sessions)))
    }

    /// Refuses a classifier of another model. One without a card is taken at its word if it has the
    /// right dimension.
    ///
    /// # Errors
    /// [`ProjectError::ForeignClassifier`], or [`ProjectError::Empty`] while the project has no model.
    pub fn check_classifier(&self, name: &str, file: &ClassifierFile) -> Result<(), ProjectError> {
        let model = self.model()?.ok_or(ProjectError::Empty)?;
        check_model(name, file, &model)
    }
}

/// Refuses a classifier that was made with another model.
pub(crate) fn check_model(
    name: &str,
    file: &ClassifierFile,
    model: &ModelSpec,
) -> Result<(), ProjectError> {
    let card = file.card.as_ref().map(|card| &card.model);
    let same = card.is_none_or(|card| card.fingerprint == model.fingerprint);
    if same && file.classifier.dimension() == model.dimension {
        return Ok(());
    }
    let made_with = card.map_or_else(|| "another model".to_owned(), |card| card.id.clone());
    let dimension = file.classifier.dimension();
    Err(ProjectError::ForeignClassifier {
        name: name.to_owned(),
        classifier: format!("{made_with} ({dimension} dimensions)"),
        project: models::shown(model),
    })
}
