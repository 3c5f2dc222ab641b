//! `linprobe inspect`.

use anyhow::Result;
use linprobe::Inspection;
use serde_json::json;

use super::{Door, Outcome};
use crate::{args::InspectArgs, report};

/// What mends every damage that the project's own files can be mended from.
const REMEDY: &str = "hint: \"linprobe compact --give-up-damaged\" keeps what is whole, and \
     \"linprobe index\" over the datasets then embeds again what is missing";

/// Classes of the dataset that are listed.
const SHOWN_LABELS: usize = 10;

pub(crate) fn run(door: &Door, args: &InspectArgs) -> Result<Outcome> {
    let project = door.project()?;
    let inspection = pollster::block_on(project.inspect())?;
    let labels = project.dataset_labels()?;
    let skipped = project.skipped()?;
    let damage = if args.check { Some(pollster::block_on(project.check())?) } else { None };
    let object = json!({
        "project": project.folder(),
        "model": inspection.model.as_ref().map(report::model_json),
        "sources": inspection.sources,
        "store": inspection.store,
        "n_records": inspection.n_records,
        "n_points": inspection.n_points,
        "n_sessions": inspection.n_sessions,
        "norms": inspection.norms.map(|n| json!({ "min": n.min, "mean": n.mean, "max": n.max })),
        "disk_bytes": inspection.disk_bytes,
        "labels": labels.iter().map(|(label, n)| json!({ "label": label, "n": n })).collect::<Vec<_>>(),
        "skipped": skipped.iter().map(report::skipped_json).collect::<Vec<_>>(),
        "damage": damage,
    });
    let mut text = counts(&inspection);
    text.extend(labels_line(&labels));
    text.extend(damage.iter().map(|damage| check_lines(damage)));
    door.answer(&object, &text.join("\n"))?;
    if damage.as_ref().is_some_and(|damage| !damage.is_empty()) {
        door.say(REMEDY)?;
    }
    Ok(Outcome::with_findings(damage.is_some_and(|damage| !damage.is_empty())))
}

fn counts(inspection: &Inspection) -> Vec<String> {
    let Inspection { model, sources, store, n_records, n_points, n_skipped, .. } = inspection;
    let model = model.as_ref().map_or_else(|| "none yet".to_owned(), report::model_line);
    let mut lines = vec![format!("model      {model}")];
    lines.extend(sources.iter().map(|source| format!("source     {}", source.display())));
    lines.push(format!("records    {n_records} ({n_skipped} skipped)"));
    lines.extend(store.iter().map(|store| format!("store      {store}")));
    lines.push(format!("points     {n_points}"));
    if let Some(norms) = inspection.norms {
        let (min, mean, max) = (norms.min, norms.mean, norms.max);
        lines.push(format!("norms      {min:.4} .. {max:.4}, mean {mean:.4}"));
    }
    lines.push(format!("sessions   {}", inspection.n_sessions));
    lines.push(format!("disk       {}", report::bytes(inspection.disk_bytes)));
    lines
}

fn labels_line(labels: &[(String, u64)]) -> Option<String> {
    let shown = labels.iter().take(SHOWN_LABELS).map(|(label, n)| format!("{label} {n}"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = if labels.len() > SHOWN_LABELS { ", ..." } else { "" };
    (!labels.is_empty()).then(|| format!("labels     {} classes: {shown}{more}", labels.len()))
}

fn check_lines(damage: &[String]) -> String {
    if damage.is_empty() {
        return "check      whole".to_owned();
    }
    let lines = damage.iter().map(|violation| format!("damage     {violation}"));
    lines.collect::<Vec<_>>().join("\n")
}
