//! `linprobe index`.

use std::time::Instant;

use anyhow::Result;
use linprobe::{IndexOptions, Indexed, Project, Shard, SkippedRecord, StreamOptions};
use serde_json::json;

use super::{Door, Outcome};
use crate::{args::IndexArgs, progress::Progress, report};

/// Skipped records that are shown at once.
const SHOWN: usize = 10;

pub(crate) fn run(door: &Door, args: &IndexArgs) -> Result<Outcome> {
    let project = door.project()?;
    let defaults = StreamOptions::default();
    let batch_size = args.batch_size.unwrap_or(defaults.batch_size);
    let options = IndexOptions {
        model: args.model.clone(),
        source: args.columns.source_options(),
        stream: StreamOptions { batch_size, ..defaults },
        prune: args.prune,
        int8_copy: args.int8,
        store: args.store.clone(),
        write: args.write,
        shard: args.shard,
        ..IndexOptions::default()
    };
    let shown = Progress::new(door.json);
    let started = Instant::now();
    let indexed = project.index(&args.dataset, &options, &mut |progress| shown.show(progress));
    shown.finish();
    let indexed = indexed?;
    show(door, &project, (&indexed, args.shard), started.elapsed().as_secs_f64())?;
    Ok(Outcome::with_findings(indexed.progress.n_skipped > 0))
}

fn show(
    door: &Door,
    project: &Project,
    (indexed, shard): (&Indexed, Option<Shard>),
    seconds: f64,
) -> Result<()> {
    let Indexed { progress, notes, skipped } = indexed;
    let model = project.model()?;
    let object = json!({
        "model": model.as_ref().map(report::model_json),
        "shard": shard.map(|shard| shard.to_string()),
        "n_embedded": progress.n_embedded,
        "n_unchanged": progress.n_unchanged,
        "n_skipped": progress.n_skipped,
        "n_pruned": progress.n_pruned,
        "seconds": seconds,
        "notes": notes,
        "skipped": skipped.iter().map(report::skipped_json).collect::<Vec<_>>(),
    });
    notes.iter().try_for_each(|note| door.say(&format!("note: {note}")))?;
    say_skipped(door, skipped)?;
    let pruned = match progress.n_pruned {
        0 => String::new(),
        n => format!(", {n} removed that are gone"),
    };
    let of_shard = shard.map_or_else(String::new, |shard| format!(" of shard {shard}"));
    let text = format!(
        "indexed {} records{of_shard} with {} in {seconds:.1} s ({} unchanged, {} skipped{pruned})",
        progress.n_embedded,
        model.map_or_else(String::new, |model| model.id),
        progress.n_unchanged,
        progress.n_skipped,
    );
    door.answer(&object, &text)
}

/// Names the first skipped records, with file, row and reason.
pub(crate) fn say_skipped(door: &Door, skipped: &[SkippedRecord]) -> Result<()> {
    for record in skipped.iter().take(SHOWN) {
        door.say(&format!("skipped {record}"))?;
    }
    match skipped.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        n_more => {
            door.say(&format!("and {n_more} more\nhint: all are in \"linprobe inspect --json\""))
        }
    }
}
