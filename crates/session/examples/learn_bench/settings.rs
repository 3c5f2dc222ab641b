//! What is played, as the command line and `XTASK_BENCH_QUICK` say.

use std::{
    env,
    path::{Path, PathBuf},
};

use linprobe_session::simulate::{Budget, Concept, Oracle, Player};

use crate::classes::Outcome;

pub(crate) const HELP: &str = "\
settings of learn_bench:
  --data FOLDER     holds clip_vitb32 and clip_text_vitb32 [default: ../shared/data]
  --half HALF       report, tune or all [default: report]
  --start START     named, coarse or packages; may be given again [default: all]
  --player NAME     a baseline or METHOD+STRATEGY; may be given again [default: all baselines]
  --oracle ORACLE   of the named concepts; may be given again [default: exact and noisy:0.05]
  --seeds N         [default: 10; quick: 2]
  --concepts N      at most so many of each start [default: all; quick: 8]
  --rounds N        [default: 10]
  --round-size N    [default: 10]
  --out PREFIX      keeps games in PREFIX-START.csv, and goes on with them
  --report FILE     writes a page with figures
  --table           prints tables in the place of JSON";

/// Full supervision takes as long as all others together.
const LEFT_OUT_WHEN_QUICK: &str = "full";

pub(crate) struct Settings {
    pub(crate) folder: PathBuf,
    half: Half,
    starts: Vec<String>,
    pub(crate) players: Vec<Player>,
    pub(crate) oracles: Vec<Oracle>,
    pub(crate) n_seeds: u64,
    n_concepts: usize,
    pub(crate) budget: Budget,
    out: Option<String>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) table: bool,
}

/// Which concepts are played.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Half {
    Tune,
    Report,
    All,
}

impl Settings {
    /// None where help is asked for.
    pub(crate) fn from_arguments() -> Outcome<Option<Self>> {
        let mut settings = Self::new(env::var_os("XTASK_BENCH_QUICK").is_some());
        let mut words = env::args().skip(1);
        while let Some(name) = words.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--table" => settings.table = true,
                name => {
                    let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
                    settings.set(name, value)?;
                }
            }
        }
        settings.complete()?;
        Ok(Some(settings))
    }

    fn new(quick: bool) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Self {
            folder: root.join("../shared/data"),
            half: Half::Report,
            starts: Vec::new(),
            players: Vec::new(),
            oracles: Vec::new(),
            n_seeds: if quick { 2 } else { 10 },
            n_concepts: if quick { 8 } else { usize::MAX },
            budget: Budget { n_rounds: 10, per_round: 10 },
            out: None,
            report: None,
            table: false,
        }
    }

    fn set(&mut self, name: &str, value: String) -> Outcome<()> {
        match name {
            "--data" => self.folder = value.into(),
            "--half" => self.half = Half::named(&value)?,
            "--start" => self.starts.push(value),
            "--player" => self.players.push(value.parse()?),
            "--oracle" => self.oracles.push(value.parse()?),
            "--seeds" => self.n_seeds = value.parse()?,
            "--concepts" => self.n_concepts = value.parse()?,
            "--rounds" => self.budget.n_rounds = value.parse()?,
            "--round-size" => self.budget.per_round = value.parse()?,
            "--out" => self.out = Some(value),
            "--report" => self.report = Some(value.into()),
            _ => return Err(format!("no setting {name}\n{HELP}").into()),
        }
        Ok(())
    }

    /// What was not said.
    fn complete(&mut self) -> Outcome<()> {
        if self.oracles.is_empty() {
            self.oracles = vec![Oracle::Exact, "noisy:0.05".parse()?];
        }
        if self.players.is_empty() {
            let quick = self.n_concepts < usize::MAX;
            let names = Player::names().filter(|name| !(quick && *name == LEFT_OUT_WHEN_QUICK));
            self.players = names.map(str::parse).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    pub(crate) fn plays(&self, start: &str) -> bool {
        self.starts.is_empty() || self.starts.iter().any(|own| own == start)
    }

    /// The concepts of the half, at most as many as were asked for, spread evenly.
    pub(crate) fn chosen(&self, concepts: Vec<Concept>) -> Vec<Concept> {
        let own = concepts.into_iter().enumerate().filter(|(i, _)| self.half.holds(*i));
        let own: Vec<Concept> = own.map(|(_, concept)| concept).collect();
        let step = own.len().div_ceil(self.n_concepts.clamp(1, own.len().max(1))).max(1);
        own.into_iter().step_by(step).collect()
    }

    /// The file of a start's games.
    pub(crate) fn out(&self, start: &str) -> Option<PathBuf> {
        Some(format!("{}-{start}.csv", self.out.as_ref()?).into())
    }

    /// A sentence for the report.
    pub(crate) fn about(&self) -> String {
        let Budget { n_rounds, per_round } = self.budget;
        format!("{:?} half of the concepts; {n_rounds} rounds of {per_round} labels.", self.half)
    }
}

impl Half {
    fn named(name: &str) -> Outcome<Self> {
        match name {
            "tune" => Ok(Self::Tune),
            "report" => Ok(Self::Report),
            "all" => Ok(Self::All),
            _ => Err(format!("no half {name:?}: tune, report or all").into()),
        }
    }

    fn holds(self, place: usize) -> bool {
        match self {
            Self::Tune => place.is_multiple_of(2),
            Self::Report => !place.is_multiple_of(2),
            Self::All => true,
        }
    }
}
