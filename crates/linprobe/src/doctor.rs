//! The mistakes that real indexes have, each with what it means and what mends it.

mod dataset;
mod project;

pub use dataset::examine_dataset;

use std::collections::HashMap;

use linprobe_core::RecordId;

/// What was looked at, and what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What was looked at: a short name that stays.
    pub check: &'static str,
    /// Whether something should be done about it.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What it means, where it is not as it should be.
    pub meaning: Option<&'static str>,
    /// What mends it.
    pub remedy: Option<String>,
}

/// How it stands with what was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Notice,
    /// Numbers that are made from it mislead.
    Wrong,
}

impl State {
    /// Its name: `fine`, `notice` or `wrong`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Notice => "notice",
            Self::Wrong => "wrong",
        }
    }
}

impl Finding {
    fn fine(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Fine, found: found.into(), meaning: None, remedy: None }
    }

    fn notice(check: &'static str, found: impl Into<String>, meaning: &'static str) -> Self {
        Self { state: State::Notice, meaning: Some(meaning), ..Self::fine(check, found) }
    }

    fn wrong(check: &'static str, found: impl Into<String>, meaning: &'static str) -> Self {
        Self { state: State::Wrong, ..Self::notice(check, found, meaning) }
    }

    fn mended_by(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Contents that were met before, told by a hash of 128 bits.
#[derive(Debug, Default)]
struct Twins {
    first: HashMap<[u8; 16], RecordId>,
    n_again: u64,
    /// The first record that was met again, and the one that it equals.
    example: Option<(RecordId, RecordId)>,
}

impl Twins {
    fn meet(&mut self, id: &RecordId, content: &[u8]) {
        let mut hash = [0; 16];
        blake3::Hasher::new().update(content).finalize_xof().fill(&mut hash);
        match self.first.get(&hash) {
            None => drop(self.first.insert(hash, id.clone())),
            Some(first) => {
                self.n_again += 1;
                self.example.get_or_insert_with(|| (id.clone(), first.clone()));
            }
        }
    }

    fn finding(&self, check: &'static str, what: &str) -> Finding {
        let Some((twin, first)) = &self.example else {
            return Finding::fine(check, format!("no two records have the same {what}"));
        };
        let meaning = "what is there twice counts twice: in numbers of positives, and where one copy teaches and \
             another is held out";
        let n_again = self.n_again;
        let records = if n_again == 1 {
            "1 record has".to_owned()
        } else {
            format!("{n_again} records have")
        };
        let found =
            format!("{records} the {what} of an earlier one, such as {twin} that of {first}");
        Finding::notice(check, found, meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_counted_and_the_first_pair_is_named() {
        let mut twins = Twins::default();
        assert_eq!(twins.finding("contents", "text").state, State::Fine);
        for (id, content) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x")] {
            twins.meet(&RecordId::new(id).unwrap(), content.as_bytes());
        }
        let finding = twins.finding("contents", "text");
        assert_eq!(finding.state, State::Notice);
        assert_eq!(finding.found, "2 records have the text of an earlier one, such as c that of a");
    }
}
