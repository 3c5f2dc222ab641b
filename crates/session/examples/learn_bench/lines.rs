//! The measurements of a summary, as JSON lines or as tables.

use linprobe_session::simulate::{Harm, Panel, Standing, Step, Summary};
use serde_json::json;

use crate::{
    PACKAGES,
    classes::{COARSE, NAMED},
};

const EXACT: &str = "exact";
const FLIPS: &str = "noisy:0.05";
const LINPROBE: &str = "linprobe";

/// Neither of them is a rival: the ceiling knows all labels.
const NO_RIVALS: [&str; 2] = [LINPROBE, "full"];

const BUDGETS: [usize; 3] = [20, 50, 100];

/// Which values are good.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    Higher,
    Lower,
}

/// One number of a player, where it was measured.
type Value<'a> = &'a dyn Fn(&Standing) -> Option<f64>;

pub(crate) fn print_json(summary: &Summary) {
    for start in [NAMED, COARSE, PACKAGES] {
        let Some(panel) = summary.panel(start, EXACT) else { continue };
        for n_labels in BUDGETS {
            let name = format!("{start}/ap@{n_labels}");
            print_line(panel, &name, Better::Higher, &|standing| ap(standing, n_labels));
        }
        print_baselines(panel, start);
    }
    if let Some(panel) = summary.panel(COARSE, EXACT) {
        let found = |standing: &Standing| Some(standing.at(100)?.mean.share_found);
        print_line(panel, "coarse/found@100", Better::Higher, &found);
    }
    if let Some(panel) = summary.panel(NAMED, EXACT) {
        print_line(panel, "named/harm-0.1", Better::Lower, &|s| Some(s.harm?.great));
        print_line(panel, "named/harm-0.01", Better::Lower, &|s| Some(s.harm?.some));
        let shown = |standing: &Standing| Some(standing.at(60)?.mean.shown_ap);
        print_line(panel, "named/shown-ap@60", Better::Higher, &shown);
        let gap = |step: &Step| step.mean.best_f1 - step.mean.f1;
        print_line(panel, "threshold-f1-gap@50", Better::Lower, &|s| s.at(50).map(gap));
    }
    if let (Some(exact), Some(noisy)) = (summary.panel(NAMED, EXACT), summary.panel(NAMED, FLIPS)) {
        let loss = |standing: &Standing| {
            let flipped = noisy.standing(&standing.player)?;
            Some(ap(standing, 100)? - ap(flipped, 100)?)
        };
        print_line(exact, "flips/ap-loss@100", Better::Lower, &loss);
    }
}

fn ap(standing: &Standing, n_labels: usize) -> Option<f64> {
    Some(standing.at(n_labels)?.ap.mean)
}

/// Linprobe's value beside that of the best baseline.
fn print_line(panel: &Panel, name: &str, better: Better, value: Value<'_>) {
    let Some(own) = panel.standing(LINPROBE).and_then(value) else { return };
    let rivals = panel.standings.iter().filter(|s| !NO_RIVALS.contains(&s.player.as_str()));
    let rivals = rivals.filter_map(|rival| Some((rival.player.as_str(), value(rival)?)));
    let best = rivals.max_by(|(_, a), (_, b)| match better {
        Better::Higher => a.total_cmp(b),
        Better::Lower => b.total_cmp(a),
    });
    let (peer, peer_value) = best.unzip();
    let line = json!({
        "bench": format!("learn/{name}"),
        "value": own,
        "unit": unit(name),
        "peer": peer,
        "peer_value": peer_value,
        "ratio": peer_value.and_then(|theirs| ratio(own, theirs, better)),
    });
    println!("{line}");
}

/// Above 1 where linprobe is better; none where that is not a number.
fn ratio(own: f64, theirs: f64, better: Better) -> Option<f64> {
    let (good, bad) = if better == Better::Higher { (own, theirs) } else { (theirs, own) };
    (bad > 0.0).then(|| good / bad)
}

fn unit(name: &str) -> &'static str {
    match name {
        name if ["/ap@", "shown-ap@", "ap-loss"].iter().any(|part| name.contains(part)) => "AP",
        name if name.contains("f1") => "F1",
        _ => "share",
    }
}

fn print_baselines(panel: &Panel, start: &str) {
    for standing in panel.standings.iter().filter(|standing| standing.player != LINPROBE) {
        let Some(value) = ap(standing, 100) else { continue };
        let line = json!({
            "bench": format!("learn/{}/{start}/ap@100", standing.player),
            "value": value,
            "unit": "AP",
            "peer": null,
            "peer_value": null,
            "ratio": null,
        });
        println!("{line}");
    }
}

pub(crate) fn print_tables(summary: &Summary) {
    for panel in &summary.panels {
        let Panel { start, oracle, n_concepts, n_seeds, .. } = panel;
        println!("\n{start}, {oracle}: {n_concepts} concepts, {n_seeds} seeds");
        println!(
            "{:<20} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}  {:<24} {:>8} {:>8}",
            "player",
            "AP@0",
            "@20",
            "@50",
            "@100",
            "area",
            "found",
            "h>.01",
            "h>.1",
            "games",
            "F1@50",
            "best",
            "inf.",
            "sh@60",
            "lead@100, worst low >=20",
            "fit ms",
            "query ms"
        );
        panel.standings.iter().for_each(print_row);
    }
}

fn print_row(standing: &Standing) {
    let at = |n, value: fn(&Step) -> f64| standing.at(n).map_or(f64::NAN, value);
    let ap = [0, 20, 50, 100].map(|n| format!("{:>6.3}", at(n, |step| step.ap.mean))).join(" ");
    let Harm { some, great, great_of_games } =
        standing.harm.unwrap_or(Harm { some: 0.0, great: 0.0, great_of_games: 0.0 });
    let found = standing.last().map_or(f64::NAN, |step| step.mean.share_found);
    println!(
        "{:<20} {ap} {:>6.3} {found:>6.3} {some:>6.3} {great:>6.3} {great_of_games:>6.3} {:>6.3} {:>6.3} {:>6.3} {:>6.3}  {:<24} {:>8.2} {:>8.2}",
        standing.player,
        standing.area,
        at(50, |step| step.mean.f1),
        at(50, |step| step.mean.best_f1),
        at(50, |step| step.mean.informed_f1),
        at(60, |step| step.mean.shown_ap),
        lead(standing),
        standing.fit_ms,
        standing.query_ms,
    );
}

/// Linprobe's lead in the end, and the lowest bound of it at any budget from 20 labels on.
fn lead(standing: &Standing) -> String {
    let Some(last) = standing.last().and_then(|step| step.lead.as_ref()) else {
        return String::new();
    };
    let leads = standing.steps.iter().filter(|step| step.mean.n_labels >= 20);
    let lows = leads.filter_map(|step| step.lead.as_ref()).map(|lead| lead.ap.low);
    format!("{:+.3}, {:+.3}", last.ap.mean, lows.fold(f64::INFINITY, f64::min))
}
