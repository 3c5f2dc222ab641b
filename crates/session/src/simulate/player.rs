//! Who plays: a name for a way to fit and a way to choose, and the baselines that a method has to
//! be better than.

use std::{fmt, str::FromStr};

use linprobe_classifier::Method;

use crate::Strategy;

/// Who plays.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    name: String,
    play: Play,
}

/// What a player does.
#[derive(Clone, Debug, PartialEq)]
pub enum Play {
    /// Labels the highest scores of the start, and never fits.
    NoFeedback,
    /// Chooses, labels, and fits after each round.
    Learn {
        /// How it fits.
        method: Method,
        /// How it chooses.
        selection: Selection,
    },
    /// Fits once on the true labels of the whole pool: the ceiling.
    Full(Method),
}

/// How a player chooses what to label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// As a session does.
    Strategy(Strategy),
    /// Nearest to the boundary among the neighbours of what is labelled. SEALS, Coleman et al.,
    /// <https://arxiv.org/abs/2007.00077>.
    Seals,
    /// Nearest to the boundary among the neighbours of some anchors of both classes. `AnchorAL`,
    /// Lesci and Vlachos, <https://arxiv.org/abs/2404.05623>.
    AnchorAl,
}

const LINPROBE: &str = "linprobe";
const NO_FEEDBACK: &str = "no-feedback";
const FULL: &str = "full";

/// Every baseline that is a method and a selection.
const BASELINES: [(&str, &str); 16] = [
    ("random", "logistic+random"),
    ("article", "article+top"),
    ("article-cumulative", "article-cumulative+top"),
    ("article-targets", "article-targets+top"),
    ("article-normalized", "article-normalized+top"),
    ("article-repaired", "article-repaired+top"),
    ("rocchio", "rocchio+top"),
    ("whitened-rocchio", "whitened-rocchio+top"),
    ("seesaw", "seesaw+top"),
    ("seesaw-data", "seesaw-data+top"),
    ("linear-svc", "linear-svc+top"),
    ("uncertainty", "logistic+boundary"),
    ("weak-negatives", "weak-negatives+top"),
    ("background-lda", "background-lda+top"),
    ("seals", "logistic+seals"),
    ("anchoral", "logistic+anchoral"),
];

impl Player {
    /// Names a way to play.
    pub fn new(name: impl Into<String>, play: Play) -> Self {
        Self { name: name.into(), play }
    }

    /// What a session does when nothing else is asked for.
    pub fn linprobe() -> Self {
        let selection = Selection::Strategy(Strategy::default());
        Self::new(LINPROBE, Play::Learn { method: Method::default(), selection })
    }

    /// Labels the highest scores of the start, and never fits.
    pub fn no_feedback() -> Self {
        Self::new(NO_FEEDBACK, Play::NoFeedback)
    }

    /// The names of linprobe and all baselines, from the one to beat to the ceiling.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let baselines = BASELINES.iter().map(|(name, _)| *name);
        [LINPROBE, NO_FEEDBACK].into_iter().chain(baselines).chain([FULL])
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does.
    pub fn play(&self) -> &Play {
        &self.play
    }
}

impl FromStr for Player {
    type Err = UnknownPlayer;

    /// Reads the name of a baseline, or `METHOD+SELECTION`.
    fn from_str(name: &str) -> Result<Self, UnknownPlayer> {
        let unknown = || UnknownPlayer { name: name.to_owned() };
        let method = |method: &str| Method::from_str(method).ok().ok_or_else(unknown);
        match name {
            LINPROBE => Ok(Self::linprobe()),
            NO_FEEDBACK => Ok(Self::no_feedback()),
            FULL => Ok(Self::new(FULL, Play::Full(Method::default()))),
            _ => {
                let recipe = BASELINES.iter().find(|(baseline, _)| *baseline == name);
                let recipe = recipe.map_or(name, |(_, recipe)| recipe);
                let (fits, chooses) = recipe.split_once('+').ok_or_else(unknown)?;
                let selection = Selection::named(chooses).ok_or_else(unknown)?;
                Ok(Self::new(name, Play::Learn { method: method(fits)?, selection }))
            }
        }
    }
}

const SEALS: &str = "seals";
const ANCHOR_AL: &str = "anchoral";

impl Selection {
    fn named(name: &str) -> Option<Self> {
        match name {
            SEALS => Some(Self::Seals),
            ANCHOR_AL => Some(Self::AnchorAl),
            _ => name.parse().ok().map(Self::Strategy),
        }
    }
}

/// A name that names no player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPlayer {
    /// The name given.
    pub name: String,
}

impl std::error::Error for UnknownPlayer {}

impl fmt::Display for UnknownPlayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let baselines = Player::names().collect::<Vec<_>>().join(", ");
        let methods = Method::NAMES.join(", ");
        let strategies = Strategy::NAMES.join(", ");
        write!(
            f,
            "no player {:?}\nhint: one of {baselines}; or a method and what it shows, such as \
             rocchio+boundary: one of {methods} with one of {strategies}, {SEALS}, {ANCHOR_AL}",
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_baseline_is_a_player_of_its_name() {
        for name in Player::names() {
            assert_eq!(name.parse::<Player>().unwrap().name(), name);
        }
    }

    #[test]
    fn a_method_and_a_strategy_are_a_player() {
        let player: Player = "rocchio+boundary".parse().unwrap();
        let selection = Selection::Strategy(Strategy::Boundary);
        assert_eq!(player.play(), &Play::Learn { method: Method::Rocchio, selection });
        assert!("rocchio+seals".parse::<Player>().is_ok());
    }

    #[test]
    fn an_unknown_player_is_refused_with_those_that_there_are() {
        for name in ["", "magic", "rocchio+", "+top", "magic+top", "rocchio+magic"] {
            let said = name.parse::<Player>().unwrap_err().to_string();
            assert!(said.contains("\nhint: ") && said.contains("anchoral"), "{said}");
        }
    }
}
