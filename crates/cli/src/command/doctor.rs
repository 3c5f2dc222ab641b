//! `linprobe doctor`.

use anyhow::Result;
use linprobe::{Finding, FindingState, examine_dataset};
use serde_json::json;

use super::{Door, Outcome};
use crate::{args::DoctorArgs, progress::Progress};

pub(crate) fn run(door: &Door, args: &DoctorArgs) -> Result<Outcome> {
    let findings = if let Some(dataset) = &args.dataset {
        let shown = Progress::new(door.json);
        let options = args.columns.source_options();
        let models = door.surroundings().models;
        let mut report = |n| shown.show_scored(n);
        let findings = examine_dataset(dataset, &options, &models, &mut report);
        shown.finish();
        findings?
    } else {
        pollster::block_on(door.project()?.examine())?
    };
    for finding in &findings {
        door.answer(&object(finding), &lines(finding))?;
    }
    Ok(Outcome::with_findings(findings.iter().any(|f| f.state == FindingState::Wrong)))
}

fn object(finding: &Finding) -> serde_json::Value {
    let Finding { check, state, found, meaning, remedy } = finding;
    json!({ "check": check, "state": state.name(), "found": found, "meaning": meaning, "remedy": remedy })
}

fn lines(finding: &Finding) -> String {
    let Finding { check, state, found, meaning, remedy } = finding;
    let mut lines = vec![format!("{:<7} {check:<11} {found}", state.name())];
    lines.extend(meaning.map(|meaning| format!("{:<19} {meaning}", "")));
    lines.extend(remedy.as_ref().map(|remedy| format!("{:<19} hint: {remedy}", "")));
    lines.join("\n")
}
