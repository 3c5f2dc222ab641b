//! What to show next, and why.
//!
//! A round is made of slots, each with its reason; how many of each depends on what is known. While
//! nothing relevant is known a round explores: it is spread over what the start ranks highest, away
//! from what was already refused. Later most slots go to the highest scores, for of a rare concept most
//! is learned where it is thought to be; a few look at the boundary, at what lies near a known
//! record that the classifier scores low, and anywhere.
//!
//! [`Strategy::plan`] says what to ask the store for, [`choose`] picks from the answer, and
//! `ask` says what the store is asked and makes picks: a session and the laboratory share the first two.

mod ask;
mod choose;
mod lottery;

use std::{fmt, str::FromStr};

use linprobe_classifier::Label;

pub(crate) use ask::{Choice, Lists, N_BOUNDARY, N_LIKE_ANCHOR, Questions, toward};
pub use choose::NEAR_DUPLICATE;
pub(crate) use choose::{Candidate, Found, Known, choose};
pub(crate) use lottery::Lottery;

/// Which unseen records to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strategy {
    /// A mix for the state of things: explores until something relevant is known, then mostly the
    /// highest scores.
    #[default]
    Auto,
    /// The highest scores.
    Top,
    /// High scores that are unlike each other and unlike what was refused.
    Diverse,
    /// The scores nearest to the decision boundary.
    Boundary,
    /// Any, each as likely as the other.
    Random,
}

/// How many records of a round are shown for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(crate) explore: usize,
    pub(crate) top: usize,
    pub(crate) ladder: usize,
    pub(crate) boundary: usize,
    pub(crate) anchor: usize,
    pub(crate) random: usize,
}

/// What to ask the store for, and how to choose from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Records to choose.
    pub(crate) k: usize,
    pub(crate) slots: Slots,
    /// Asks with what the session started from: what was fitted to refusals alone has turned away
    /// from all that they have in common, which may be what is looked for.
    pub(crate) asks_start: bool,
    /// The length of the list of highest scores.
    pub(crate) n_top: usize,
    /// Whether the highest scores are moved by their likeness to what is relevant.
    pub(crate) prefers_likeness: bool,
}

/// The highest scores, to choose from.
const SHORTLIST: usize = 1000;

/// The highest scores that a round which explores is to cover.
const COVERED: usize = 2000;

/// Those of them that it covers with.
pub(crate) const N_COVERING: usize = 1000;

impl Strategy {
    /// The plan of a round of `k` records, given the labels so far.
    pub(crate) fn plan(self, k: usize, labels: impl Iterator<Item = Label>) -> Plan {
        let (mut n_positive, mut n_negative) = (0, 0);
        for label in labels {
            n_positive += usize::from(label.is_positive());
            n_negative += usize::from(label.is_negative());
        }
        let slots = self.slots(k, n_positive, n_negative);
        let n_top = match self {
            _ if slots.explore > 0 => COVERED,
            Self::Auto => SHORTLIST.max(2 * k),
            _ => slots.top,
        };
        let is_auto = self == Self::Auto;
        let (asks_start, prefers_likeness) =
            (is_auto && n_positive == 0, is_auto && n_positive > 0);
        Plan { k, slots, asks_start, n_top, prefers_likeness }
    }

    fn slots(self, k: usize, n_positive: usize, n_negative: usize) -> Slots {
        let none = Slots::default();
        match self {
            Self::Auto => Slots::mixed(k, n_positive, n_negative),
            Self::Top => Slots { top: k, ..none },
            Self::Diverse => Slots { explore: k, ..none },
            Self::Boundary => Slots { boundary: k, ..none },
            Self::Random => Slots { random: k, ..none },
        }
    }
}

impl Slots {
    /// Explores while nothing relevant is known; looks for the lower end while nothing irrelevant
    /// is; else takes the highest, with a few others.
    fn mixed(k: usize, n_positive: usize, n_negative: usize) -> Self {
        let none = Self::default();
        if n_positive == 0 {
            return Self { explore: k, ..none };
        }
        if n_negative == 0 {
            let ladder = k * 3 / 10;
            return Self { top: k - ladder, ladder, ..none };
        }
        let (boundary, anchor) = (k * 3 / 10, k / 10);
        let random = if n_positive < MANY_POSITIVE { 0 } else { k / 10 };
        Self { top: k - boundary - anchor - random, boundary, anchor, random, ..none }
    }
}

/// From so many relevant labels on, a mixed round holds a random record too.
const MANY_POSITIVE: usize = 20;

const AUTO: &str = "auto";
const TOP: &str = "top";
const DIVERSE: &str = "diverse";
const BOUNDARY: &str = "boundary";
const RANDOM: &str = "random";

impl Strategy {
    /// The names of all strategies, the default first.
    pub const NAMES: [&'static str; 5] = [AUTO, TOP, DIVERSE, BOUNDARY, RANDOM];
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => AUTO,
            Self::Top => TOP,
            Self::Diverse => DIVERSE,
            Self::Boundary => BOUNDARY,
            Self::Random => RANDOM,
        })
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        match name {
            AUTO => Ok(Self::Auto),
            TOP => Ok(Self::Top),
            DIVERSE => Ok(Self::Diverse),
            BOUNDARY => Ok(Self::Boundary),
            RANDOM => Ok(Self::Random),
            _ => Err(UnknownStrategy { name: name.to_owned() }),
        }
    }
}

/// A name that names no strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no strategy {name:?}\nhint: one of {}", Strategy::NAMES.join(", "))]
pub struct UnknownStrategy {
    /// The name given.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(strategy: Strategy, n_positive: usize, n_negative: usize) -> Plan {
        let positive = std::iter::repeat_n(Label::RELEVANT, n_positive);
        strategy.plan(10, positive.chain(std::iter::repeat_n(Label::IRRELEVANT, n_negative)))
    }

    #[test]
    fn every_round_is_full() {
        for (n_positive, n_negative) in [(0, 0), (0, 10), (10, 0), (3, 7), (40, 60)] {
            for k in [1, 3, 10, 25] {
                let Slots { explore, top, ladder, boundary, anchor, random } =
                    Slots::mixed(k, n_positive, n_negative);
                assert_eq!(explore + top + ladder + boundary + anchor + random, k);
            }
        }
    }

    #[test]
    fn the_start_is_asked_until_something_relevant_is_known() {
        assert!(plan(Strategy::Auto, 0, 10).asks_start);
        assert!(!plan(Strategy::Auto, 1, 9).asks_start);
        assert!(!plan(Strategy::Top, 0, 10).asks_start);
    }

    #[test]
    fn a_strategy_is_read_by_the_name_that_it_writes() {
        for name in Strategy::NAMES {
            assert_eq!(name.parse::<Strategy>().unwrap().to_string(), name);
        }
        assert!("best".parse::<Strategy>().unwrap_err().to_string().contains("auto, top"));
    }
}
