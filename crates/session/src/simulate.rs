//! The laboratory: the loop with a truth in the place of the person, to see what a method is worth.
//!
//! A [`Corpus`] is split at random into a pool to label from and a part held out; an [`Oracle`]
//! answers for the person; after each round the whole of both parts is scored. All players of a
//! seed see the same split, so curves differ by the players alone. An [`Experiment`] plays every
//! combination, and its [`Ledger`] lets it go on where it was cut short.

mod concept;
mod corpus;
mod curve;
mod experiment;
mod game;
mod laboratory;
mod ledger;
mod measure;
mod oracle;
mod player;
mod report;
mod select;
mod shown;
mod summary;

pub use concept::{Concept, NamedStart, Origin};
pub use corpus::Corpus;
pub use curve::{Curve, CurvePoint, GameKey};
pub use experiment::{Experiment, ExperimentError, Watch};
pub use laboratory::{Budget, Laboratory, Trial, TrialError};
pub use ledger::{Ledger, LedgerError, Row};
pub use measure::Quality;
pub use oracle::{BadOracle, Flips, Oracle};
pub use player::{Play, Player, Selection, UnknownPlayer};
pub use summary::{
    GREAT_HARM, HARM, HARM_FROM, Harm, Interval, Lead, Level, NearCeiling, Panel, Standing, Step,
    Summary, TIE,
};
