//! `linprobe compact`.

use anyhow::Result;
use linprobe::{Compacted, Damaged};
use serde_json::json;

use super::{Door, Outcome};
use crate::{args::CompactArgs, report};

pub(crate) fn run(door: &Door, args: &CompactArgs) -> Result<Outcome> {
    let damaged = if args.give_up_damaged { Damaged::GiveUp } else { Damaged::Refuse };
    let Compacted { bytes_before, bytes_after, n_given_up } = door.project()?.compact(damaged)?;
    let object = json!({
        "bytes_before": bytes_before,
        "bytes_after": bytes_after,
        "n_given_up": n_given_up,
    });
    let (before, after) = (report::bytes(bytes_before), report::bytes(bytes_after));
    door.answer(&object, &format!("compacted {before} to {after}"))?;
    if n_given_up > 0 {
        door.say(&format!(
            "{n_given_up} records have lost their vectors\n\
             hint: run \"linprobe index\" over their datasets again to embed them"
        ))?;
    }
    Ok(Outcome::with_findings(n_given_up > 0))
}
