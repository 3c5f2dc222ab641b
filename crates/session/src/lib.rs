//! The labelling loop: rounds of records, labels, refits, and a journal that loses none of it.
//!
//! A [`Session`] shows unseen records, takes labels, fits the classifier on all of them, and asks
//! the store again with its weights. What happens is written to the [`Journal`] first and then
//! folded into the [`State`], so a session that is resumed is the session that was left.
//! Embeddings and ids are all it sees: it never touches a model or a file of the dataset.

mod advice;
mod audit;
mod deed;
mod event;
mod frozen;
mod groups;
mod insight;
mod journal;
mod look;
mod look_again;
mod seat;
mod session;
pub mod simulate;
mod start;
mod state;
mod strategy;
mod surveys;
pub mod svg;
mod view;

pub use advice::{Advice, Flips, Hits, Left, Verdict};
pub use audit::{
    Audit, AuditBasis, AuditDraw, AuditPick, AuditPlan, AuditReport, AuditStratum, AuditedRecord,
    Interval,
};
pub use deed::{Annotator, BadName, Deed, RequestId};
pub use event::{Answer, Event, Pick, Reason, UnknownReason};
pub use frozen::open_or_frozen;
pub use groups::Groups;
pub use insight::{Insight, Landmark, RoundReport, Step, Trajectory, shown};
pub use journal::{Clock, Entry, Journal, JournalError, SessionHead, SessionId, SessionSummary};
pub use look_again::{AgainstLabel, DoubtfulLabel};
pub use seat::{Recorded, Seat};
pub use session::{FitReport, Session, SessionError};
pub use start::{Opening, StartExample, StartQuery};
pub use state::{BadHistory, Fit, LabelCounts, Round, ShownRecord, State, Undone};
pub use strategy::{NEAR_DUPLICATE, Strategy, UnknownStrategy};
pub use view::View;
