//! The page of a classifier that is pushed to a hub from wherever it was fitted: its records are not at hand, so there is
//! no plot, and of a classifier that nobody has audited nothing is promised.

use linprobe_classifier::{Card, ClassifierFile};

use super::{LOGITS, audited, concept, escape, fenced, foreign_embeddings, head, quality, usage};
use crate::{ExportForm, Snippets};

/// The page of a repository such as `owner/name`, which holds the classifier in `classifier.safetensors`. Scores at or above
/// the threshold are relevant.
pub fn repository_page(repository: &str, file: &ClassifierFile, threshold: f32) -> String {
    let sections = match &file.card {
        Some(card) => with_card(repository, file, card),
        None => without_card(repository, file),
    };
    let [head, concept, quality, usage] = sections;
    let threshold = format!(
        "## Threshold\n\nA record is relevant where its score is at least **{threshold}**.\n\n{LOGITS}"
    );
    [head, concept, quality, threshold, usage].join("\n")
}

fn with_card(repository: &str, file: &ClassifierFile, card: &Card) -> [String; 4] {
    let measured = match &card.audit {
        Some(audit) => audited(audit),
        None => {
            "**Nobody has audited it.** How many of what it takes as relevant are, nobody knows.\n"
                .to_owned()
        }
    };
    let snippets = Snippets::new(file, "classifier.safetensors", ExportForm::Safetensors);
    let usage = usage(&[&loading(repository)], snippets);
    let usage = format!("{usage}\n{}", foreign_embeddings(card));
    [head(Some(card), None), concept(card), quality(&measured, None), usage]
}

/// It was fitted to vectors of which no more is known than how long they are.
fn without_card(repository: &str, file: &ClassifierFile) -> [String; 4] {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let concept = format!(
        "# {}\n\nA linear classifier of embeddings with {} dimensions. Which model made them, and what they are of, its file does \
         not say.\n",
        escape(name),
        file.classifier.dimension()
    );
    let measured = "Nobody has written down how good it is.\n";
    let usage = format!("## How to use it\n\n{}", fenced("python", &loading(repository)));
    [head(None, None), concept, quality(measured, None), usage]
}

fn loading(repository: &str) -> String {
    format!(
        "import linprobe\n\n\
         classifier = linprobe.LinearClassifier.from_pretrained({repository:?})\n\
         # embeddings: an array, one row each\n\
         scores = classifier.decision_function(embeddings)\n\
         classes = classifier.predict(embeddings)\n"
    )
}

#[cfg(test)]
mod tests {
    use linprobe_classifier::{AuditCard, IntervalCard, LinearClassifier, ModelCard};

    use super::*;

    fn card(audit: Option<AuditCard>) -> Card {
        Card {
            format: Card::FORMAT,
            name: "dogs | cats".to_owned(),
            model: ModelCard { id: "openai/clip".to_owned(), ..ModelCard::default() },
            dimension: 2,
            threshold: 0.5,
            method: "map-logistic".to_owned(),
            n_labels: 12,
            n_positive: 5,
            n_negative: 7,
            n_rounds: 2,
            created: "2026-01-01T00:00:00Z".to_owned(),
            start: "text: dogs".to_owned(),
            audit,
        }
    }

    fn audit() -> AuditCard {
        let share = |estimate| IntervalCard { low: estimate - 0.1, estimate, high: estimate + 0.1 };
        AuditCard {
            precision: share(0.8),
            recall: share(0.6),
            f1: share(0.7),
            n_relevant: IntervalCard { low: 5.0, estimate: 6.0, high: 8.0 },
            n_points: 100,
            n_judged: 20,
            n_known: 12,
            basis: "drawn at random".to_owned(),
        }
    }

    fn page(card: Option<Card>) -> String {
        let classifier = LinearClassifier::new(vec![0.5, -1.0], 0.25).unwrap();
        repository_page("me/dogs", &ClassifierFile { classifier, card }, 0.5)
    }

    #[test]
    fn what_an_audit_measured_stands_in_the_head_and_on_the_page() {
        let page = page(Some(card(Some(audit()))));
        assert!(page.starts_with("---\n# license"), "{page}");
        assert!(
            page.contains("base_model: \"openai/clip\"") && page.contains("type: precision"),
            "{page}"
        );
        assert!(page.contains("| precision | 0.800 | 0.700 to 0.900 |"), "{page}");
        assert!(page.contains("# dogs \\| cats") && page.contains("at least **0.5**"), "{page}");
        assert!(
            page.contains("from_pretrained(\"me/dogs\")") && page.contains("load_file"),
            "{page}"
        );
    }

    #[test]
    fn what_nobody_has_measured_is_not_promised() {
        let page = page(Some(card(None)));
        assert!(page.contains("**Nobody has audited it.**"), "{page}");
        assert!(!page.contains("model-index") && !page.contains("probabilities promise"), "{page}");
    }

    #[test]
    fn without_a_card_the_page_says_what_is_not_known() {
        let page = page(None);
        assert!(page.contains("# dogs\n") && page.contains("2 dimensions"), "{page}");
        assert!(
            page.contains("from_pretrained(\"me/dogs\")") && !page.contains("base_model"),
            "{page}"
        );
    }
}
