//! Measures how often the intervals of audits hold the truth: one JSON object a line.
//!
//! Corpora of 20,000 and 200,000 records, of which .1 to 5 % are relevant; classifiers that are calibrated, too
//! sure, too unsure, too generous, too strict, or blind to some of what is relevant; 50 to 200 judged
//! records. What a 90 % interval promises is a coverage of .9. With `XTASK_BENCH_QUICK` set, the
//! smaller corpora only: 189 audits.

#![expect(clippy::print_stdout, reason = "measurements are the output")]

mod world;

use std::env;

use rayon::prelude::*;

use world::{Audited, Scenario, World};

/// True log odds where the classifier says 0, their rise with the classifier's, strays.
const CLASSIFIERS: [(f64, f64, f64); 7] = [
    (0.0, 1.0, 0.0),
    (0.0, 0.5, 0.0),
    (0.0, 2.0, 0.0),
    (-1.5, 1.0, 0.0),
    (1.5, 1.0, 0.0),
    (0.0, 1.0, 0.2),
    (0.0, 1.0, 0.5),
];

/// Records in a corpus, the quick number first.
const N_POINTS: [u64; 2] = [20_000, 200_000];

const BUDGETS: [usize; 3] = [50, 100, 200];

const NAMES: [&str; 4] = ["precision", "recall", "f1", "prevalence"];

fn main() {
    let quick = env::var_os("XTASK_BENCH_QUICK").is_some();
    let scenarios = scenarios(if quick { &N_POINTS[..1] } else { &N_POINTS });
    let audits = scenarios.par_iter().enumerate().flat_map_iter(|(i, scenario)| {
        let world = World::new(scenario, i as u64);
        BUDGETS.map(|budget| world.audit(budget, i as u64))
    });
    let audits: Vec<Audited> = audits.collect();
    let mean =
        |of: &dyn Fn(&Audited) -> f64| audits.iter().map(of).sum::<f64>() / audits.len() as f64;
    let coverage = |i: usize| mean(&|audited| f64::from(u8::from(audited.holds[i])));
    let each: Vec<f64> = (0..NAMES.len()).map(coverage).collect();
    let furthest = each.iter().copied().max_by(|a, b| (a - 0.9).abs().total_cmp(&(b - 0.9).abs()));
    print_line("learn/interval-coverage", furthest.unwrap_or_default());
    for (name, coverage) in NAMES.iter().zip(each) {
        print_line(&format!("learn/interval-coverage/{name}"), coverage);
    }
    print_line("learn/interval-width/f1", mean(&|audited| audited.report.f1.width()));
}

fn scenarios(n_points: &[u64]) -> Vec<Scenario> {
    let mut all = Vec::new();
    for &n_points in n_points {
        for share in [0.001, 0.01, 0.05] {
            for separation in [2.0, 3.0, 4.0] {
                all.extend(CLASSIFIERS.map(|(shift, slope, strays)| Scenario {
                    n_points,
                    share,
                    separation,
                    shift,
                    slope,
                    strays,
                }));
            }
        }
    }
    all
}

fn print_line(bench: &str, value: f64) {
    println!("{}", serde_json::json!({ "bench": bench, "value": value, "unit": "share" }));
}
