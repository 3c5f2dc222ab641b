//! The page of a classifier in a repository of models: what it looks for, how it was labelled, how good it is, and how it
//! is used; beside it a plot of its scores.
//!
//! All that people have written is escaped, since a page is shown to others. What nobody has measured is said to be an
//! expectation. The licence is left to those who publish.

mod plot;
mod repository;

use std::fmt::Write;

use linprobe_classifier::{AuditCard, Card, ClassifierFile, Threshold, ThresholdPolicy};
use linprobe_core::Histogram;
use serde_json::Value;

use crate::{ExportForm, Snippets, error::ProjectError, project::Project};

pub use repository::repository_page;

/// What scores are.
const LOGITS: &str = "Scores are logits: `1 / (1 + exp(-score))` is a probability.\n";

/// A page about a classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPage {
    /// The page, in Markdown, with a head in YAML.
    pub markdown: String,
    /// The plot, in SVG.
    pub plot: String,
}

/// What a page is made of.
#[derive(Clone, Copy, Debug)]
pub struct PageParts<'a> {
    /// The classifier, with its card.
    pub file: &'a ClassifierFile,
    /// What its threshold was chosen by; none where it came with the classifier.
    pub policy: Option<ThresholdPolicy>,
    /// The name of the classifier's file.
    pub file_name: &'a str,
    /// The form of the classifier's file.
    pub form: ExportForm,
    /// The name of the plot's file.
    pub plot_name: &'a str,
}

/// What a classifier makes of the records of a project.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    /// What the records are: `text`, `image` or `vector`.
    pub(crate) kind: Option<String>,
    pub(crate) histogram: Histogram,
    /// What is expected of thresholds, from the lowest on.
    pub(crate) thresholds: Vec<Threshold>,
    /// What is expected of the one on the card.
    pub(crate) expected: Threshold,
}

impl Project {
    /// Writes the page of a classifier of the project.
    ///
    /// # Errors
    /// [`ProjectError::UnknownClassifier`] when there is none of this name, [`ProjectError::NoCard`] when it has no card.
    pub async fn model_page(
        &self,
        name: &str,
        parts: PageParts<'_>,
    ) -> Result<ModelPage, ProjectError> {
        let card = parts.file.card.as_ref().ok_or(ProjectError::NoCard)?;
        let scores = self.scores(name, card.threshold).await?;
        Ok(page(parts, card, &scores))
    }
}

fn page(parts: PageParts<'_>, card: &Card, scores: &Scores) -> ModelPage {
    let measured = card.audit.as_ref().map_or_else(|| expected(scores), audited);
    let sections = [
        head(Some(card), scores.kind.as_deref()),
        concept(card),
        quality(&measured, Some(parts.plot_name)),
        threshold(parts.policy, scores),
        usage(&[], Snippets::new(parts.file, parts.file_name, parts.form)),
        foreign_embeddings(card),
    ];
    let plot = plot::draw(&escape_line(&card.name), scores, card.audit.as_ref());
    ModelPage { markdown: sections.join("\n"), plot }
}

/// What a hub reads: the licence is the publisher's to choose, and a model that is on no hub has no name there.
fn head(card: Option<&Card>, kind: Option<&str>) -> String {
    let mut head = "---\n# license: yours to choose, such as apache-2.0\n".to_owned();
    if let Some(card) = card.filter(|card| is_on_a_hub(&card.model.id)) {
        line(&mut head, &format!("base_model: {}", yaml(&card.model.id)));
    }
    head += "library_name: linprobe\ntags:\n- linprobe\n- linear-probe\n- binary-classification\n- embeddings\n";
    let Some((card, audit)) = card.and_then(|card| Some((card, card.audit.as_ref()?))) else {
        return head + "---\n";
    };
    head += "metrics:\n- precision\n- recall\n- f1\n";
    let task = match kind {
        Some("text") => "text-classification",
        Some("image") => "image-classification",
        _ => "other",
    };
    head += "model-index:\n";
    line(&mut head, &format!("- name: {}", yaml(&card.name)));
    line(&mut head, &format!("  results:\n  - task:\n      type: {task}"));
    head += "    dataset:\n      type: private\n      name: the records that it was labelled on\n    metrics:\n";
    for (name, interval) in shares(audit) {
        let bounds = format!("90 % interval {:.3} to {:.3}", interval.low, interval.high);
        line(&mut head, &format!("    - type: {name}\n      value: {:.4}", interval.estimate));
        line(&mut head, &format!("      name: {}", yaml(&format!("{name}, {bounds}"))));
    }
    head + "---\n"
}

fn concept(card: &Card) -> String {
    let (name, model) = (escape(&card.name), escape(&card.model.id));
    let mut text = format!("# {name}\n\n");
    line(
        &mut text,
        "A linear classifier: it tells which records are what somebody was looking for, by their",
    );
    line(
        &mut text,
        &format!("embeddings of unit length, made with {model} ({} dimensions).\n", card.dimension),
    );
    line(&mut text, "| | |\n|---|---|");
    let mut row = |name: &str, value: &str| line(&mut text, &format!("| {name} | {value} |"));
    row("started from", &escape(&card.start));
    row("labels", &labels(card));
    row("fitted by", &escape(&card.method));
    row("model", &model);
    if let Some(revision) = &card.model.revision {
        row("revision", &escape(revision));
    }
    row("digest of the model", &escape(&card.model.fingerprint));
    row("made", &escape(&card.created));
    text
}

