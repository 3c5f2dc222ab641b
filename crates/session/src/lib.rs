//! The labelling loop: rounds of records, labels, refits, and a journal that loses none of it.
//!
//! A [`Session`] shows unseen records, takes labels, fits the classifier on all of them, and asks
//! the store again with its weights. What happens is written to the [`Journal`] first and then
//! folded into the [`State`], so a session that is resumed is the session that was left.
//! Embeddings and ids are all it sees: it never touches a model or a file of the dataset.
//!
//! ```
//! use std::sync::Arc;
//!
//! use linprobe_classifier::{Background, Label, Method, Start};
//! use linprobe_core::{Embedding, Point, RecordId, VectorStore};
//! use linprobe_session::{Clock, Journal, Opening, Session, StartQuery, Strategy};
//! use linprobe_store::MemoryStore;
//!
//! # let folder = tempfile::tempdir()?;
//! # let database = folder.path().join("project.db");
//! let embedding = |i: u8| Embedding::normalize([1.0, f32::from(i % 10), f32::from(i / 10)]);
//! let point = |i: u8| Ok::<_, Box<dyn std::error::Error>>(Point { id: RecordId::from_row(i.into()), embedding: embedding(i)? });
//! let points = (0..100).map(point).collect::<Result<Vec<_>, _>>()?;
//! let background = Background::estimate(3, points.iter().map(|point| &point.embedding));
//! let query = StartQuery {
//!     description: "much of the second".to_owned(),
//!     start: Start::from_direction(Embedding::normalize([0.0, 1.0, 0.0])?),
//!     examples: Vec::new(),
//!     filter: None,
//! };
//! let opening = Opening { name: "seconds".to_owned(), query, method: Method::default() };
//! let journal = Journal::open(&database, Clock::new(|| 0))?;
//! pollster::block_on(async {
//!     let store = Arc::new(MemoryStore::new(3));
//!     store.upsert(&points).await?;
//!     let mut session = Session::start(store, Arc::new(background), journal, opening).await?;
//!     for _ in 0..3 {
//!         for record in session.next_round(5, Strategy::Auto).await?.records {
//!             let row: u8 = record.id.as_str().parse()?;
//!             let label = if row % 10 > row / 10 { Label::new(1.0)? } else { Label::new(-1.0)? };
//!             session.label(&record.id, label).await?;
//!         }
//!         session.fit().await?;
//!     }
//!     assert!(session.classifier().score(&points[9].embedding) > session.classifier().score(&points[90].embedding));
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`simulate`] is the laboratory: the same rounds and fits over a matrix with known labels, beside the methods that others use.

mod advice;
mod audit;
mod deed;
mod event;
mod frozen;
mod groups;
mod insight;
mod journal;
mod log;
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
pub use log::SessionLog;
pub use look_again::{AgainstLabel, DoubtfulLabel};
pub use seat::{Recorded, Seat};
pub use session::{FitReport, Session, SessionError};
pub use start::{Opening, StartExample, StartQuery};
pub use state::{BadHistory, Fit, LabelCounts, Round, ShownRecord, State, Undone};
pub use strategy::{NEAR_DUPLICATE, Strategy, UnknownStrategy};
pub use view::View;
