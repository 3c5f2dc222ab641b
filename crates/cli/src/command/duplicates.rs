//! `linprobe duplicates`.

use anyhow::Result;
use linprobe::{DuplicateGroup, DuplicateOptions, Duplicates, Project};
use serde_json::{Value, json};

use super::{Door, Outcome, print};
use crate::{args::DuplicatesArgs, progress::Progress, report};

/// Groups that are shown to people.
const N_SHOWN: usize = 50;

pub(crate) fn run(door: &Door, args: &DuplicatesArgs) -> Result<Outcome> {
    let project = door.project()?;
    if args.forget {
        let was_there = project.forget_duplicates()?;
        let text = if was_there { "sessions show every record" } else { "nothing was kept" };
        door.answer(&json!({ "forgotten": was_there }), text)?;
        return Ok(Outcome::Done);
    }
    let shown = Progress::new(door.json);
    let options = DuplicateOptions { least_cosine: args.cosine, by_looks: args.pictures };
    let found = project.find_duplicates(options, &mut |n| shown.show_scored(n));
    shown.finish();
    let found = found?;
    show(door, &project, &found)?;
    if args.label_once {
        project.keep_duplicates(&found)?;
        door.say("sessions show one record of each group from the next time that they are opened")?;
    }
    Ok(Outcome::with_findings(found.n_unseen > 0))
}

fn show(door: &Door, project: &Project, found: &Duplicates) -> Result<()> {
    for (number, group) in (1_usize..).zip(&found.groups) {
        if door.json {
            print(&object(project, group)?.to_string())?;
        } else if number <= N_SHOWN {
            print(&lines(project, number, group)?)?;
        }
    }
    let more = found.groups.len().saturating_sub(N_SHOWN);
    if more > 0 {
        door.say(&format!("{more} more: all are in --json"))?;
    }
    if found.n_unseen > 0 {
        door.say(&format!("{} pictures could not be looked at", found.n_unseen))?;
    }
    let (n_groups, n_spared) = (found.groups.len(), found.n_spared());
    door.say(&format!("{n_groups} groups; {n_spared} records are near-duplicates of another one"))
}

fn object(project: &Project, group: &DuplicateGroup) -> Result<Value> {
    let records = group.ids.iter().map(|id| Ok(report::record_json(&project.record(id)?).into()));
    Ok(json!({ "records": records.collect::<Result<Vec<Value>>>()? }))
}

fn lines(project: &Project, number: usize, group: &DuplicateGroup) -> Result<String> {
    let mut lines = Vec::new();
    for id in &group.ids {
        let head = if lines.is_empty() { format!("{number:>4}") } else { " ".repeat(4) };
        lines.push(format!("{head}  {}", report::record_line(&project.record(id)?)));
    }
    Ok(lines.join("\n"))
}
