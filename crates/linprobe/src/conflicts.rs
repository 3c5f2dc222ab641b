//! Labels that contradict each other.
//!
//! Of concepts that exclude each other, a record is relevant to one at most. Within a concept, records that are nearly the same
//! have no opposite labels. Both are told from labels and embeddings alone, and it is for people to say which is wrong.

use std::collections::{BTreeMap, BTreeSet};

use linprobe_classifier::Label;
use linprobe_core::{Point, RecordId, VectorStore};
use linprobe_session::{NEAR_DUPLICATE, State};

use crate::{error::ProjectError, project::Project};

/// Labels of which at least one is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Conflict {
    /// A record is relevant in several sessions whose concepts exclude each other.
    Shared {
        /// The record.
        id: RecordId,
        /// The sessions and its labels there, all above 0, in the order in which the sessions were given.
        labels: Vec<(String, Label)>,
    },
    /// Within a session, two records that are nearly the same have opposite labels.
    Opposite {
        /// The session.
        session: String,
        /// The one that is relevant, and its label, above 0.
        relevant: (RecordId, Label),
        /// The one that is not, and its label, below 0.
        irrelevant: (RecordId, Label),
        /// Their cosine, at least [`NEAR_DUPLICATE`].
        cosine: f32,
    },
}

impl Project {
    /// Lists what contradicts each other in the labels of sessions: first what several of them call relevant, then, session by session,
    /// what is nearly the same and labelled oppositely. Records that have left the store are compared no longer.
    ///
    /// # Errors
    /// [`ProjectError::Unknown`] when there is no session of a name, or the database or the store fails.
    pub async fn conflicts(&self, sessions: &[String]) -> Result<Vec<Conflict>, ProjectError> {
        let mut met = BTreeSet::new();
        let names = sessions.iter().filter(|name| met.insert(*name));
        let states = names.map(|name| self.session_state(name));
        let states: Vec<State> = states.collect::<Result<_, _>>()?;
        let mut conflicts = shared(&states);
        let store = self.store()?;
        for state in &states {
            conflicts.extend(opposite(state, store.as_ref()).await?);
        }
        Ok(conflicts)
    }
}

/// What more than one session calls relevant, by id.
fn shared(states: &[State]) -> Vec<Conflict> {
    let mut claims: BTreeMap<&RecordId, Vec<(String, Label)>> = BTreeMap::new();
    for state in states {
        for (id, label) in state.labels().filter(|(_, label)| label.is_positive()) {
            claims.entry(id).or_default().push((state.name().to_owned(), label));
        }
    }
    let claims = claims.into_iter().filter(|(_, labels)| labels.len() > 1);
    claims.map(|(id, labels)| Conflict::Shared { id: id.clone(), labels }).collect()
}

/// What is nearly the same and labelled oppositely, the likest first.
async fn opposite(state: &State, store: &dyn VectorStore) -> Result<Vec<Conflict>, ProjectError> {
    let relevant = points_where(state, store, Label::is_positive).await?;
    let irrelevant = points_where(state, store, Label::is_negative).await?;
    let pairs = relevant.iter().flat_map(|a| irrelevant.iter().map(move |b| (a, b)));
    let alike = pairs.filter_map(|((a, a_label), (b, b_label))| {
        let cosine = a.embedding.dot(b.embedding.as_slice());
        (cosine >= NEAR_DUPLICATE).then(|| Conflict::Opposite {
            session: state.name().to_owned(),
            relevant: (a.id.clone(), *a_label),
            irrelevant: (b.id.clone(), *b_label),
            cosine,
        })
    });
    let mut alike: Vec<Conflict> = alike.collect();
    alike.sort_by(|a, b| b.likeness().total_cmp(&a.likeness()));
    Ok(alike)
}

async fn points_where(
    state: &State,
    store: &dyn VectorStore,
    belongs: fn(Label) -> bool,
) -> Result<Vec<(Point, Label)>, ProjectError> {
    let ids = state.labels().filter(|(_, label)| belongs(*label)).map(|(id, _)| id.clone());
    let ids: Vec<RecordId> = ids.collect();
    let points = store.fetch(&ids).await?.into_iter();
    Ok(points.filter_map(|point| state.label(&point.id).map(|label| (point, label))).collect())
}

impl Conflict {
    /// How alike the records are; 1 for one and the same.
    fn likeness(&self) -> f32 {
        match self {
            Self::Shared { .. } => 1.0,
            Self::Opposite { cosine, .. } => *cosine,
        }
    }
}
