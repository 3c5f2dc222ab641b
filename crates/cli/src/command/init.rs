//! `linprobe init`.

use anyhow::Result;
use linprobe::Project;
use serde_json::json;

use super::{Door, Outcome};
use crate::{args::InitArgs, report};

pub(crate) fn run(door: &Door, args: &InitArgs) -> Result<Outcome> {
    let folder = args.folder.as_ref().unwrap_or(&door.folder);
    let project = Project::create(folder, door.surroundings())?;
    if let Some(name) = &args.model {
        project.choose_model(name)?;
    }
    let model = project.model()?;
    let text = match &model {
        Some(model) => format!("made a project in {} for {}", folder.display(), model.id),
        None => format!("made a project in {}", folder.display()),
    };
    let object = json!({ "project": folder, "model": model.as_ref().map(report::model_json) });
    door.answer(&object, &text)?;
    Ok(Outcome::Done)
}
