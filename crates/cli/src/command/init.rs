//! `linprobe init`.

use std::path::Path;

use anyhow::Result;
use linprobe::Project;
use serde_json::json;

use super::{Door, Outcome, program_for};
use crate::{args::InitArgs, report};

pub(crate) fn run(door: &Door, args: &InitArgs) -> Result<Outcome> {
    let folder = args.folder.as_ref().unwrap_or(&door.folder);
    let project = made(door, args, folder)?;
    let (model, store) = (project.model()?, project.store_address()?);
    let made = format!("made a project in {}", folder.display());
    let of_model = model.as_ref().map(|model| format!(" for {}", model.id)).unwrap_or_default();
    let of_store = match &store {
        Some(store) => format!("\nover {} vectors of {store}", project.n_records()?),
        None => String::new(),
    };
    let text = [made, of_model, of_store].concat();
    let model = model.as_ref().map(report::model_json);
    let object = json!({ "project": folder, "model": model, "store": store });
    door.answer(&object, &text)?;
    if store.is_none() {
        door.say(&format!("hint: {} index DATASET", program_for(folder)))?;
    }
    Ok(Outcome::Done)
}

fn made(door: &Door, args: &InitArgs, folder: &Path) -> Result<Project> {
    let (model, surroundings) = (args.model.as_deref(), door.surroundings());
    if let Some(store) = &args.store {
        return Ok(Project::create_over(folder, store, model, surroundings)?);
    }
    Ok(match model {
        Some(name) => Project::create_for(folder, name, surroundings)?,
        None => Project::create(folder, surroundings)?,
    })
}
