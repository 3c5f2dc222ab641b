//! `linprobe session conflicts`.

use anyhow::Result;
use comfy_table::{Table, presets};
use linprobe::{Conflict, Label, Project, RecordId};
use serde_json::{Map, Value, json};

use crate::{
    command::{Door, Outcome, print},
    report,
};

pub(super) fn run(door: &Door, project: &Project, names: &[String]) -> Result<Outcome> {
    let conflicts = pollster::block_on(project.conflicts(names))?;
    let outcome = Outcome::with_findings(!conflicts.is_empty());
    if door.json {
        for conflict in &conflicts {
            print(&object(project, conflict)?.to_string())?;
        }
        return Ok(outcome);
    }
    if conflicts.is_empty() {
        print(&format!("no labels of {} contradict each other", names.join(", ")))?;
    } else {
        print(&table(project, &conflicts)?.to_string())?;
        door.say("hint: label those again that are wrong; the last label of a record counts")?;
    }
    Ok(outcome)
}

fn table(project: &Project, conflicts: &[Conflict]) -> Result<Table> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["conflict", "session", "label", "record"]);
    for conflict in conflicts {
        let mut what = match conflict {
            Conflict::Shared { .. } => "relevant in several".to_owned(),
            Conflict::Opposite { cosine, .. } => format!("alike ({cosine:.3}), but opposite"),
        };
        for (session, id, label) in sides(conflict) {
            let record = report::record_line(&project.record(id)?);
            table.add_row([what, session.to_owned(), format!("{:+.2}", label.value()), record]);
            what = String::new();
        }
    }
    Ok(table)
}

/// The labels that contradict each other, each with its session and record.
fn sides(conflict: &Conflict) -> Vec<(&str, &RecordId, Label)> {
    match conflict {
        Conflict::Shared { id, labels } => {
            labels.iter().map(|(session, label)| (session.as_str(), id, *label)).collect()
        }
        Conflict::Opposite { session, relevant, irrelevant, .. } => {
            let side = |(id, label)| (session.as_str(), id, label);
            [(&relevant.0, relevant.1), (&irrelevant.0, irrelevant.1)].map(side).to_vec()
        }
    }
}

fn object(project: &Project, conflict: &Conflict) -> Result<Value> {
    let mut object = Map::new();
    match conflict {
        Conflict::Shared { .. } => object.insert("conflict".into(), json!("shared")),
        Conflict::Opposite { cosine, .. } => {
            object.insert("conflict".into(), json!("opposite"));
            object.insert("cosine".into(), json!(cosine))
        }
    };
    let labels = sides(conflict).into_iter().map(|(session, id, label)| {
        let mut side = report::record_json(&project.record(id)?);
        side.insert("session".into(), json!(session));
        side.insert("score".into(), json!(label.value()));
        Ok(side.into())
    });
    object.insert("labels".into(), labels.collect::<Result<Vec<Value>>>()?.into());
    Ok(object.into())
}
