//! What a round costs: a bar for each player.

use super::figure;
use crate::{
    simulate::summary::{Panel, Standing},
    svg::{Drawing, Scale},
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 180.0;
const RIGHT: f64 = 600.0;
const ROW: f64 = 26.0;
const TOP: f64 = 8.0;

/// Milliseconds a round: of the fit, then of scoring and choosing.
pub(super) fn milliseconds(panel: &Panel) -> String {
    let rows: Vec<&Standing> = panel.standings.iter().filter(|s| s.player != "full").collect();
    let slowest = rows.iter().map(|row| row.fit_ms + row.query_ms).fold(1e-3, f64::max);
    let x = Scale { values: (0.0, slowest), pixels: (LEFT, RIGHT) };
    let mut drawing = Drawing::new(WIDTH, TOP * 2.0 + ROW * rows.len() as f64);
    for (i, row) in rows.iter().enumerate() {
        draw_row(&mut drawing, row, x, TOP + ROW * i as f64);
    }
    let words = rows.iter().map(|row| format!("{} {:.1}", row.player, row.fit_ms + row.query_ms));
    let title = format!("milliseconds a round: {}", words.collect::<Vec<_>>().join(", "));
    let caption = "Milliseconds a round on one core: the fit, in colour, then scoring every record and \
                   choosing what to show, in grey.";
    figure(&drawing.finish(&title), caption)
}

fn draw_row(drawing: &mut Drawing, row: &Standing, x: Scale, y: f64) {
    let (start, middle, end) = (x.at(0.0), x.at(row.fit_ms), x.at(row.fit_ms + row.query_ms));
    drawing.text("end strong", (LEFT - 10.0, y + 16.0), &row.player);
    bar(drawing, "fit", (start, middle), y);
    bar(drawing, "query", (middle, end), y);
    let words = format!("{:.1} + {:.1} ms", row.fit_ms, row.query_ms);
    drawing.text("", (end + 8.0, y + 16.0), &words);
}

fn bar(drawing: &mut Drawing, class: &str, (from, to): (f64, f64), y: f64) {
    let (top, bottom) = (y + 4.0, y + ROW - 4.0);
    drawing.filled(class, &[(from, top), (to, top), (to, bottom), (from, bottom)]);
}
