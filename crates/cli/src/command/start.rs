//! What the words of the command line start from.

use std::path::Path;

use anyhow::{Context, Result};
use linprobe::{Filter, Project, StartFrom, read_vector};

use crate::args::{StartArgs, WhereArgs};

/// Resolves records, files, vectors and classifiers.
pub(crate) fn from_args(project: &Project, args: &StartArgs) -> Result<StartFrom> {
    let exemplars = |names: &[String]| -> Result<_> {
        Ok(names.iter().map(|name| project.exemplar(name)).collect::<Result<_, _>>()?)
    };
    let classifier = match &args.classifier {
        Some(name) => Some((name.clone(), project.find_classifier(name)?.classifier)),
        None => None,
    };
    Ok(StartFrom {
        phrases: args.phrases.clone(),
        negative_phrases: args.negative_phrases.clone(),
        like: exemplars(&args.like)?,
        unlike: exemplars(&args.unlike)?,
        vector: args.vector.as_deref().map(vector).transpose()?,
        classifier,
        filter: None,
    })
}

/// The same for some of the records.
pub(crate) fn among(project: &Project, args: &StartArgs, only: &WhereArgs) -> Result<StartFrom> {
    Ok(StartFrom { filter: filter(project, only)?, ..from_args(project, args)? })
}

/// Which of the project's records are meant; none for all.
pub(crate) fn filter(project: &Project, only: &WhereArgs) -> Result<Option<Filter>> {
    Ok(only.filter.as_deref().map(|text| project.filter(text)).transpose()?)
}

/// A row of a file of vectors: `FILE` for the first, `FILE:N` for the one of index N.
fn vector(place: &str) -> Result<Vec<f32>> {
    let (file, row_idx) = match place.rsplit_once(':') {
        Some((file, row)) if !Path::new(place).exists() => {
            let row_idx = row.parse().with_context(|| format!("{row:?} is no row number"))?;
            (file, row_idx)
        }
        _ => (place, 0),
    };
    Ok(read_vector(Path::new(file), row_idx)?)
}
