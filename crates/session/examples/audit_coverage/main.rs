//! Measures how honest the numbers of sessions are: one JSON object a line.
//!
//! Corpora of 20,000 records to a million, of which .1 to 5 % are relevant; classifiers that are calibrated, too
//! sure, too unsure, too generous, too strict, or blind to some of what is relevant; 50 to 200 judged
//! records. Then sessions over real vectors, where `../shared/data` is there. What a 90 % interval promises is a
//! coverage of .9. And what it costs to stop where that is advised. Names of parts, `simulated`, `sessions` or `advice`,
//! measure these alone. With `XTASK_BENCH_QUICK` set, the smaller corpora and few sessions only.

#![expect(clippy::print_stdout, reason = "measurements are the output")]

mod advice;
#[path = "../learn_bench/classes.rs"]
mod classes;
mod clip;
mod world;

use std::{env, path::Path};

use rayon::prelude::*;

use classes::Outcome;
use clip::Played;
use world::{Audited, Scenario};

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
const N_POINTS: [u64; 3] = [20_000, 200_000, 1_000_000];

const BUDGETS: [usize; 3] = [50, 100, 200];

const NAMES: [&str; 4] = ["precision", "recall", "f1", "prevalence"];

fn main() -> Outcome<()> {
    let quick = env::var_os("XTASK_BENCH_QUICK").is_some();
    let asked: Vec<String> = env::args().skip(1).collect();
    let is_asked = |part: &str| asked.is_empty() || asked.iter().any(|asked| asked == part);
    if is_asked("simulated") {
        simulated(quick);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.is_dir() && is_asked("sessions") {
        sessions(&folder, quick)?;
    }
    if folder.is_dir() && is_asked("advice") {
        advice::measure(&folder, if quick { 10 } else { 1 })?;
    }
    Ok(())
}

fn simulated(quick: bool) {
    let scenarios = scenarios(if quick { &N_POINTS[..1] } else { &N_POINTS });
    let audits = scenarios.par_iter().enumerate().flat_map_iter(|(i, scenario)| {
        let world = scenario.world(i as u64);
        BUDGETS.map(|budget| world.audit(budget, i as u64))
    });
    let audits: Vec<Audited> = audits.collect();
    print_coverage("learn/interval-coverage", &audits.iter().collect::<Vec<_>>());
}

fn sessions(folder: &Path, quick: bool) -> Outcome<()> {
    let played = if quick { clip::audits(folder, 10, 1)? } else { clip::audits(folder, 1, 3)? };
    let print = |name: &str, which: fn(&Played) -> &Audited| {
        let audits: Vec<&Audited> = played.iter().map(which).collect();
        print_coverage(&format!("learn/interval-coverage-{name}"), &audits);
    };
    print("clip", |played| &played.drawn);
    print("clip-reweighted", |played| &played.reweighted);
    Ok(())
}

/// The coverage that is furthest from what is promised, then each, and how wide intervals are.
fn print_coverage(bench: &str, audits: &[&Audited]) {
    let mean = |of: &dyn Fn(&Audited) -> f64| {
        audits.iter().map(|audit| of(audit)).sum::<f64>() / audits.len() as f64
    };
    let coverage = |i: usize| mean(&|audited| f64::from(u8::from(audited.holds[i])));
    let each: Vec<f64> = (0..NAMES.len()).map(coverage).collect();
    let furthest = each.iter().copied().max_by(|a, b| (a - 0.9).abs().total_cmp(&(b - 0.9).abs()));
    print_line(bench, furthest.unwrap_or_default(), "share");
    for (name, coverage) in NAMES.iter().zip(each) {
        print_line(&format!("{bench}/{name}"), coverage, "share");
    }
    let width = mean(&|audited| audited.report.f1.width());
    print_line(&format!("{bench}/width-of-f1"), width, "F1");
    print_line(&format!("{bench}/n-audits"), audits.len() as f64, "audits");
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

fn print_line(bench: &str, value: f64, unit: &str) {
    println!("{}", serde_json::json!({ "bench": bench, "value": value, "unit": unit }));
}
