//! `linprobe classifier export`: a file, its page, or a query.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use linprobe::{
    ClassifierFile, ExportForm, GraphInput, PageParts, Project, VectorDatabase, write_atomic,
    write_classifier, write_with_encoder,
};
use serde_json::json;

use super::object;
use crate::{
    args::{EncoderInput, ExportArgs},
    command::{Door, print},
};

/// What a folder for a hub holds.
const IN_A_FOLDER: (&str, &str) = ("classifier.safetensors", "README.md");

pub(super) fn run(door: &Door, args: &ExportArgs) -> Result<()> {
    let project = door.project()?;
    let file = pollster::block_on(project.export_classifier(&args.name, args.threshold))?;
    if let Some(database) = args.query {
        return export_query(door, args, (&file, database));
    }
    let Targets { classifier, card } = Targets::of(args)?;
    write(door, args, (&file, &classifier))?;
    let page =
        card.map(|card| export_page(&project, args, (&file, &classifier), card)).transpose()?;
    let audited = file.card.as_ref().map_or_else(String::new, |card| {
        let kind = if card.audit.is_some() { "audited" } else { "not audited" };
        format!(", threshold {:+.3}, {kind}", card.threshold)
    });
    let n_weights = file.classifier.dimension();
    let mut lines = vec![format!("wrote {} ({n_weights} weights{audited})", classifier.display())];
    lines.extend(page.iter().flatten().map(|path| format!("wrote {}", path.display())));
    let object = json!({ "file": classifier, "page": page, "classifier": object(&file) });
    door.answer(&object, &lines.join("\n"))
}

/// Writes the classifier, with its encoder in front where that is asked for.
fn write(door: &Door, args: &ExportArgs, (file, path): (&ClassifierFile, &Path)) -> Result<()> {
    let input = match args.with_encoder {
        None => return Ok(write_classifier(file, path)?),
        Some(EncoderInput::Texts) => GraphInput::Texts,
        Some(EncoderInput::Pictures) => GraphInput::Pictures,
    };
    if ExportForm::of(path) != Some(ExportForm::Onnx) {
        bail!("{} holds no encoder\nhint: name a file that ends in .onnx", path.display());
    }
    Ok(write_with_encoder(file, (input, &door.surroundings().models), path)?)
}

/// The files to write.
struct Targets {
    classifier: PathBuf,
    card: Option<PathBuf>,
}

impl Targets {
    /// A path that ends as a folder, or is one, is a folder for a hub.
    fn of(args: &ExportArgs) -> Result<Self> {
        let Some(path) = &args.file else {
            bail!("no file to write to\nhint: name one, or give --query")
        };
        if !path.is_dir() && !path.as_os_str().to_string_lossy().ends_with(['/', '\\']) {
            super::form_of(path)?;
            return Ok(Self { classifier: path.clone(), card: args.card.clone() });
        }
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let card = args.card.clone().unwrap_or_else(|| path.join(IN_A_FOLDER.1));
        Ok(Self { classifier: path.join(IN_A_FOLDER.0), card: Some(card) })
    }
}

/// Writes the page, and its plot beside it.
fn export_page(
    project: &Project,
    args: &ExportArgs,
    (file, classifier): (&ClassifierFile, &Path),
    card: PathBuf,
) -> Result<[PathBuf; 2]> {
    let plot = card.with_extension("svg");
    if plot == card || card == classifier || plot == classifier {
        bail!("{} cannot be the page\nhint: give --card a name that ends in .md", card.display());
    }
    let name_of = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parts = PageParts {
        file,
        policy: args.threshold,
        file_name: &name_of(classifier),
        form: super::form_of(classifier)?,
        plot_name: &name_of(&plot),
    };
    let page = pollster::block_on(project.model_page(&args.name, parts))?;
    write_atomic(&plot, page.plot.as_bytes())?;
    write_atomic(&card, page.markdown.as_bytes())?;
    Ok([card, plot])
}

/// Writes a query to a file, or shows it.
fn export_query(
    door: &Door,
    args: &ExportArgs,
    (file, database): (&ClassifierFile, VectorDatabase),
) -> Result<()> {
    let query = database.query(file).context("the weights of the classifier ask for nothing")?;
    match &args.file {
        Some(path) => {
            write_atomic(path, query.as_bytes())?;
            let text = format!("wrote {}: a query for {database}", path.display());
            door.answer(&json!({ "file": path, "database": database.to_string() }), &text)
        }
        None if door.json => {
            let object = json!({ "database": database.to_string(), "query": query });
            door.answer(&object, "")
        }
        None => print(query.trim_end()),
    }
}
