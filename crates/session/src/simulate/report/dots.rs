//! One dot for each concept: on which linprobe wins, and on which it loses.

use super::figure;
use crate::{
    simulate::summary::{Lead, Panel, TIE},
    svg::{Drawing, Scale, ticks},
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 180.0;
const RIGHT: f64 = 640.0;
const ROW: f64 = 28.0;
const TOP: f64 = 44.0;

/// Linprobe's lead over each player at the last budget.
pub(super) fn leads(panel: &Panel) -> String {
    let rows: Vec<(&str, &Lead)> = panel
        .standings
        .iter()
        .filter(|standing| standing.player != "full")
        .filter_map(|s| Some((s.player.as_str(), s.last()?.lead.as_ref()?)))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let caption = "Every dot is a concept: right of the line linprobe has the higher average precision \
                   after the last round, left of it the other player. The bar is the mean with its 95 % \
                   interval; on the right, concepts won, tied and lost by linprobe.";
    figure(&draw(&rows), caption)
}

fn draw(rows: &[(&str, &Lead)]) -> String {
    let bottom = TOP + ROW * rows.len() as f64;
    let mut drawing = Drawing::new(WIDTH, bottom + 44.0);
    let x = scale(rows);
    draw_axis(&mut drawing, x, bottom);
    for (i, (player, lead)) in rows.iter().enumerate() {
        let y = TOP + ROW * (i as f64 + 0.5);
        drawing.text("end strong", (LEFT - 10.0, y + 5.0), player);
        draw_row(&mut drawing, lead, x, y);
    }
    let words = rows.iter().map(|(player, lead)| {
        let [wins, ties, losses] = lead.wins_ties_losses();
        format!("{player} {wins} won, {ties} tied, {losses} lost")
    });
    let words = words.collect::<Vec<_>>().join("; ");
    drawing.finish(&format!("concepts won, tied and lost by linprobe against {words}"))
}

/// As wide to the left as the worst loss, to the right as the best win.
fn scale(rows: &[(&str, &Lead)]) -> Scale {
    let leads = || rows.iter().flat_map(|(_, lead)| lead.by_concept.iter().map(|(_, d)| *d));
    let reach = |furthest: f64| ticks(furthest.max(0.05)).last().copied().unwrap_or(1.0);
    let low = -reach(leads().fold(0.0, |most: f64, lead| most.max(-lead)));
    Scale { values: (low, reach(leads().fold(0.0, f64::max))), pixels: (LEFT, RIGHT) }
}

fn draw_axis(drawing: &mut Drawing, x: Scale, bottom: f64) {
    let (low, high) = x.values;
    let step = ticks(high.max(-low));
    let right = step.iter().filter(|tick| **tick <= high);
    let left = step.iter().skip(1).filter(|tick| **tick <= -low).map(|tick| -tick);
    for tick in left.chain(right.copied()) {
        let class = if tick == 0.0 { "zero" } else { "grid" };
        drawing.line(class, (x.at(tick), TOP - 4.0), (x.at(tick), bottom));
        drawing.text("middle", (x.at(tick), bottom + 18.0), &format!("{tick:+.2}"));
    }
    drawing.text("middle", (x.at(0.0), bottom + 38.0), "linprobe's lead in average precision");
    drawing.text("", (RIGHT + 14.0, TOP - 26.0), "linprobe");
    drawing.text("", (RIGHT + 14.0, TOP - 8.0), "won/tied/lost");
}

fn draw_row(drawing: &mut Drawing, lead: &Lead, x: Scale, y: f64) {
    for (i, (concept, ahead)) in lead.by_concept.iter().enumerate() {
        let class = match ahead {
            ahead if *ahead >= TIE => "win",
            ahead if *ahead <= -TIE => "loss",
            _ => "tie",
        };
        // Dots side by side, so that many of them can be told apart.
        let aside = (i % 5) as f64 * 3.0 - 6.0;
        drawing.dot(class, (x.at(*ahead), y + aside), &format!("{concept}: {ahead:+.3}"));
    }
    drawing.line("mean", (x.at(lead.ap.low), y), (x.at(lead.ap.high), y));
    drawing.line("mean", (x.at(lead.ap.mean), y - 8.0), (x.at(lead.ap.mean), y + 8.0));
    let [wins, ties, losses] = lead.wins_ties_losses();
    drawing.text("", (RIGHT + 14.0, y + 5.0), &format!("{wins} / {ties} / {losses}"));
}
