//! A session in three figures: what the rounds have found, where the classifier has turned, and how all records score.

use super::{Insight, RoundReport, Trajectory};
use crate::svg::{Drawing, Scale, ticks, ticks_within};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 500.0;
/// The left and right ends of the figures, and their upper and lower ones.
const FOUND: [(f64, f64); 2] = [(56.0, 350.0), (56.0, 220.0)];
const TURNED: [(f64, f64); 2] = [(400.0, 700.0), (56.0, 220.0)];
const SCORES: [(f64, f64); 2] = [(56.0, 700.0), (316.0, 450.0)];

/// Colours that are told apart without red and green, and by shape and dashes without colour.
const STYLE: &str = "text{font:14px system-ui,sans-serif;fill:#222}.middle{text-anchor:middle}.end{text-anchor:end}\
    .axis{stroke:#bbb}.bar{fill:#9db4c8}.threshold{stroke:#222;stroke-dasharray:4 3}\
    .curve{fill:none;stroke:#0b6e99;stroke-width:2}.labels{stroke:#8a8a8a;stroke-dasharray:7 3}\
    .fit{fill:#0b6e99}.last{fill:#222}.relevant{fill:#c2570c}.irrelevant{fill:none;stroke:#8a8a8a}";

pub(super) fn draw(name: &str, insight: &Insight) -> String {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    drawing.text("", (FOUND[0].0, 20.0), name);
    draw_found(&mut drawing, &insight.rounds);
    draw_turns(&mut drawing, &insight.trajectory);
    draw_scores(&mut drawing, insight);
    drawing.standalone(&format!("The session {name}: rounds, turns and scores"), STYLE)
}

/// Labels and relevant labels, round after round.
fn draw_found(drawing: &mut Drawing, rounds: &[RoundReport]) {
    let [(left, right), (top, bottom)] = FOUND;
    let mut n_labels = 0;
    let labels = rounds.iter().map(|round| {
        n_labels += round.n_labels;
        (f64::from(round.round), n_labels as f64)
    });
    let labels: Vec<(f64, f64)> = labels.collect();
    let found = rounds.iter().map(|round| (f64::from(round.round), round.n_positive_total as f64));
    let found: Vec<(f64, f64)> = found.collect();
    let highest = labels.iter().chain(&found).map(|(_, y)| *y).fold(1.0, f64::max);
    let ticks = ticks(highest);
    let last = rounds.last().map_or(1.0, |round| f64::from(round.round)).max(1.0);
    let x = Scale { values: (0.0, last), pixels: (left, right) };
    let y =
        Scale { values: (0.0, ticks.last().copied().unwrap_or(1.0)), pixels: (bottom, top + 8.0) };
    for tick in ticks.into_iter().filter(|tick| tick.fract() == 0.0) {
        drawing.line("axis", (left, y.at(tick)), (right, y.at(tick)));
        drawing.text("end", (left - 8.0, y.at(tick) + 5.0), &format!("{tick}"));
    }
    let points = |values: &[(f64, f64)]| -> Vec<(f64, f64)> {
        values.iter().map(|&(round, n)| (x.at(round), y.at(n))).collect()
    };
    drawing.curve("labels", &points(&labels), "labels");
    drawing.curve("found", &points(&found), "relevant");
    drawing.text("", (left, top - 8.0), "relevant (solid) of all labels (dashed)");
    drawing.text("middle", (f64::midpoint(left, right), bottom + 20.0), "round");
    drawing.text("end", (right, bottom + 20.0), &format!("{last}"));
}

/// The classifiers in the plane in which they turned most, and the labelled records.
fn draw_turns(drawing: &mut Drawing, trajectory: &Trajectory) {
    let [(left, right), (top, bottom)] = TURNED;
    drawing.text("", (left, top - 8.0), "how the weights turned");
    let Trajectory { steps, landmarks } = trajectory;
    let reach = |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).fold(1e-9, f64::max);
    let far = reach(&mut steps.iter().flat_map(|step| [step.x, step.y]));
    let far_records = reach(&mut landmarks.iter().flat_map(|mark| [mark.x, mark.y]));
    let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    let half = 0.5 * (bottom - top);
    let at = |(across, up): (f64, f64), far: f64| {
        (x + across / far * 0.5 * (right - left), y - up / far * half)
    };
    for mark in landmarks {
        let class = if mark.label.is_positive() { "relevant" } else { "irrelevant" };
        let title = format!("{} {:+.2}", mark.id, mark.label.value());
        drawing.dot(class, at((mark.x, mark.y), far_records), &title);
    }
    let places: Vec<(f64, f64)> = steps.iter().map(|step| at((step.x, step.y), far)).collect();
    drawing.curve("fits", &places, "the fits, in order");
    let last = places.len().saturating_sub(1);
    for (i, (place, step)) in places.iter().zip(steps).enumerate() {
        let class = if i == last { "last" } else { "fit" };
        drawing.dot(class, *place, &format!("after round {}", step.round));
    }
    let legend = "line: fits, the last in black; dots: labelled records";
    drawing.text("end", (right, bottom + 20.0), legend);
}

/// Heights are logarithms, or what is rare would not be seen.
fn draw_scores(drawing: &mut Drawing, insight: &Insight) {
    let [(left, right), (top, bottom)] = SCORES;
    let histogram = &insight.histogram;
    let (low, high) = (f64::from(histogram.low), f64::from(histogram.high));
    let x = Scale { values: (low, high), pixels: (left, right) };
    let height = |count: u64| (count as f64).ln_1p();
    let highest = histogram.counts.iter().map(|&count| height(count)).fold(1.0, f64::max);
    let y = Scale { values: (0.0, highest), pixels: (bottom, top + 8.0) };
    let n_bins = histogram.counts.len() as f64;
    let edge = |bin: usize| x.at(low + (high - low) * bin as f64 / n_bins);
    for (bin, &count) in histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (left, right, top) = (edge(bin), edge(bin + 1), y.at(height(count)));
        drawing.filled("bar", &[(left, bottom), (left, top), (right, top), (right, bottom)]);
    }
    drawing.line("axis", (left, bottom), (right, bottom));
    for tick in ticks_within(x.values) {
        drawing.text("middle", (x.at(tick), bottom + 18.0), &format!("{tick}"));
    }
    let expected = insight.expected;
    let threshold = x.at(f64::from(expected.score)).clamp(left, right);
    drawing.line("threshold", (threshold, top), (threshold, bottom));
    let said = format!(
        "scores of {} records, on a logarithmic scale; {} reach {:+.2}",
        insight.n_points, expected.n_above, expected.score
    );
    drawing.text("", (left, top - 12.0), &said);
}
