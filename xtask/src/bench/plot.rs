//! What a survey costs against the number of rows, as a drawing: both axes are logarithmic, so that a
//! cost that grows with the rows is a straight line.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use super::Line;
use crate::shell;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 60.0;

/// A number of rows, and milliseconds.
type Place = (f64, f64);

/// Draws the lines `store/survey-cost/N-rows` and the raw reads beside them.
pub(super) fn write(lines: &[Line]) -> Result<()> {
    let costs = lines.iter().filter_map(|line| Some((n_rows(&line.bench)?, line)));
    let costs: Vec<(f64, &Line)> = costs.collect();
    let surveys: Vec<Place> = costs.iter().map(|(n, line)| (*n, line.value)).collect();
    let raw = costs.iter().filter_map(|(n, line)| Some((*n, line.peer_value?)));
    let raw: Vec<Place> = raw.collect();
    let target = target().join("store-cost.svg");
    let drawn = drawing(&surveys, &raw);
    #[expect(clippy::disallowed_methods, reason = "a drawing that is cut short is drawn again")]
    fs::write(&target, drawn).with_context(|| format!("{}", target.display()))?;
    shell::say(&format!("drew {}", target.display()));
    Ok(())
}

fn n_rows(bench: &str) -> Option<f64> {
    bench.strip_prefix("store/survey-cost/")?.strip_suffix("-rows")?.parse().ok()
}

fn target() -> PathBuf {
    let given = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    given.unwrap_or_else(|| shell::root().join("target"))
}

fn drawing(surveys: &[Place], raw: &[Place]) -> String {
    let mut svg = vec![format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"14\">\n<title>milliseconds of a survey against \
         the number of rows of 512 dimensions</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    )];
    for exponent in 4..=6 {
        let (x, y) = place((10_f64.powi(exponent), 0.1));
        line(&mut svg, (x, y), place((10_f64.powi(exponent), 100.0)), "#ddd");
        text(&mut svg, (x - 12.0, y + 20.0), &format!("10^{exponent}"));
    }
    for (ms, label) in [(0.1, "0.1"), (1.0, "1"), (10.0, "10"), (100.0, "100 ms")] {
        let (x, y) = place((1e4, ms));
        line(&mut svg, (x, y), place((1e6, ms)), "#ddd");
        text(&mut svg, (x - 52.0, y + 5.0), label);
    }
    curve(&mut svg, raw, "#888", "raw read");
    curve(&mut svg, surveys, "#06c", "survey");
    svg.push("</svg>\n".to_owned());
    svg.join("\n")
}

/// Where rows and milliseconds are drawn.
fn place((n_rows, ms): Place) -> Place {
    let across = (n_rows.log10() - 4.0) / 2.0;
    let up = (ms.log10() + 1.0) / 3.0;
    (MARGIN + across * (WIDTH - 2.5 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2.0 * MARGIN))
}

fn curve(svg: &mut Vec<String>, points: &[Place], color: &str, name: &str) {
    for pair in points.windows(2) {
        if let [from, to] = pair {
            line(svg, place(*from), place(*to), color);
        }
    }
    for point in points {
        let (x, y) = place(*point);
        svg.push(format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{color}\"/>"));
    }
    if let Some(last) = points.last() {
        let (x, y) = place(*last);
        text(svg, (x + 10.0, if name == "survey" { y } else { y + 16.0 }), name);
    }
}

fn line(svg: &mut Vec<String>, from: Place, to: Place, color: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    svg.push(format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
         stroke=\"{color}\" stroke-width=\"2\"/>"
    ));
}

fn text(svg: &mut Vec<String>, (x, y): Place, words: &str) {
    svg.push(format!("<text x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"));
}
