//! `linprobe session`.

use anyhow::Result;
use linprobe::{Project, SessionSummary, State};
use serde_json::{Value, json};

use super::{Door, Outcome};
use crate::{advice, args::SessionCommand, report};

pub(crate) fn run(door: &Door, command: &SessionCommand) -> Result<Outcome> {
    let project = door.project()?;
    match command {
        SessionCommand::List => list(door, &project)?,
        SessionCommand::Show { name } => show(door, &project, name)?,
        SessionCommand::ResetSeen { name } => {
            let mut session = pollster::block_on(project.resume_session(name))?;
            session.reset_seen()?;
            let text = format!("{name} may show every record again; its labels stay");
            door.answer(&json!({ "session": name, "seen": 0 }), &text)?;
        }
    }
    Ok(Outcome::Done)
}

fn list(door: &Door, project: &Project) -> Result<()> {
    let sessions = project.sessions()?;
    if sessions.is_empty() {
        door.say("no sessions yet\nhint: linprobe label \"what you look for\"")?;
    }
    for session in sessions {
        let SessionSummary { name, description, n_rounds, counts, .. } = &session;
        let object = json!({
            "session": name,
            "description": description,
            "created_ms": session.created_ms,
            "updated_ms": session.updated_ms,
            "n_rounds": n_rounds,
            "n_labels": counts.n_labels,
            "n_positive": counts.n_positive,
            "n_negative": counts.n_negative,
        });
        let text = format!(
            "{name}: {} labels ({} positive, {} negative) in {n_rounds} rounds",
            counts.n_labels, counts.n_positive, counts.n_negative
        );
        door.answer(&object, &text)?;
    }
    Ok(())
}

fn show(door: &Door, project: &Project, name: &str) -> Result<()> {
    let mut session = pollster::block_on(project.resume_session(name))?;
    let look_again = advice::look_again_json(&mut session)?;
    let advice = pollster::block_on(session.view().advise())?;
    let doubtful = advice::look_again_lines(&mut session)?;
    let state = session.state();
    let labels = state.labels().map(|(id, label)| label_json(project, id, label.value()));
    let labels: Vec<Value> = labels.collect::<Result<_>>()?;
    let object = json!({
        "session": name,
        "description": state.query().description,
        "method": state.method().to_string(),
        "n_rounds": state.round(),
        "n_seen": state.seen().len(),
        "fits": state.fits().iter().map(|fit| json!({
            "round": fit.round,
            "n_labels": fit.counts.n_labels,
            "bias": fit.classifier.bias(),
        })).collect::<Vec<_>>(),
        "labels": labels,
        "advice": advice::advice_json(&advice),
        "look_again": look_again,
    });
    let mut lines = vec![text(project, state)?, advice::advice_line(&advice)];
    lines.extend(doubtful);
    door.answer(&object, &lines.join("\n"))
}

fn label_json(project: &Project, id: &linprobe::RecordId, label: f32) -> Result<Value> {
    let mut object = report::record_json(&project.record(id)?);
    object.insert("score".into(), json!(label));
    Ok(object.into())
}

fn text(project: &Project, state: &State) -> Result<String> {
    let counts = state.counts();
    let mut lines = vec![
        format!("session    {}", state.name()),
        format!("looks for  {}", state.query().description),
        format!("method     {}", state.method()),
        format!("rounds     {}, {} records seen", state.round(), state.seen().len()),
        format!(
            "labels     {} ({} positive, {} negative)",
            counts.n_labels, counts.n_positive, counts.n_negative
        ),
    ];
    let mut labels: Vec<_> = state.labels().collect();
    labels.sort_by(|(_, a), (_, b)| b.value().total_cmp(&a.value()));
    for (id, label) in labels {
        let line = report::record_line(&project.record(id)?);
        lines.push(format!("  {:>+5.2}  {line}", label.value()));
    }
    Ok(lines.join("\n"))
}
