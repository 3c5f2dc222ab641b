//! The dataset's own labels play the user, to see how many labels a concept takes, and who takes
//! fewest.

mod curves_file;
mod parquet;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use linprobe_classifier::Start;
use linprobe_core::{Embedding, Point, RecordId, VectorStore};
use linprobe_session::simulate::{
    Budget, Concept, Corpus, Curve, Experiment, ExperimentError, Laboratory, Ledger, Oracle,
    Origin, Player, Watch,
};

use self::curves_file::CurvesFile;
use crate::{
    error::ProjectError,
    filter::Filter,
    project::Project,
    start::{StartFrom, embed_phrases},
};

/// Points that are read at a time.
const PAGE: usize = 10_000;

/// What to simulate: every combination of labels, starts, players, oracles and seeds.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The records that take part; all when not given.
    pub filter: Option<Filter>,
    /// The classes to find, each by itself.
    pub classes: Classes,
    /// Where sessions start.
    pub starts: Vec<SimulatedStart>,
    /// Who plays.
    pub players: Vec<Player>,
    /// Who answers.
    pub oracles: Vec<Oracle>,
    /// Classes of which the graded oracle says 0, whatever is to be found.
    pub related: Vec<String>,
    /// How records are split into those to label and those held out.
    pub seeds: Vec<u64>,
    /// How long a game lasts.
    pub budget: Budget,
    /// Where curves are written: a .csv, which is gone on with when it is there, or a .parquet.
    pub out: Option<PathBuf>,
}

/// Which values of the dataset's labels are to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classes {
    /// These.
    Named(Vec<String>),
    /// All that have enough records.
    All {
        /// How many are enough.
        min_records: u64,
    },
}

/// Where a simulated session starts.
#[derive(Clone, Debug)]
pub enum SimulatedStart {
    /// From the name of the class that is to be found.
    OwnName,
    /// From what a person would start from, the same for every class.
    From(Box<StartFrom>),
    /// From this many records of the class, drawn by the seed.
    Examples(usize),
}

/// How the players did.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// The classes that were to be found.
    pub classes: Vec<String>,
    /// Records to label from, at each seed.
    pub n_pool: usize,
    /// Records held out, over which average precision is taken.
    pub n_held_out: usize,
    /// One for each game.
    pub curves: Vec<Curve>,
}

/// Games that have ended, and how many there are.
pub type ReportGames<'a> = &'a (dyn Fn(usize, usize) + Sync);

impl SimulatedStart {
    /// What learning curves are gathered by.
    pub fn name(&self) -> String {
        match self {
            Self::OwnName => "name".to_owned(),
            Self::From(from) => from.description(),
            Self::Examples(n) => format!("examples:{n}"),
        }
    }
}

impl Project {
    /// Plays the loop with the dataset's labels in the place of the person, and shows how many games
    /// have ended.
    ///
    /// # Errors
    /// [`ProjectError::Unknown`] when no record has a label, with the labels that there are;
    /// [`ProjectError::NothingToFind`] when no split leaves records on both sides; [`ProjectError::Filter`] and
    /// [`ProjectError::NothingLetThrough`] when the filter leaves no record.
    pub async fn simulate(
        &self,
        simulation: &Simulation,
        report: ReportGames<'_>,
    ) -> Result<Simulated, ProjectError> {
        let store = self.narrowed_store(simulation.filter.as_ref())?;
        let out = simulation.out.as_deref().map(CurvesFile::named).transpose()?;
        let corpus = Corpus::new(store.spec().dimension, all_points(store.as_ref()).await?);
        if let Some(filter) = simulation.filter.as_ref().filter(|_| corpus.is_empty()) {
            return Err(ProjectError::NothingLetThrough { filter: filter.to_string() });
        }
        let classes = self.classes(&simulation.classes, Some(&corpus))?;
        let experiment = Experiment {
            concepts: self.concepts(simulation, &classes, &corpus, store.as_ref()).await?,
            players: simulation.players.clone(),
            oracles: simulation.oracles.clone(),
            seeds: simulation.seeds.clone(),
            budget: simulation.budget,
        };
        let curves = run(&experiment, &corpus, out.as_ref(), report)?;
        if curves.is_empty() {
            return Err(ProjectError::NothingToFind { classes: classes.join(", ") });
        }
        let n_held_out = Laboratory::n_held_out(corpus.len());
        Ok(Simulated { classes, n_pool: corpus.len() - n_held_out, n_held_out, curves })
    }

    /// Checks the labels that were named, or finds those with enough records: of a corpus, where one is given.
    fn classes(
        &self,
        classes: &Classes,
        among: Option<&Corpus>,
    ) -> Result<Vec<String>, ProjectError> {
        let labels = match among {
            Some(corpus) => self.labels_among(corpus)?,
            None => self.dataset_labels()?,
        };
        let all = || labels.iter().map(|(label, _)| label.clone());
        match classes {
            Classes::Named(names) => {
                let unknown = names.iter().find(|name| !all().any(|label| label == **name));
                unknown.map_or_else(
                    || Ok(names.clone()),
                    |name| Err(ProjectError::unknown("label", name, all())),
                )
            }
            Classes::All { min_records } => {
                let enough = |(label, n): &(String, u64)| (n >= min_records).then(|| label.clone());
                let large: Vec<String> = labels.iter().filter_map(enough).collect();
                if large.is_empty() {
                    let name = format!("of {min_records} records");
                    return Err(ProjectError::unknown("label", &name, all()));
                }
                Ok(large)
            }
        }
    }

