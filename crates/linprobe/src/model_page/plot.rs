//! Two figures over one axis of scores: how many records score so, and what a threshold there would give.

use linprobe_classifier::{AuditCard, IntervalCard, Threshold};
use linprobe_session::svg::{Drawing, Scale, ticks_within};

use super::Scores;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 700.0;
/// The upper and the lower end of each figure.
const BARS: (f64, f64) = (48.0, 210.0);
const CURVES: (f64, f64) = (260.0, 410.0);

/// How far apart the two whiskers of a threshold stand.
const APART: f64 = 5.0;

/// Colours that are told apart without red and green, and by dashes without colour.
const STYLE: &str = "text{font:14px system-ui,sans-serif;fill:#222}.middle{text-anchor:middle}.end{text-anchor:end}\
    .axis{stroke:#bbb}.bar{fill:#9db4c8}.threshold{stroke:#222;stroke-dasharray:4 3}\
    .curve{fill:none;stroke-width:2}.precision{stroke:#0b6e99}.recall{stroke:#c2570c;stroke-dasharray:7 3}\
    .whisker{stroke-width:3}";

/// Draws both.
pub(super) fn draw(name: &str, scores: &Scores, audit: Option<&AuditCard>) -> String {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    let (low, high) = (f64::from(scores.histogram.low), f64::from(scores.histogram.high));
    let x = Scale { values: (low, high), pixels: (LEFT, RIGHT) };
    drawing.text("", (LEFT, 20.0), &format!("Scores of all records: {name}"));
    draw_bars(&mut drawing, scores, x);
    draw_curves(&mut drawing, &scores.thresholds, x);
    let threshold = x.at(f64::from(scores.expected.score)).clamp(LEFT, RIGHT);
    drawing.line("threshold", (threshold, BARS.0), (threshold, CURVES.1));
    drawing.text("middle", (threshold, BARS.0 - 6.0), &format!("{:+.2}", scores.expected.score));
    if let Some(AuditCard { precision, recall, .. }) = audit {
        draw_whisker(&mut drawing, "whisker precision", threshold - APART, *precision);
        draw_whisker(&mut drawing, "whisker recall", threshold + APART, *recall);
        drawing.text("end", (RIGHT, CURVES.0 - 8.0), "upright bars: measured, 90 %");
    }
    draw_axes(&mut drawing, x);
    drawing.standalone(&format!("The scores of {name}, and what thresholds give"), STYLE)
}

/// Their heights are logarithms, or what is rare would not be seen.
fn draw_bars(drawing: &mut Drawing, scores: &Scores, x: Scale) {
    let counts = &scores.histogram.counts;
    let height = |count: u64| (count as f64).ln_1p();
    let highest = counts.iter().map(|&count| height(count)).fold(1.0, f64::max);
    let y = Scale { values: (0.0, highest), pixels: (BARS.1, BARS.0) };
    let (low, high) = x.values;
    let edge = |bin: usize| x.at(low + (high - low) * bin as f64 / counts.len() as f64);
    for (bin, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (left, right, top) = (edge(bin), edge(bin + 1), y.at(height(count)));
        drawing.filled("bar", &[(left, BARS.1), (left, top), (right, top), (right, BARS.1)]);
    }
    drawing.text("", (LEFT, BARS.1 + 36.0), "records, on a logarithmic scale");
}

fn draw_curves(drawing: &mut Drawing, thresholds: &[Threshold], x: Scale) {
    let y = Scale { values: (0.0, 1.0), pixels: (CURVES.1, CURVES.0) };
    for tick in [0.0, 0.5, 1.0] {
        drawing.line("axis", (LEFT, y.at(tick)), (RIGHT, y.at(tick)));
        drawing.text("end", (LEFT - 8.0, y.at(tick) + 5.0), &format!("{tick}"));
    }
    // Above the highest score there is nothing to be right or wrong about.
    let some = || thresholds.iter().filter(|threshold| threshold.n_above > 0);
    let points = |value: fn(&Threshold) -> f64| -> Vec<(f64, f64)> {
        some().map(|at| (x.at(f64::from(at.score)), y.at(value(at)))).collect()
    };
    drawing.curve("precision", &points(|at| at.precision), "precision, expected");
    drawing.curve("recall", &points(|at| at.recall), "recall, expected");
}

/// The interval of a share that was measured.
fn draw_whisker(drawing: &mut Drawing, class: &str, at: f64, interval: IntervalCard) {
    let y = Scale { values: (0.0, 1.0), pixels: (CURVES.1, CURVES.0) };
    drawing.line(class, (at, y.at(interval.low)), (at, y.at(interval.high)));
}

fn draw_axes(drawing: &mut Drawing, x: Scale) {
    drawing.line("axis", (LEFT, BARS.1), (RIGHT, BARS.1));
    for tick in ticks_within(x.values) {
        for bottom in [BARS.1, CURVES.1] {
            drawing.text("middle", (x.at(tick), bottom + 18.0), &format!("{tick}"));
        }
    }
    let legend = "precision (solid) and recall (dashed) of each threshold, as expected";
    drawing.text("", (LEFT, CURVES.1 + 38.0), legend);
}
