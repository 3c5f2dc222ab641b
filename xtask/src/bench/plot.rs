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

/// Draws the lines `store/survey-cost-f16/N-rows`, the raw reads beside them, and those of the int8 copy.
pub(super) fn write(lines: &[Line]) -> Result<()> {
    let costs =
        |what| lines.iter().filter_map(move |line| Some((n_rows(&line.bench, what)?, line)));
    let surveys: Vec<Place> = costs("f16").map(|(n, line)| (n, line.value)).collect();
    let through_copy: Vec<Place> = costs("i8").map(|(n, line)| (n, line.value)).collect();
    let raw: Vec<Place> =
        costs("f16").filter_map(|(n, line)| Some((n, line.peer_value?))).collect();
    let target = target().join("store-cost.svg");
    let drawn = drawing(&[
        Curve { places: &raw, color: "#888", name: "raw read" },
        Curve { places: &surveys, color: "#06c", name: "survey" },
        Curve { places: &through_copy, color: "#c60", name: "with int8" },
    ]);
    #[expect(clippy::disallowed_methods, reason = "a drawing that is cut short is drawn again")]
    fs::write(&target, drawn).with_context(|| format!("{}", target.display()))?;
    shell::say(&format!("drew {}", target.display()));
    Ok(())
}

/// One thing that is drawn.
struct Curve<'a> {
    places: &'a [Place],
    color: &'a str,
    name: &'a str,
}

fn n_rows(bench: &str, what: &str) -> Option<f64> {
    let of = bench.strip_prefix("store/survey-cost-")?.strip_prefix(what)?;
    of.strip_prefix('/')?.strip_suffix("-rows")?.parse().ok()
}

fn target() -> PathBuf {
    let given = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    given.unwrap_or_else(|| shell::root().join("target"))
}

fn drawing(curves: &[Curve<'_>]) -> String {
    let mut svg = vec![format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"14\">\n<title>milliseconds of a survey against \
         the number of rows of 512 dimensions</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    )];
    for exponent in 4..=7 {
        let (x, y) = place((10_f64.powi(exponent), 0.1));
        line(&mut svg, (x, y), place((10_f64.powi(exponent), 1000.0)), "#ddd");
        text(&mut svg, (x - 12.0, y + 20.0), &format!("10^{exponent}"));
    }
    for (ms, label) in [(0.1, "0.1 ms"), (1.0, "1"), (10.0, "10"), (100.0, "100"), (1e3, "1 s")] {
        let (x, y) = place((1e4, ms));
        line(&mut svg, (x, y), place((1e7, ms)), "#ddd");
        text(&mut svg, (x - 52.0, y + 5.0), label);
    }
    for curve in curves {
        draw(&mut svg, curve);
    }
    svg.push("</svg>\n".to_owned());
    svg.join("\n")
}

/// Where rows and milliseconds are drawn.
fn place((n_rows, ms): Place) -> Place {
    let across = (n_rows.log10() - 4.0) / 3.0;
    let up = (ms.log10() + 1.0) / 4.0;
    (MARGIN + across * (WIDTH - 2.5 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2.0 * MARGIN))
}

fn draw(svg: &mut Vec<String>, curve: &Curve<'_>) {
    let Curve { places, color, name } = curve;
    for pair in places.windows(2) {
        if let [from, to] = pair {
            line(svg, place(*from), place(*to), color);
        }
    }
    for point in *places {
        let (x, y) = place(*point);
        svg.push(format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{color}\"/>"));
    }
    if let Some(last) = places.last() {
        let (x, y) = place(*last);
        text(svg, (x + 10.0, if *name == "raw read" { y + 16.0 } else { y }), name);
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
