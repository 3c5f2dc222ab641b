//! `linprobe model`.

use anyhow::Result;
use linprobe::{
    CachedModel, ModelDescription, ModelPlace, OpenOptions, cached_models, check_model,
    describe_model,
};
use serde_json::{Value, json};

use super::{Door, Outcome};
use crate::{args::ModelCommand, report};

pub(crate) fn run(door: &Door, command: &ModelCommand) -> Result<Outcome> {
    let options = door.surroundings().models;
    match command {
        ModelCommand::List => list(door, &options),
        ModelCommand::Show { name } => show(door, name, &options),
        ModelCommand::Check { name } => check(door, name, &options),
    }
}

fn list(door: &Door, options: &OpenOptions) -> Result<Outcome> {
    let builtin = describe_model("builtin", &OpenOptions::default())?;
    door.answer(&description_json(&builtin), &format!("builtin  {}", summary(&builtin)))?;
    for model in cached_models(&options.hub)? {
        door.answer(&cached_json(&model), &cached_line(&model))?;
    }
    Ok(Outcome::Done)
}

fn show(door: &Door, name: &str, options: &OpenOptions) -> Result<Outcome> {
    let model = describe_model(name, options)?;
    let spec = &model.spec;
    let mut lines = vec![
        format!("model         {}", spec.id),
        format!("architecture  {}", architecture(&model)),
        format!("engine        {}", model.engine),
        format!("dimension     {}", spec.dimension),
        format!("takes         {}", report::modalities(spec.modalities)),
        format!("size          {}", report::bytes(model.n_bytes)),
        format!("fingerprint   {}", spec.fingerprint),
        format!("where         {}", place(&model.place)),
    ];
    lines.extend(spec.revision.iter().map(|revision| format!("revision      {revision}")));
    door.answer(&description_json(&model), &lines.join("\n"))?;
    Ok(Outcome::Done)
}

fn check(door: &Door, name: &str, options: &OpenOptions) -> Result<Outcome> {
    let findings = check_model(name, options)?;
    let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let text = if found.is_empty() { format!("{name} is whole") } else { found.join("\n") };
    door.answer(&json!({ "model": name, "findings": found }), &text)?;
    Ok(Outcome::with_findings(!findings.is_empty()))
}

fn summary(model: &ModelDescription) -> String {
    let ModelDescription { spec, n_bytes, .. } = model;
    let (architecture, takes) = (architecture(model), report::modalities(spec.modalities));
    let size = report::bytes(*n_bytes);
    format!("{architecture}, {} dimensions, {takes}, {size}", spec.dimension)
}

fn architecture(model: &ModelDescription) -> &str {
    model.architecture.as_deref().unwrap_or("unknown")
}

fn place(place: &ModelPlace) -> String {
    match place {
        ModelPlace::Binary => "in this program".to_owned(),
        ModelPlace::Folder(folder) => folder.display().to_string(),
        ModelPlace::Server(url) => url.clone(),
    }
}

fn description_json(model: &ModelDescription) -> Value {
    let mut object = report::model_json(&model.spec);
    object["architecture"] = json!(model.architecture);
    object["engine"] = json!(model.engine);
    object["where"] = json!(place(&model.place));
    object["n_bytes"] = json!(model.n_bytes);
    object
}

fn cached_line(model: &CachedModel) -> String {
    let architecture = model.architecture.as_deref().unwrap_or("no architecture");
    let support = if model.is_supported { "" } else { ", not supported" };
    format!("{}  {architecture}{support}, {}", model.name, report::bytes(model.n_bytes))
}

fn cached_json(model: &CachedModel) -> Value {
    json!({
        "id": model.name,
        "architecture": model.architecture,
        "supported": model.is_supported,
        "where": model.folder,
        "n_bytes": model.n_bytes,
    })
}
