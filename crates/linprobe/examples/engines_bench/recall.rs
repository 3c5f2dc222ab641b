//! How many of the highest scores an index finds for the weights of a session, which lie near no vector.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use linprobe::{Project, RecordId};
use linprobe_core::{Excluded, Hit, Query, VectorStore};
use linprobe_store::{Access, RemoteStore, Variables};
use pollster::block_on;

use crate::{
    rounds::{Outcome, begin, round},
    unix::{Engine, Figure, Scale, print},
};

const N_QUERIES: usize = 10;

/// How many are asked for, as by the lists of a round and by the scores of all, and how hard an index looks, besides as linprobe
/// tells it to: a graph must look at more than it is asked for, and linprobe asks for some more than it needs.
const EFFORTS: [(&str, usize, &[&str]); 4] = [
    ("milvus", 50, &[r#"{"ef":128}"#]),
    ("milvus", 4_096, &[r#"{"ef":16384}"#]),
    ("milvus-ivf", 50, &[r#"{"nprobe":8}"#, r#"{"nprobe":16}"#, r#"{"nprobe":64}"#]),
    ("milvus-ivf", 4_096, &[r#"{"nprobe":16}"#, r#"{"nprobe":32}"#, r#"{"nprobe":64}"#]),
];

pub(crate) fn measure(project: &Project, engine: &Engine, scale: Scale) -> Outcome<()> {
    let Engine { name, address, .. } = engine;
    let exact = project.store()?;
    let weights = weights(project, &format!("recall-{name}"))?;
    for (_, top_k, efforts) in EFFORTS.iter().filter(|(of, ..)| of == name) {
        for effort in [""].iter().chain(*efforts) {
            let found = searched(address, effort)?;
            let (recall, ms) = recall([exact.as_ref(), found.as_ref()], &weights, *top_k)?;
            let bench = format!("engines/recall-1m/{name}-{top_k}");
            let effort = if effort.is_empty() { "by default" } else { effort };
            let unit = format!("of the highest, {effort}, {ms:.0} ms{}", scale.note());
            print(&Figure { bench: &bench, value: recall, unit: &unit, peer: None })?;
        }
    }
    Ok(())
}

/// A collection whose index looks so hard.
fn searched(address: &str, effort: &str) -> Outcome<Arc<dyn RemoteStore>> {
    let address = match effort {
        "" => address.to_owned(),
        effort => format!("{address}&search={}", effort.replace('"', "%22")),
    };
    let variables = Variables::from_lookup(|_| None);
    Ok(block_on(linprobe_store::open(&address, Access::Read, &variables))?)
}

/// The weights of a session after each of its rounds.
fn weights(project: &Project, name: &str) -> Outcome<Vec<Vec<f32>>> {
    let mut session = begin(project, name)?;
    let mut weights = Vec::with_capacity(N_QUERIES);
    while weights.len() < N_QUERIES {
        round(&mut session)?;
        weights.push(session.classifier().weights().to_vec());
    }
    Ok(weights)
}

/// The share of the highest scores that is found, and the milliseconds of a search.
fn recall(
    [exact, found]: [&dyn VectorStore; 2],
    weights: &[Vec<f32>],
    top_k: usize,
) -> Outcome<(f64, f64)> {
    let exclude = &Excluded::new();
    let ids = |hits: Vec<Hit>| hits.into_iter().map(|hit| hit.id).collect::<BTreeSet<RecordId>>();
    let (mut n_found, mut n_wanted, mut seconds) = (0, 0, 0.0);
    for weights in weights {
        let query = Query { weights, top_k, exclude };
        let wanted = ids(block_on(exact.search(query))?);
        let since = Instant::now();
        let hits = ids(block_on(found.search(query))?);
        seconds += since.elapsed().as_secs_f64();
        n_found += hits.intersection(&wanted).count();
        n_wanted += wanted.len();
    }
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let share = [n_found, n_wanted, weights.len()].map(|n| n as f64);
    Ok((share[0] / share[1], 1e3 * seconds / share[2]))
}