    /// The classes of the points of a corpus and how many of them each has, largest first.
    fn labels_among(&self, corpus: &Corpus) -> Result<Vec<(String, u64)>, ProjectError> {
        let mut labels = self.dataset_labels()?;
        if self.n_records()? == corpus.len() as u64 {
            return Ok(labels);
        }
        let there: BTreeSet<&RecordId> = corpus.ids().iter().collect();
        for (label, n) in &mut labels {
            let ids = self.catalogue().ids_labelled(label)?;
            *n = ids.iter().filter(|id| there.contains(id)).count() as u64;
        }
        labels.retain(|(_, n)| *n > 0);
        labels.sort_by(|(_, a), (_, b)| b.cmp(a));
        Ok(labels)
    }

    async fn concepts(
        &self,
        simulation: &Simulation,
        classes: &[String],
        corpus: &Corpus,
        store: &dyn VectorStore,
    ) -> Result<Vec<Concept>, ProjectError> {
        let mut shared = Vec::new();
        for start in &simulation.starts {
            let origin = match start {
                SimulatedStart::OwnName => None,
                SimulatedStart::Examples(n) => Some(Origin::Examples(*n)),
                SimulatedStart::From(from) => Some(self.given(from, store).await?),
            };
            shared.push((start.name(), origin));
        }
        let own = self.own_names(simulation, classes)?;
        let related = self.ids(&simulation.related)?;
        let mut concepts = Vec::new();
        for (i, class) in classes.iter().enumerate() {
            let relevant = self.ids(std::slice::from_ref(class))?;
            let concept = Concept::new(class, &relevant, corpus).related_to(&related, corpus);
            let starting = shared.iter().fold(concept, |concept, (name, origin)| {
                let own = || own.get(i).map(|e| Start::from_direction(e.clone()).into());
                match origin.clone().or_else(own) {
                    Some(origin) => concept.starting(name, origin),
                    None => concept,
                }
            });
            concepts.push(starting);
        }
        Ok(concepts)
    }

    async fn given(
        &self,
        from: &StartFrom,
        store: &dyn VectorStore,
    ) -> Result<Origin, ProjectError> {
        let query = self.origin(from, store, self.background()?.as_ref()).await?;
        Ok(Origin::Given { start: Box::new(query.start), examples: query.examples })
    }

    /// The embeddings of the classes' names, where a session starts from them.
    fn own_names(
        &self,
        simulation: &Simulation,
        classes: &[String],
    ) -> Result<Vec<Embedding>, ProjectError> {
        let is_own = |start: &SimulatedStart| matches!(start, SimulatedStart::OwnName);
        if !simulation.starts.iter().any(is_own) {
            return Ok(Vec::new());
        }
        embed_phrases(self.embedder()?.as_ref(), classes)
    }

    fn ids(&self, labels: &[String]) -> Result<BTreeSet<RecordId>, ProjectError> {
        let mut ids = BTreeSet::new();
        for label in self.classes(&Classes::Named(labels.to_vec()), None)? {
            ids.extend(self.catalogue().ids_labelled(&label)?);
        }
        Ok(ids)
    }
}

/// Plays what the file does not hold yet, and keeps it there.
fn run(
    experiment: &Experiment,
    corpus: &Corpus,
    out: Option<&CurvesFile>,
    report: ReportGames<'_>,
) -> Result<Vec<Curve>, ProjectError> {
    let (ledger, known) = match out {
        Some(CurvesFile::Csv(path)) => {
            let (ledger, known) =
                Ledger::open(path, experiment.budget).map_err(ExperimentError::from)?;
            (Some(ledger), known)
        }
        _ => (None, Vec::new()),
    };
    let n_games = experiment.n_games();
    let watch = Progress { ledger, report, n_games, n_ended: AtomicUsize::new(0) };
    let curves = experiment.run(corpus, known, &watch)?;
    if let Some(CurvesFile::Parquet(path)) = out {
        parquet::write(&curves, path)?;
    }
    Ok(curves)
}

struct Progress<'a> {
    ledger: Option<Ledger>,
    report: ReportGames<'a>,
    n_games: usize,
    n_ended: AtomicUsize,
}

impl Watch for Progress<'_> {
    fn ended(&self, curve: &Curve) -> Result<(), ExperimentError> {
        self.skipped();
        self.ledger.as_ref().map_or(Ok(()), |ledger| Ok(ledger.append(curve)?))
    }

    fn skipped(&self) {
        (self.report)(self.n_ended.fetch_add(1, Ordering::Relaxed) + 1, self.n_games);
    }
}

async fn all_points(store: &dyn VectorStore) -> Result<Vec<Point>, ProjectError> {
    let mut points: Vec<Point> = Vec::new();
    loop {
        let after = points.last().map(|point| point.id.clone());
        let page = store.scan(after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(points);
        }
        points.extend(page);
    }
}
