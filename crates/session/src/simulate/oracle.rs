//! Who answers in the place of the person: the truth, a finer truth, or a truth that slips.

use std::{fmt, str::FromStr};

use linprobe_classifier::Label;
use linprobe_core::RecordId;

use linprobe_core::SplitMix;

/// How the truth becomes a label.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Oracle {
    /// +1 for what is relevant, -1 for all else.
    #[default]
    Exact,
    /// The same, but 0 for what is related.
    Graded,
    /// The same as exact, but of each record wrong with a probability, for good.
    Noisy(Flips),
}

/// The probability of a wrong answer, above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flips(f64);

impl Flips {
    /// Checks a probability.
    ///
    /// # Errors
    /// [`BadOracle`] when it is not above 0 and below 1.
    pub fn new(probability: f64) -> Result<Self, BadOracle> {
        let inside = probability > 0.0 && probability < 1.0;
        if inside { Ok(Self(probability)) } else { Err(BadOracle(probability.to_string())) }
    }
}

/// What is true of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Relevant,
    Related,
    Irrelevant,
}

impl Oracle {
    /// What it says of a record of a concept: the same each time it is asked.
    pub(crate) fn label(self, truth: Truth, id: &RecordId, concept: (&str, u64)) -> Label {
        let exact = if truth == Truth::Relevant { Label::RELEVANT } else { Label::IRRELEVANT };
        match self {
            Self::Graded if truth == Truth::Related => Label::NEUTRAL,
            Self::Exact | Self::Graded => exact,
            Self::Noisy(Flips(probability)) => {
                let (name, seed) = concept;
                let flipped = SplitMix::named(seed, &["flip", name, id.as_str()]).unit();
                if flipped < probability { opposite(exact) } else { exact }
            }
        }
    }
}

fn opposite(label: Label) -> Label {
    if label.is_positive() { Label::IRRELEVANT } else { Label::RELEVANT }
}

const EXACT: &str = "exact";
const GRADED: &str = "graded";
const NOISY: &str = "noisy:";

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str(EXACT),
            Self::Graded => f.write_str(GRADED),
            Self::Noisy(Flips(probability)) => write!(f, "{NOISY}{probability}"),
        }
    }
}

impl FromStr for Oracle {
    type Err = BadOracle;

    fn from_str(name: &str) -> Result<Self, BadOracle> {
        let bad = || BadOracle(name.to_owned());
        match name {
            EXACT => Ok(Self::Exact),
            GRADED => Ok(Self::Graded),
            _ => {
                let probability = name.strip_prefix(NOISY).ok_or_else(bad)?;
                let flips = probability.parse().ok().and_then(|p| Flips::new(p).ok());
                flips.map(Self::Noisy).ok_or_else(bad)
            }
        }
    }
}

/// A name that names no oracle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no oracle {0:?}\nhint: exact, graded, or noisy:P with a probability P, such as noisy:0.05"
)]
pub struct BadOracle(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> impl Iterator<Item = RecordId> {
        (0..10_000).map(RecordId::from_row)
    }

    #[test]
    fn a_noisy_oracle_is_wrong_as_often_as_it_says_and_keeps_to_its_word() {
        let oracle: Oracle = "noisy:0.05".parse().unwrap();
        let say = |id: &RecordId, seed| oracle.label(Truth::Relevant, id, ("stars", seed));
        let n_wrong = ids().filter(|id| say(id, 1).is_negative()).count();
        assert!((400..600).contains(&n_wrong), "{n_wrong}");
        assert!(ids().all(|id| say(&id, 1) == say(&id, 1)));
        assert!(ids().any(|id| say(&id, 1) != say(&id, 2)), "another seed slips elsewhere");
    }

    #[test]
    fn a_graded_oracle_says_zero_of_what_is_related() {
        let id = RecordId::from_row(0);
        let say = |oracle: Oracle, truth| oracle.label(truth, &id, ("stars", 0));
        assert_eq!(say(Oracle::Graded, Truth::Related), Label::NEUTRAL);
        assert_eq!(say(Oracle::Graded, Truth::Relevant), Label::RELEVANT);
        assert_eq!(say(Oracle::Exact, Truth::Related), Label::IRRELEVANT);
    }

    #[test]
    fn names_are_read_as_they_are_shown() {
        for name in ["exact", "graded", "noisy:0.05", "noisy:0.15"] {
            assert_eq!(name.parse::<Oracle>().unwrap().to_string(), name);
        }
        for name in ["", "noisy", "noisy:", "noisy:0", "noisy:1", "noisy:NaN", "Exact"] {
            assert!(name.parse::<Oracle>().is_err(), "{name}");
        }
    }
}
