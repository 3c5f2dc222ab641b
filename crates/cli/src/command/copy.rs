//! `linprobe copy`.

use anyhow::Result;
use linprobe::{Copied, CopyProgress, copy_points};
use serde_json::json;

use super::{Door, Outcome};
use crate::{args::CopyArgs, progress::Progress};

pub(crate) fn run(door: &Door, args: &CopyArgs) -> Result<Outcome> {
    let shown = Progress::new(door.json);
    let mut report = |progress| shown.show_copy(progress);
    let copied = copy_points(&args.from, &args.to, door.surroundings(), &mut report);
    shown.finish();
    let Copied { progress, digest, n_others } = copied?;
    let CopyProgress { n_written, n_unchanged, n_verified, .. } = progress;
    let digest = format!("{digest:016x}");
    let object = json!({
        "n_written": n_written,
        "n_unchanged": n_unchanged,
        "n_verified": n_verified,
        "n_others": n_others,
        "digest": digest,
    });
    let others = match n_others {
        0 => String::new(),
        n => format!("\nthe target has {n} more points, which were left alone"),
    };
    let text = format!(
        "copied {n_written} points ({n_unchanged} were there), compared all {n_verified}: digest {digest}{others}"
    );
    door.answer(&object, &text)?;
    Ok(Outcome::Done)
}
