//! How things look in the terminal and in JSON.

use linprobe::{CatalogueRecord, FitReport, Modalities, ModelSpec, SkippedRecord};
use serde_json::{Map, Value, json};

use crate::sparkline::sparkline;

/// The longest text on one line, in characters.
const LINE_CHARS: usize = 100;

/// An error as it is told to a person, with its causes and, last, its hint.
pub(crate) fn error(error: &anyhow::Error) -> String {
    format!("error: {}", message(error))
}

/// The same for a field that says that it is an error.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    let mut hints = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let (text, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        if !message.ends_with(text) {
            let separator = if message.is_empty() { "" } else { ": " };
            message.push_str(separator);
            message.push_str(text);
        }
        if !hint.is_empty() && hints.last().is_none_or(|last| last != hint) {
            hints.push(hint.to_owned());
        }
    }
    let hints = hints.into_iter().map(|hint| format!("\nhint: {hint}"));
    hints.fold(message, |message, hint| message + &hint)
}

/// How many rounds there were.
pub(crate) fn rounds(n_rounds: u32) -> String {
    match n_rounds {
        1 => "1 round".to_owned(),
        _ => format!("{n_rounds} rounds"),
    }
}

/// A record on one line: its id, then its text, then its class.
pub(crate) fn record_line(record: &CatalogueRecord) -> String {
    let text = record.text.as_deref().map(one_line).filter(|text| !text.is_empty());
    let label = record.label.as_deref().map(|label| format!("[{}]", one_line(label)));
    let parts = [Some(record.id.to_string()), text, label];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// A text without what a terminal would obey: of a dataset of strangers it must not set a title or clear the screen.
pub(crate) fn printable(text: &str) -> String {
    let is_obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.chars().map(|c| if is_obeyed(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The beginning of a text without its line breaks.
pub(crate) fn one_line(text: &str) -> String {
    let words = printable(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match words.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default().trim_end()),
        None => words,
    }
}

/// A record as JSON; what it lacks is left out.
pub(crate) fn record_json(record: &CatalogueRecord) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("id".into(), json!(record.id.as_str()));
    object.insert("kind".into(), json!(record.kind));
    object.extend(record.text.iter().map(|text| ("text".into(), json!(text))));
    object.extend(record.label.iter().map(|label| ("label".into(), json!(label))));
    if !record.metadata.is_empty() {
        object.insert("metadata".into(), json!(record.metadata));
    }
    object
}

/// A model on one line.
pub(crate) fn model_line(model: &ModelSpec) -> String {
    format!("{}, {} dimensions, {}", model.id, model.dimension, modalities(model.modalities))
}

/// What a model takes, in words.
pub(crate) fn modalities(modalities: Modalities) -> &'static str {
    match (modalities.text, modalities.image) {
        (true, true) => "texts and pictures",
        (true, false) => "texts",
        (false, true) => "pictures",
        (false, false) => "vectors made elsewhere",
    }
}

/// A model as JSON.
pub(crate) fn model_json(model: &ModelSpec) -> Value {
    json!({
        "id": model.id,
        "revision": model.revision,
        "fingerprint": model.fingerprint,
        "dimension": model.dimension,
        "text": model.modalities.text,
        "image": model.modalities.image,
    })
}

/// A skipped record as JSON.
pub(crate) fn skipped_json(skipped: &SkippedRecord) -> Value {
    json!({
        "file": skipped.file,
        "row": skipped.row,
        "id": skipped.id.as_ref().map(linprobe::RecordId::as_str),
        "reason": skipped.reason,
    })
}

/// What a fit has come to, in two lines: counts, and all scores as a sparkline.
pub(crate) fn fit_lines(report: &FitReport) -> String {
    let FitReport { counts, n_points, n_above, histogram, n_missing, .. } = report;
    let missing = match n_missing {
        0 => String::new(),
        n => format!(", {n} left out since their records are gone"),
    };
    format!(
        "fitted on {} labels ({} positive, {} negative{missing}): {n_above} of {n_points} records above the boundary\n\
         {:>+7.2} {} {:+.2}",
        counts.n_labels,
        counts.n_positive,
        counts.n_negative,
        histogram.low,
        sparkline(histogram),
        histogram.high,
    )
}

/// What a fit has come to.
pub(crate) fn fit_json(report: &FitReport) -> Value {
    let FitReport { classifier, counts, n_missing, n_points, n_above, histogram, angle } = report;
    json!({
        "event": "fit",
        "n_labels": counts.n_labels,
        "n_positive": counts.n_positive,
        "n_negative": counts.n_negative,
        "n_missing": n_missing,
        "n_above": n_above,
        "n_points": n_points,
        "angle": angle,
        "bias": classifier.bias(),
        "histogram": {
            "low": histogram.low,
            "high": histogram.high,
            "counts": histogram.counts,
        },
    })
}

/// A size for people.
pub(crate) fn bytes(n_bytes: u64) -> String {
    indicatif::HumanBytes(n_bytes).to_string()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_hint_of_any_cause_comes_last() {
        let cause = anyhow!("no such column\nhint: there are a, b");
        let shown = error(&cause.context("cannot read x.csv"));
        assert_eq!(shown, "error: cannot read x.csv: no such column\nhint: there are a, b");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let shown = one_line(&"é\n".repeat(200));
        assert_eq!(shown.chars().count(), 100);
        assert!(shown.ends_with('…'));
    }
}