fn labels(card: &Card) -> String {
    let Card { n_labels, n_rounds, n_positive, n_negative, .. } = card;
    if *n_labels == 0 {
        return "none that are known of".to_owned();
    }
    format!(
        "{n_labels} records, labelled by people in {n_rounds} rounds: {n_positive} relevant, {n_negative} not relevant"
    )
}

fn quality(measured: &str, plot_name: Option<&str>) -> String {
    let plot = plot_name.map_or_else(String::new, |name| {
        format!(
            "\n![The scores of all records, and what is expected of each threshold](<{}>)\n",
            escape(name)
        )
    });
    format!("## How good it is\n\n{measured}{plot}")
}

fn audited(audit: &AuditCard) -> String {
    let mut text = format!(
        "Measured by an audit: {} records {}. {} labelled records are counted as what they are.\n\n",
        audit.n_judged,
        escape(&audit.basis),
        audit.n_known
    );
    line(&mut text, "| | estimate | 90 % interval |\n|---|---|---|");
    for (name, interval) in shares(audit) {
        let (estimate, low, high) = (interval.estimate, interval.low, interval.high);
        line(&mut text, &format!("| {name} | {estimate:.3} | {low:.3} to {high:.3} |"));
    }
    let n = audit.n_relevant;
    line(
        &mut text,
        &format!(
            "| relevant records, of {} | {:.0} | {:.0} to {:.0} |",
            audit.n_points, n.estimate, n.low, n.high
        ),
    );
    text + "\nOf other records than these, the numbers say nothing.\n"
}

fn expected(scores: &Scores) -> String {
    let Threshold { precision, recall, f1, .. } = scores.expected;
    format!(
        "**Nobody has audited it.** Its own probabilities promise a precision of {precision:.2}, a recall of {recall:.2} and an \
         F1 of {f1:.2}, and are as good as the labels that it was fitted to. `linprobe audit` measures.\n"
    )
}

fn threshold(policy: Option<ThresholdPolicy>, scores: &Scores) -> String {
    let Threshold { score, n_above, .. } = scores.expected;
    let n_points: u64 = scores.histogram.counts.iter().sum();
    let chosen = match policy {
        None => "It is the classifier's own".to_owned(),
        Some(policy) => format!("It was chosen by `{policy}`"),
    };
    format!(
        "## Threshold\n\nA record is relevant where its score is at least **{score}**. {chosen}; {n_above} of {n_points} records \
         reach it.\n\n{LOGITS}"
    )
}

/// Code for a file that lies here, behind code in Python for other ways to come by it.
fn usage(before: &[&str], Snippets { python, rust, sql, .. }: Snippets) -> String {
    let mut text = "## How to use it\n\n".to_owned();
    let before = before.iter().map(|code| ("python", *code));
    for (language, code) in before.chain([("python", python.as_str()), ("rust", rust.as_str())]) {
        line(&mut text, &fenced(language, code));
    }
    line(&mut text, "<details><summary>SQL, with pgvector</summary>\n");
    line(&mut text, &fenced("sql", &sql));
    line(&mut text, "</details>");
    text
}

fn foreign_embeddings(card: &Card) -> String {
    format!(
        "Its weights mean nothing over embeddings of another model than {}, or of another length than 1.\n",
        escape(&card.model.id)
    )
}

/// Precision, recall and F1, by the names that a hub knows them by.
fn shares(audit: &AuditCard) -> [(&'static str, linprobe_classifier::IntervalCard); 3] {
    [("precision", audit.precision), ("recall", audit.recall), ("f1", audit.f1)]
}

/// Whether a model's name is that of a repository: `owner/name`.
fn is_on_a_hub(id: &str) -> bool {
    let is_plain = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(known)
    };
    id.split_once('/')
        .is_some_and(|(owner, name)| owner != "builtin" && is_plain(owner) && is_plain(name))
}

/// A text in YAML: as in JSON, which is a part of it.
fn yaml(text: &str) -> String {
    Value::from(text).to_string()
}

/// A text as it stands in a line of Markdown, and nothing in it is more than text.
fn escape(text: &str) -> String {
    let text = escape_line(text).replace("://", ":\\//");
    let special = |c: char| "\\`*_{}[]<>()#|~&$@!".contains(c);
    text.chars().fold(String::new(), |mut escaped, c| {
        if special(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

/// A text in one line.
fn escape_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Code between fences that are longer than any in it.
fn fenced(language: &str, code: &str) -> String {
    let mut fence = "```".to_owned();
    while code.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}{language}\n{}\n{fence}\n", code.trim_end())
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes any text");
}
