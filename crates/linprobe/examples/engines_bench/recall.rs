//! How many of the highest scores an index finds for the weights of a session, which lie near no vector.

use std::{collections::BTreeSet, time::Instant};

use linprobe::{Project, RecordId};
use linprobe_core::{Excluded, Hit, Query, VectorStore};
use linprobe_store::{Access, Variables};
use pollster::block_on;

use crate::{
    rounds::{Outcome, begin, round},
    unix::{Engine, Figure, Scale, print},
};

const N_QUERIES: usize = 20;

/// The lists of a round, and the list of all scores after a fit.
const LENGTHS: [usize; 2] = [50, 4_096];

/// How hard an index looks, besides as linprobe tells it to.
const EFFORTS: [(&str, &[&str]); 2] = [
    ("milvus", &[r#"{"ef":128}"#, r#"{"ef":512}"#, r#"{"ef":2048}"#]),
    ("milvus-ivf", &[r#"{"nprobe":16}"#, r#"{"nprobe":64}"#, r#"{"nprobe":256}"#]),
];

pub(crate) fn measure(project: &Project, engines: &[Engine], scale: Scale) -> Outcome<()> {
    let exact = project.store()?;
    let weights = weights(project)?;
    for Engine { name, address, .. } in engines {
        let efforts =
            EFFORTS.iter().find(|(of, _)| of == name).map_or(&[][..], |(_, efforts)| efforts);
        for effort in [""].iter().chain(efforts) {
            let address = match *effort {
                "" => address.clone(),
                effort => format!("{address}&search={}", effort.replace('"', "%22")),
            };
            let variables = Variables::from_lookup(|_| None);
            let found = block_on(linprobe_store::open(&address, Access::Read, &variables))?;
            for top_k in LENGTHS {
                let (recall, ms) = recall([exact.as_ref(), found.as_ref()], &weights, top_k)?;
                let bench = format!("engines/recall-1m/{name}-{top_k}");
                let effort = if effort.is_empty() { "by default" } else { effort };
                let unit = format!("of the highest {top_k}, {effort}, {ms:.0} ms{}", scale.note());
                print(&Figure { bench: &bench, value: recall, unit: &unit, peer: None })?;
            }
        }
    }
    Ok(())
}

/// The weights of a session after each of its rounds.
fn weights(project: &Project) -> Outcome<Vec<Vec<f32>>> {
    let mut session = begin(project)?;
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
