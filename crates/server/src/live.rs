//! A session that is open, and what was last seen of it.
//!
//! Whoever writes waits for the lock, in the order of arrival; whoever only asks takes a view and
//! computes beside it. Labels in doubt take ten fits to find, so they are looked for after a round was
//! given, never while somebody waits for one.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use linprobe::{DoubtfulLabel, Insight, ProjectError, Ranking, Session, ThresholdPolicy, View};

use crate::{
    dealer::Dealer,
    lock::{lock, try_lock},
};

/// Labels that are asked about again, at most.
const N_DOUBTFUL: usize = 20;

/// So many times as long as it took to look for labels in doubt, they are not looked for again.
const REST: u32 = 20;

/// A session that is open.
#[derive(Debug)]
pub(crate) struct LiveSession {
    session: tokio::sync::Mutex<Session>,
    /// The last view, for those who only ask.
    view: Mutex<View>,
    seen: Mutex<Seen>,
    /// Makes rounds of it.
    pub(crate) dealer: Dealer,
    /// Held while labels in doubt are looked for.
    doubting: Mutex<()>,
    ranking: Mutex<Option<KeptRanking>>,
}

/// All records as a fit ranks them.
#[derive(Debug)]
struct KeptRanking {
    /// How many fits there were.
    n_fits: usize,
    /// That of the store.
    version: u64,
    ranking: Arc<Ranking>,
}

/// What a session had come to.
#[derive(Clone, Debug)]
struct KeptInsight {
    /// That of the store.
    version: u64,
    insight: Arc<Insight>,
}

/// What was last seen of a session.
#[derive(Debug, Default)]
struct Seen {
    insight: Option<KeptInsight>,
    doubtful: Arc<[DoubtfulLabel]>,
    /// How many events there were when labels in doubt were looked for.
    doubted_at: u64,
    /// When they may be looked for again.
    doubt_after: Option<Instant>,
    /// By the number of the round before each fit that was surveyed, how many records scored above 0.
    above: std::collections::BTreeMap<u32, u64>,
    fit_time: Duration,
}

impl Seen {
    /// Whether labels in doubt are to be looked for: something has happened since, and they have rested.
    fn may_doubt(&self, n_events: u64, now: Instant) -> bool {
        self.doubted_at != n_events && self.doubt_after.is_none_or(|after| after <= now)
    }
}

/// A session that is locked. When it is let go, its view is there for all to see.
pub(crate) struct Locked<'a> {
    session: tokio::sync::MutexGuard<'a, Session>,
    live: &'a LiveSession,
}

impl LiveSession {
    pub(crate) fn new(session: Session) -> Self {
        let view = Mutex::new(session.view().clone());
        let session = tokio::sync::Mutex::new(session);
        Self {
            session,
            view,
            seen: Mutex::default(),
            dealer: Dealer::default(),
            doubting: Mutex::default(),
            ranking: Mutex::default(),
        }
    }

    /// Waits for the session. Blocks the thread.
    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked { session: self.session.blocking_lock(), live: self }
    }

    /// The session as it was when it was last written to.
    pub(crate) fn view(&self) -> View {
        lock(&self.view).clone()
    }

    /// How long the last fit took.
    pub(crate) fn fit_time(&self) -> Duration {
        lock(&self.seen).fit_time
    }

    /// Fits, and notes how long it took.
    pub(crate) fn fit(&self, session: &mut Session) -> Result<(), ProjectError> {
        let started = Instant::now();
        pollster::block_on(session.refit())?;
        lock(&self.seen).fit_time = started.elapsed();
        Ok(())
    }

    /// What a session has come to, by a view of it. That of the same events over the same
    /// points is not made again.
    pub(crate) fn insight(
        &self,
        view: &View,
        policy: ThresholdPolicy,
    ) -> Result<Arc<Insight>, ProjectError> {
        let at_boundary = policy == ThresholdPolicy::Score(0.0);
        let version = version(view)?;
        let is_same = |kept: &KeptInsight| {
            kept.version == version && kept.insight.n_events == view.state().n_events()
        };
        let kept = lock(&self.seen).insight.clone().filter(is_same);
        if let Some(kept) = kept.filter(|_| at_boundary) {
            return Ok(kept.insight);
        }
        let insight = Arc::new(pollster::block_on(view.insight(policy))?);
        if at_boundary {
            let mut seen = lock(&self.seen);
            let round = view.state().fits().last().map_or(0, |fit| fit.round);
            seen.above.insert(round, insight.expected.n_above);
            seen.insight = Some(KeptInsight { version, insight: Arc::clone(&insight) });
        }
        Ok(insight)
    }

    /// All records as the last fit of a view ranks them. Who comes while it is made waits for it.
    pub(crate) fn ranking(&self, view: &View) -> Result<Arc<Ranking>, ProjectError> {
        let n_fits = view.state().fits().len();
        let mut kept = lock(&self.ranking);
        let version = version(view)?;
        let is_same = |kept: &&KeptRanking| kept.n_fits == n_fits && kept.version == version;
        if let Some(kept) = kept.as_ref().filter(is_same) {
            return Ok(Arc::clone(&kept.ranking));
        }
        let ranking =
            Arc::new(pollster::block_on(Ranking::of(Arc::clone(view.store()), view.classifier()))?);
        *kept = Some(KeptRanking { n_fits, version, ranking: Arc::clone(&ranking) });
        Ok(ranking)
    }

    /// How many records scored above the boundary by the fit after a round, if it was surveyed.
    pub(crate) fn n_above(&self, round: u32) -> Option<u64> {
        lock(&self.seen).above.get(&round).copied()
    }

    /// Labels in doubt, as they were when they were last looked for.
    pub(crate) fn doubtful(&self) -> Arc<[DoubtfulLabel]> {
        Arc::clone(&lock(&self.seen).doubtful)
    }

    /// Looks for labels in doubt, unless nothing has happened since, or somebody is at it; it takes one part in
    /// twenty of the time at most.
    pub(crate) fn doubt(&self) -> Result<(), ProjectError> {
        let view = self.view();
        let n_events = view.state().n_events();
        let started = Instant::now();
        let Some(_doubting) = try_lock(&self.doubting) else { return Ok(()) };
        if !lock(&self.seen).may_doubt(n_events, started) {
            return Ok(());
        }
        let found = pollster::block_on(view.look_again(N_DOUBTFUL))?;
        let mut seen = lock(&self.seen);
        seen.doubtful = found.into();
        seen.doubted_at = n_events;
        seen.doubt_after = Some(Instant::now() + started.elapsed() * REST);
        Ok(())
    }
}

impl std::ops::Deref for Locked<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        *lock(&self.live.view) = self.session.view().clone();
    }
}

/// The version of the store of a view.
fn version(view: &View) -> Result<u64, ProjectError> {
    Ok(pollster::block_on(view.store().version())?)
}
