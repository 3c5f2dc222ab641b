//! `linprobe classifier`.

mod export;
mod head;

use std::path::Path;

use anyhow::{Context, Result};
use linprobe::{
    AuditCard, ClassifierFile, ExportForm, IntervalCard, Project, ReadClass, classifier_in_file,
    read_classes, read_classifier,
};
use serde_json::{Value, json};

use super::{Door, Outcome};
use crate::{args::ClassifierCommand, report};

pub(crate) fn run(door: &Door, command: &ClassifierCommand) -> Result<Outcome> {
    match command {
        ClassifierCommand::List => list(door, &door.project()?)?,
        ClassifierCommand::Export(args) => export::run(door, args)?,
        ClassifierCommand::Head(args) => head::run(door, args)?,
        ClassifierCommand::Import { file, class, name } => {
            import(door, file, class.as_deref(), name.as_deref())?;
        }
        ClassifierCommand::Show { name } => show(door, name)?,
    }
    Ok(Outcome::Done)
}

/// The form of a classifier's file, as its name ends.
fn form_of(file: &Path) -> Result<ExportForm> {
    ExportForm::of(file).with_context(|| {
        let endings = ExportForm::ALL.map(|form| format!(".{}", form.ending())).join(", ");
        format!(
            "the form of {} is not told by its name\nhint: end it with one of {endings}",
            file.display()
        )
    })
}

fn list(door: &Door, project: &Project) -> Result<()> {
    let sessions = project.sessions()?.into_iter().map(|session| ("session", session.name));
    let imported = project.imported_classifiers()?.into_iter().map(|name| ("imported", name));
    for (origin, name) in sessions.chain(imported) {
        door.answer(
            &json!({ "classifier": name, "origin": origin }),
            &format!("{name} ({origin})"),
        )?;
    }
    Ok(())
}

fn import(door: &Door, path: &Path, class: Option<&str>, name: Option<&str>) -> Result<()> {
    let file = read_classifier(path, class)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let on_card = file.card.as_ref().map(|card| card.name.as_str());
    let of_file = class.map_or_else(|| stem.to_string(), |class| format!("{stem} {class}"));
    let name = name.or(on_card).unwrap_or(&of_file);
    door.project()?.import_classifier(name, &file)?;
    let text = format!("imported {name}\nhint: linprobe predict --classifier {name:?}");
    door.answer(&json!({ "name": name, "classifier": object(&file) }), &text)
}

/// Shows a file even where there is no project.
fn show(door: &Door, name: &str) -> Result<()> {
    let found = match door.project() {
        Ok(project) => project.find_classifier(name),
        Err(error) => classifier_in_file(name).ok_or(error)?,
    };
    match found {
        Err(error) if error.is_many_classes() => show_classes(door, &read_classes(name.as_ref())?),
        found => {
            let file = found?;
            door.answer(&object(&file), &text(&file))
        }
    }
}

/// Shows what there is to choose from.
fn show_classes(door: &Door, classes: &[ReadClass]) -> Result<()> {
    let widest = classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0);
    for ReadClass { name, file } in classes {
        let card = file.card.as_ref().map_or_else(String::new, |card| {
            let (threshold, n_labels) = (card.threshold, card.n_labels);
            format!(", threshold {threshold:+.3}, {n_labels} labels")
        });
        let (dimension, bias) = (file.classifier.dimension(), file.classifier.bias());
        let mut class = object(file);
        class["class"] = json!(name);
        door.answer(
            &class,
            &format!("{name:<widest$}  {dimension} weights, bias {bias:.4}{card}"),
        )?;
    }
    Ok(())
}

fn object(file: &ClassifierFile) -> Value {
    json!({
        "dimension": file.classifier.dimension(),
        "bias": file.classifier.bias(),
        "card": file.card.as_ref().and_then(|card| serde_json::to_value(card).ok()),
    })
}

fn text(file: &ClassifierFile) -> String {
    let dimension = file.classifier.dimension();
    let mut lines = vec![format!("weights    {dimension}, bias {:.4}", file.classifier.bias())];
    let Some(card) = &file.card else {
        lines.push("card       none: it does not say which model it was made with".to_owned());
        return lines.join("\n");
    };
    lines.insert(0, format!("name       {}", card.name));
    lines.push(format!("model      {} ({:.8})", card.model.id, card.model.fingerprint));
    lines.push(format!("threshold  {}", card.threshold));
    lines.push(format!("start      {}", card.start));
    lines.push(format!("method     {}", card.method));
    lines.push(format!(
        "labels     {} ({} positive, {} negative) in {}",
        card.n_labels,
        card.n_positive,
        card.n_negative,
        report::rounds(card.n_rounds)
    ));
    lines.push(format!("created    {}", card.created));
    match &card.audit {
        Some(audit) => lines.extend(audit_lines(audit)),
        None => lines.push("audit      not audited".to_owned()),
    }
    lines.join("\n")
}

fn audit_lines(audit: &AuditCard) -> [String; 5] {
    let line = |name: &str, IntervalCard { low, estimate, high }: IntervalCard| {
        format!("{name:<10} {estimate:.3}, between {low:.3} and {high:.3}")
    };
    let IntervalCard { low, estimate, high } = audit.n_relevant;
    let (n_judged, n_points) = (audit.n_judged, audit.n_points);
    [
        format!("audit      {n_judged} judged: {}", audit.basis),
        line("precision", audit.precision),
        line("recall", audit.recall),
        line("f1", audit.f1),
        format!("relevant   {estimate:.0}, between {low:.0} and {high:.0}, of {n_points}"),
    ]
}
