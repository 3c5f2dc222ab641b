//! `linprobe classifier head`: many classifiers in one file, a class each.

use anyhow::Result;
use linprobe::{Head, HeadClass, HeadRow, write_head};
use serde_json::{Value, json};

use crate::{args::HeadArgs, command::Door};

pub(super) fn run(door: &Door, args: &HeadArgs) -> Result<()> {
    let project = door.project()?;
    super::form_of(&args.file)?;
    let rows = args.classifiers.iter().map(|text| project.head_row(text));
    let rows: Vec<HeadRow> = rows.collect::<Result<_, _>>()?;
    let head = pollster::block_on(async {
        match &args.of {
            Some(file) => project.replace_in_head(file, &rows, args.threshold).await,
            None => project.export_head(&rows, args.threshold).await,
        }
    })?;
    write_head(&head, &args.file)?;
    let object = json!({ "file": args.file, "classes": classes_json(head.classes(), &rows) });
    door.answer(&object, &text(args, &head, &rows))
}

fn classes_json(classes: &[HeadClass], rows: &[HeadRow]) -> Vec<Value> {
    let object = |HeadClass { classifier, card }: &HeadClass| {
        json!({
            "class": card.name,
            "classifier": made_of(&card.name, rows),
            "dimension": classifier.dimension(),
            "threshold": card.threshold,
            "n_labels": card.n_labels,
            "audited": card.audit.is_some(),
        })
    };
    classes.iter().map(object).collect()
}

fn text(args: &HeadArgs, head: &Head, rows: &[HeadRow]) -> String {
    let classes = head.classes();
    let dimension = classes.first().map_or(0, |class| class.classifier.dimension());
    let (file, n_classes) = (args.file.display(), classes.len());
    let mut lines = vec![format!("wrote {file} ({n_classes} classes of {dimension} weights)")];
    let widest = classes.iter().map(|class| class.card.name.chars().count()).max().unwrap_or(0);
    lines.extend(classes.iter().map(|HeadClass { card, .. }| {
        let audited = if card.audit.is_some() { "audited" } else { "not audited" };
        let origin = match (made_of(&card.name, rows), &args.of) {
            (Some(_), None) => String::new(),
            (Some(classifier), Some(_)) => format!(", now {classifier}"),
            (None, _) => ", as it was".to_owned(),
        };
        let (name, threshold, n_labels) = (&card.name, card.threshold, card.n_labels);
        format!(
            "  {name:<widest$}  threshold {threshold:+.3}, {n_labels} labels, {audited}{origin}"
        )
    }));
    lines.join("\n")
}

/// The classifier that a class was made of; none where its row was not touched.
fn made_of<'a>(class: &str, rows: &'a [HeadRow]) -> Option<&'a str> {
    rows.iter().find(|row| row.class == class).map(|row| row.classifier.as_str())
}
