//! How advice, doubtful labels and audits look in the terminal and in JSON.

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use linprobe::{
    Advice, AgainstLabel, AuditBasis, AuditReport, DoubtfulLabel, Interval, Left, Session, Verdict,
};
use serde_json::{Value, json};

/// Doubtful labels that are shown.
const N_DOUBTFUL: usize = 5;

/// What to do next and why, in one line.
pub(crate) fn advice_line(advice: &Advice) -> String {
    let mut parts = vec![verdict(advice.verdict).to_owned()];
    parts.extend(advice.reasons());
    parts.join(" · ")
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::KeepGoing => "keep going",
        Verdict::AuditNow => "audit now",
        Verdict::CouldStop => "you could stop",
    }
}

/// The same for scripts.
pub(crate) fn advice_json(advice: &Advice) -> Value {
    let (left, audited) = match advice.n_left {
        Left::Expected(left) => (left, false),
        Left::Audited(left) => (left, true),
    };
    let Interval { low, estimate, high } = left;
    json!({
        "verdict": verdict(advice.verdict),
        "n_flipped": advice.flips.map(|flips| flips.n_flipped),
        "n_compared": advice.flips.map(|flips| flips.n_compared),
        "kappa": advice.flips.map(|flips| flips.kappa),
        "n_last_labelled": advice.hits.n_labelled,
        "n_last_relevant": advice.hits.n_relevant,
        "n_left": { "low": low, "estimate": estimate, "high": high, "audited": audited },
        "f1": advice.f1.map(interval_json),
    })
}

/// That some labels are doubtful, and how to change them.
pub(crate) fn look_again_line(session: &mut Session, linprobe: &str) -> Result<Option<String>> {
    let doubtful = look_again(session)?;
    let Some(first) = doubtful.first() else { return Ok(None) };
    let name = session.state().name();
    Ok(Some(format!(
        "{} {}: see {linprobe} session show {name:?}",
        how_many_look_doubtful(doubtful.len()),
        doubtful_line(first)
    )))
}

fn how_many_look_doubtful(n: usize) -> String {
    match n {
        1 => "1 label looks doubtful,".to_owned(),
        _ => format!("{n} labels look doubtful, first"),
    }
}

/// Every doubtful label on a line of its own, and how to change one.
pub(crate) fn look_again_lines(session: &mut Session, linprobe: &str) -> Result<Vec<String>> {
    let doubtful = look_again(session)?;
    let Some(first) = doubtful.first() else { return Ok(Vec::new()) };
    let line = json!({ "id": first.id.as_str(), "label": -first.label.value() });
    let name = session.state().name();
    let mut lines = vec!["look again at".to_owned()];
    lines.extend(doubtful.iter().map(|doubtful| format!("  {}", doubtful_line(doubtful))));
    lines.push(format!(
        "hint: to change one: echo '{line}' | {linprobe} label --session {name:?} --json"
    ));
    Ok(lines)
}

/// The same for scripts.
pub(crate) fn look_again_json(session: &mut Session) -> Result<Vec<Value>> {
    let object = |doubtful: &DoubtfulLabel| {
        let (probability, twin) = match &doubtful.reason {
            AgainstLabel::Probability(probability) => (Some(*probability), None),
            AgainstLabel::Twin(twin) => (None, twin.as_ref().map(linprobe::RecordId::as_str)),
        };
        json!({
            "id": doubtful.id.as_str(),
            "label": doubtful.label.value(),
            "probability": probability,
            "twin": twin,
        })
    };
    Ok(look_again(session)?.iter().map(object).collect())
}

fn look_again(session: &mut Session) -> Result<Vec<DoubtfulLabel>> {
    Ok(pollster::block_on(session.view().look_again(N_DOUBTFUL))?)
}

fn doubtful_line(doubtful: &DoubtfulLabel) -> String {
    let against = match &doubtful.reason {
        AgainstLabel::Probability(probability) => {
            format!("the other labels say {:.0} %", 100.0 * probability)
        }
        AgainstLabel::Twin(Some(twin)) => format!("{twin} is nearly the same"),
        AgainstLabel::Twin(None) => "an example is nearly the same".to_owned(),
    };
    format!("{} ({:+.2}; {against})", doubtful.id, doubtful.label.value())
}

/// What an audit has measured, as a table.
pub(crate) fn audit_text(report: &AuditReport) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["", "from", "estimate", "to"]);
    for (name, Interval { low, estimate, high }) in
        [("precision", report.precision), ("recall", report.recall), ("f1", report.f1)]
    {
        let cells = [low, estimate, high].map(|share| format!("{share:.3}"));
        table.add_row([&[name.to_owned()][..], &cells].concat());
    }
    let Interval { low, estimate, high } = report.n_relevant;
    let cells = [low, estimate, high].map(|count| format!("{count:.0}"));
    table.add_row([&["positives".to_owned()][..], &cells].concat());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let AuditReport { threshold, n_above, n_points, n_judged, n_known, .. } = report;
    format!(
        "threshold {threshold:+.2}: {n_above} of {n_points} records above it\n{table}\n\
         {n_judged} judged at random, {n_known} labels counted as known; nine of ten such \
         intervals hold the truth{}",
        notes(report)
    )
}

fn notes(report: &AuditReport) -> String {
    let basis = match report.basis {
        AuditBasis::Drawn => "",
        AuditBasis::Reweighted => {
            "\nthe classifier has moved since: earlier judgements weigh by the odds of their draw"
        }
    };
    let estimated = if report.estimated {
        "\nthe store gives estimates of its counts, which the intervals do not know of"
    } else {
        ""
    };
    format!("{basis}{estimated}")
}

/// What an audit has measured.
pub(crate) fn audit_json(report: &AuditReport) -> Value {
    json!({
        "event": "report",
        "threshold": report.threshold,
        "n_points": report.n_points,
        "n_above": report.n_above,
        "precision": interval_json(report.precision),
        "recall": interval_json(report.recall),
        "f1": interval_json(report.f1),
        "n_relevant": interval_json(report.n_relevant),
        "prevalence": interval_json(report.prevalence()),
        "n_judged": report.n_judged,
        "n_known": report.n_known,
        "reweighted": report.basis == AuditBasis::Reweighted,
        "estimated": report.estimated,
    })
}

fn interval_json(Interval { low, estimate, high }: Interval) -> Value {
    json!({ "low": low, "estimate": estimate, "high": high })
}
