//! From a sentence or a few examples to a production linear classifier over any embedded dataset.
//!
//! A [`Project`] is a folder. It indexes datasets, searches them, and opens sessions in which a
//! person scores records from -1 to +1 and a classifier is fitted after each round; the classifier
//! is exported, and predicts any other dataset.
//!
//! ```
//! use linprobe::{
//!     Clock, IndexOptions, Label, Method, OpenOptions, Project, StartFrom, Strategy, Surroundings,
//! };
//!
//! # let folder = tempfile::tempdir()?;
//! # let (tickets, folder) = (folder.path().join("tickets.csv"), folder.path().join("tickets"));
//! # let text = "text\nmy refund was refused\nthe parcel never came\nthey refuse to give my money back\ngreat shoes\n";
//! # linprobe::write_atomic(&tickets, text.as_bytes())?;
//! let clock = Clock::new(|| 0);
//! let surroundings = Surroundings { models: OpenOptions::default(), clock };
//! let project = Project::create(&folder, surroundings)?;
//! project.index(&tickets, &IndexOptions::default(), &mut |_| ())?;
//!
//! let from = StartFrom { phrases: vec!["refund refused".into()], ..StartFrom::default() };
//! let found = pollster::block_on(project.search(&from, 10))?;
//! assert_eq!(found[0].record.text.as_deref(), Some("my refund was refused"));
//!
//! pollster::block_on(async {
//!     let mut session = project.start_session("refunds", &from, Method::default()).await?;
//!     for record in session.next_round(4, Strategy::Auto).await?.records {
//!         let text = project.record(&record.id)?.text.unwrap_or_default();
//!         let label = if text.contains("refuse") { 1.0 } else { -1.0 };
//!         session.label(&record.id, Label::new(label)?).await?;
//!     }
//!     let fitted = session.fit().await?;
//!     assert_eq!((fitted.counts.n_positive, fitted.counts.n_negative), (2, 2));
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! let file = pollster::block_on(project.export_classifier("refunds", None))?;
//! linprobe::write_classifier(&file, &folder.join("refunds.onnx"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What else it does: [`predict_dataset`] scores other datasets, [`Audit`] measures, [`copy_points`] moves vectors, and
//! [`Project::simulate`] plays sessions over labels that are known.

mod audit;
mod blame;
mod catalogue;
mod classifiers;
mod compact;
mod compare;
mod config;
mod conflicts;
mod copy;
mod dataset;
mod doctor;
mod duplicates;
mod elsewhere;
mod error;
mod files;
mod filter;
mod heads;
mod index;
mod inspect;
pub mod labels;
mod model_page;
mod models;
mod names;
mod narrowed;
mod opened;
mod picture;
mod predict;
pub mod predictions;
mod project;
mod queries;
mod ranking;
mod search;
mod session_log;
mod sessions;
mod shard;
mod simulate;
mod snippets;
mod start;

pub use audit::{ChosenThreshold, choose_threshold};
pub use blame::Blame;
pub use catalogue::{CatalogueRecord, SkippedRecord};
pub use classifiers::{
    ExportForm, classifier_in_file, read_classes, read_classifier, write_classifier, write_head,
    write_with_encoder,
};
pub use compact::Compacted;
pub use compare::{Comparison, Moved};
pub use conflicts::Conflict;
pub use copy::copy_points;
pub use doctor::{Finding, State as FindingState, examine_dataset};
pub use duplicates::{DuplicateGroup, DuplicateOptions, Duplicates};
pub use error::ProjectError;
pub use files::{write_atomic, write_atomic_with};
pub use filter::{BadFilter, Filter};
pub use heads::HeadRow;
pub use index::{Cancel, IndexProgress, Indexed};
pub use inspect::Inspection;
pub use labels::LabelsForm;
pub use model_page::{ModelPage, PageParts, repository_page};
pub use picture::{PictureSize, check_picture};
pub use predict::{PredictOptions, predict_dataset};
pub use predictions::{
    Prediction, Predictions, PredictionsForm, wide::Scorer, write_back::WriteBack,
};
pub use project::{IndexOptions, Project, Surroundings};
pub use queries::{UnknownDatabase, VectorDatabase};
pub use ranking::{Ranked, RankedPage, Ranking, RankingOrder, RankingPage};
pub use search::Found;
pub use shard::{BadShard, Shard};
pub use simulate::{Classes, ReportGames, Simulated, SimulatedStart, Simulation};
pub use snippets::Snippets;
pub use start::{Exemplar, StartFrom, read_vector};

pub use linprobe_classifier::{
    ArticleParams, AuditCard, Background, Card, ClassifierFile, Counted, Example, Head, HeadClass,
    IntervalCard, Label, LabelledParams, LinearClassifier, Method, ReadClass, Threshold,
    ThresholdPolicy, UnfitLabels, fit_labelled, probability,
};
pub use linprobe_core::{
    BadContent, Content, EmbedError, Embedder, Embedding, Histogram, Modalities, ModelSpec,
    RecordId,
};
pub use linprobe_embed::{
    CachedModel, Description as ModelDescription, Embedded, Engine, Finding as ModelFinding,
    GraphInput, LibraryConfig, OpenOptions, Place as ModelPlace, RemoteConfig, Resizing,
    StreamError, StreamOptions, cached_models, check as check_model, describe as describe_model,
    embed_stream, open as open_model,
};
pub use linprobe_hub::{HubConfig, Progress as DownloadProgress, Transfer};
pub use linprobe_session::{
    Advice, AgainstLabel, Annotator, Answer, Audit, AuditBasis, AuditPlan, AuditReport,
    AuditedRecord, BadName, Clock, DoubtfulLabel, FitReport, Flips, Hits, Insight, Interval,
    JournalError, Landmark, Left, Pick, Reason, Recorded, RequestId, Round, RoundReport, Seat,
    Session, SessionError, SessionSummary, ShownRecord, State, Step, Strategy, Trajectory, Undone,
    Verdict, View, simulate as laboratory,
};
pub use linprobe_source::{Kind as SourceKind, SourceOptions};
pub use linprobe_store::{Copied, CopyProgress, Damaged};
