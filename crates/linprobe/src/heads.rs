//! Heads: classifiers of one project side by side in one file, a class each.

use std::path::Path;

use linprobe_classifier::{Head, HeadClass, ImportError, ReadClass, ThresholdPolicy};

use crate::{
    classifiers::{classifier_in_file, read_classes},
    error::ProjectError,
    project::Project,
};

/// A class of a head that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadRow {
    /// What the class is called.
    pub class: String,
    /// The classifier that it is: a session, an imported one, or a file as `FILE` or `FILE:CLASS`.
    pub classifier: String,
}

impl Project {
    /// Tells what class is meant: `CLASSIFIER`, which gives the class its name, or `CLASS=CLASSIFIER`. What is the name of a
    /// classifier as a whole means that one, whatever is in it.
    ///
    /// # Errors
    /// The database fails.
    pub fn head_row(&self, text: &str) -> Result<HeadRow, ProjectError> {
        let row = |class: &str, classifier: &str| HeadRow {
            class: class.to_owned(),
            classifier: classifier.to_owned(),
        };
        match self.kept_classifier(text) {
            Ok(_) => return Ok(row(text, text)),
            Err(ProjectError::Unknown { .. }) => {}
            Err(error) => return Err(error),
        }
        if Path::new(text).is_file() {
            let stem = Path::new(text).file_stem().unwrap_or_default().to_string_lossy();
            return Ok(row(&stem, text));
        }
        let in_file = text.rsplit_once(':').filter(|_| classifier_in_file(text).is_some());
        Ok(match (in_file, text.split_once('=')) {
            (Some((_, class)), _) => row(class, text),
            (None, Some((class, classifier))) => row(class, classifier),
            (None, None) => row(text, text),
        })
    }

    /// A head with a class for each classifier, in this order, with the threshold that a policy asks for, else each one's own.
    ///
    /// # Errors
    /// [`ProjectError::UnknownClassifier`] when there is no classifier of a name, [`ProjectError::Head`] when two
    /// classes share one.
    pub async fn export_head(
        &self,
        rows: &[HeadRow],
        policy: Option<ThresholdPolicy>,
    ) -> Result<Head, ProjectError> {
        let mut classes = Vec::with_capacity(rows.len());
        for row in rows {
            classes.push(self.head_class(row, policy).await?);
        }
        Ok(Head::new(classes)?)
    }

    /// The head of a file with some of its classes replaced. The other rows stay as they are, number by number.
    ///
    /// # Errors
    /// [`ProjectError::Import`] when the file is no head or has no such class, [`ProjectError::ForeignClassifier`] when it
    /// was made with another model, and those of [`export_head`](Self::export_head).
    pub async fn replace_in_head(
        &self,
        file: &Path,
        rows: &[HeadRow],
        policy: Option<ThresholdPolicy>,
    ) -> Result<Head, ProjectError> {
        let mut classes = self.classes_of(file)?;
        for row in rows {
            let place = classes.iter().position(|class| class.card.name == row.class);
            let place = place.ok_or_else(|| no_such_class(file, &classes, &row.class))?;
            classes[place] = self.head_class(row, policy).await?;
        }
        Ok(Head::new(classes)?)
    }

    async fn head_class(
        &self,
        row: &HeadRow,
        policy: Option<ThresholdPolicy>,
    ) -> Result<HeadClass, ProjectError> {
        let file = self.export_classifier(&row.classifier, policy).await?;
        let HeadRow { class, classifier } = row;
        self.head_class_of(ReadClass { name: class.clone(), file }, classifier)
    }

    fn classes_of(&self, file: &Path) -> Result<Vec<HeadClass>, ProjectError> {
        let place = file.display().to_string();
        let classes = read_classes(file)?.into_iter();
        classes.map(|class| self.head_class_of(class, &place)).collect()
    }

    fn head_class_of(&self, class: ReadClass, place: &str) -> Result<HeadClass, ProjectError> {
        let ReadClass { name, file } = class;
        self.check_classifier(place, &file)?;
        let mut card = match file.card {
            Some(card) => card,
            None => self.foreign_card(&name, &file.classifier)?,
        };
        card.name = name;
        Ok(HeadClass { classifier: file.classifier, card })
    }
}

fn no_such_class(file: &Path, classes: &[HeadClass], class: &str) -> ProjectError {
    let names: Vec<String> = classes.iter().map(|class| format!("{:?}", class.card.name)).collect();
    let source = ImportError::NoSuchClass { class: class.to_owned(), classes: names.join(", ") };
    ProjectError::Import { name: file.display().to_string(), source }
}
