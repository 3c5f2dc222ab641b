//! `linprobe search`.

use anyhow::Result;
use linprobe::Found;
use serde_json::json;

use super::{Door, Outcome, start};
use crate::{args::SearchArgs, report};

pub(crate) fn run(door: &Door, args: &SearchArgs) -> Result<Outcome> {
    let project = door.project()?;
    let from = start::among(&project, &args.start, &args.only)?;
    let found = pollster::block_on(project.search(&from, args.top_k.get()))?;
    for (rank, Found { score, record }) in (1..).zip(&found) {
        let mut object = report::record_json(record);
        object.insert("rank".into(), json!(rank));
        object.insert("score".into(), json!(score));
        let text = format!("{rank:>3}  {score:>7.3}  {}", report::record_line(record));
        door.answer(&object.into(), &text)?;
    }
    Ok(Outcome::Done)
}
