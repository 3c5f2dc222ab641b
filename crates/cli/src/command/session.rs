//! `linprobe session`.

mod conflicts;

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Result, bail};
use linprobe::{
    LabelsForm, Project, SessionError, SessionSummary, State, labels, write_atomic_with,
};
use serde_json::{Value, json};

use super::{Door, Outcome, print, program_for};
use crate::{
    advice,
    args::{LabelsFormat, SessionCommand},
    report,
};

pub(crate) fn run(door: &Door, command: &SessionCommand) -> Result<Outcome> {
    let project = door.project()?;
    match command {
        SessionCommand::List => list(door, &project)?,
        SessionCommand::Show { name } => show(door, &project, name)?,
        SessionCommand::Log { name } => {
            project.session_log(name)?.iter().try_for_each(|line| print(line))?;
        }
        SessionCommand::Export { name, file, format } => {
            export(door, &project, name, (file, *format))?;
        }
        SessionCommand::Import { name, file, format } => {
            import(door, &project, name, (file, *format))?;
        }
        SessionCommand::Conflicts { names } => return conflicts::run(door, &project, names),
        SessionCommand::ResetSeen { name } => {
            let mut session = pollster::block_on(project.resume_session(name))?;
            session.reset_seen()?;
            let text = format!("{name} may show every record again; its labels stay");
            door.answer(&json!({ "session": name, "seen": 0 }), &text)?;
        }
    }
    Ok(Outcome::Done)
}

fn export(
    door: &Door,
    project: &Project,
    name: &str,
    (file, format): (&Path, Option<LabelsFormat>),
) -> Result<()> {
    let Some(form) = form(file, format)? else { return export_log(door, project, name, file) };
    let session = pollster::block_on(project.resume_session(name))?;
    let labels = project.labelled(session.state())?;
    write_atomic_with(file, |out| {
        let mut out = io::BufWriter::new(out);
        form.write(&labels, name, &mut out)?;
        out.flush()
    })?;
    let text = format!("wrote {}: {} labels", file.display(), labels.len());
    door.answer(&json!({ "file": file, "n_labels": labels.len() }), &text)
}

fn import(
    door: &Door,
    project: &Project,
    name: &str,
    (file, format): (&Path, Option<LabelsFormat>),
) -> Result<()> {
    let Some(form) = form(file, format)? else { return import_log(door, project, name, file) };
    let labels = labels::read(file, form)?;
    let mut session = pollster::block_on(project.resume_session(name))?;
    let mut unknown = Vec::new();
    for (id, label) in &labels {
        match pollster::block_on(session.label(id, *label)) {
            Err(SessionError::UnknownRecord { .. }) => unknown.push(id.as_str()),
            labelled => labelled?,
        }
    }
    if let Some(first) = unknown.first() {
        let n_unknown = unknown.len();
        door.say(&format!(
            "{n_unknown} labels are of no record of the project, the first of {first:?}"
        ))?;
    }
    let report = pollster::block_on(session.fit())?;
    let n_imported = labels.len() - unknown.len();
    let object = json!({
        "session": name,
        "n_imported": n_imported,
        "unknown": unknown,
        "n_labels": report.counts.n_labels,
    });
    door.answer(&object, &format!("{name}: {n_imported} labels from {}", file.display()))
}

/// The whole session, as a file.
fn export_log(door: &Door, project: &Project, name: &str, file: &Path) -> Result<()> {
    let lines = project.session_log(name)?;
    write_atomic_with(file, |out| {
        let mut out = io::BufWriter::new(out);
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        out.flush()
    })?;
    let n_events = lines.len() - 1;
    let text = format!("wrote {}: {n_events} events", file.display());
    door.answer(&json!({ "file": file, "n_events": n_events }), &text)
}

fn import_log(door: &Door, project: &Project, name: &str, file: &Path) -> Result<()> {
    let n_events = project.restore_session(name, file)?;
    let text = format!("{name}: {n_events} events from {}", file.display());
    door.answer(&json!({ "session": name, "n_events": n_events }), &text)
}

/// The form of labels; none for a log.
fn form(file: &Path, format: Option<LabelsFormat>) -> Result<Option<LabelsForm>> {
    Ok(Some(match format {
        Some(LabelsFormat::Csv) => LabelsForm::Csv,
        Some(LabelsFormat::Jsonl) => LabelsForm::Jsonl,
        Some(LabelsFormat::Parquet) => LabelsForm::Parquet,
        Some(LabelsFormat::Prodigy) => LabelsForm::Prodigy,
        Some(LabelsFormat::LabelStudio) => LabelsForm::LabelStudio,
        Some(LabelsFormat::FiftyOne) => LabelsForm::FiftyOne,
        Some(LabelsFormat::Log) => return Ok(None),
        None => match LabelsForm::of(file) {
            Some(form) => form,
            None => bail!(
                "the form of {} is not told by its name\n\
                 hint: name it .csv, .jsonl or .parquet, or give --format",
                file.display()
            ),
        },
    }))
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
            "where": session.filter,
            "created_ms": session.created_ms,
            "updated_ms": session.updated_ms,
            "n_rounds": n_rounds,
            "n_labels": counts.n_labels,
            "n_positive": counts.n_positive,
            "n_negative": counts.n_negative,
        });
        let among = session.filter.as_ref().map(|filter| format!(", among {filter}"));
        let among = among.unwrap_or_default();
        let text = format!(
            "{name}: {} labels ({} positive, {} negative) in {}{among}",
            counts.n_labels,
            counts.n_positive,
            counts.n_negative,
            report::rounds(*n_rounds)
        );
        door.answer(&object, &text)?;
    }
    Ok(())
}

fn show(door: &Door, project: &Project, name: &str) -> Result<()> {
    let mut session = pollster::block_on(project.resume_session(name))?;
    let look_again = advice::look_again_json(&mut session)?;
    let advice = pollster::block_on(session.view().advise())?;
    let doubtful = advice::look_again_lines(&mut session, &program_for(project.folder()))?;
    let state = session.state();
    let labels = state.labels().map(|(id, label)| label_json(project, id, label.value()));
    let labels: Vec<Value> = labels.collect::<Result<_>>()?;
    let object = json!({
        "session": name,
        "description": state.query().description,
        "where": state.query().filter,
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
        format!("among      {}", state.query().filter.as_deref().unwrap_or("all records")),
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
