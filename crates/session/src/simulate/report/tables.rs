//! The numbers behind the figures.

use super::budgets;
use crate::simulate::summary::{Harm, Interval, NearCeiling, Panel, Standing, Step};
use crate::svg::escape;

/// Average precision by budget, and what else can be said of a player in a number; columns that are
/// known of nobody are left out.
pub(super) fn summary(panel: &Panel) -> String {
    let budgets = budgets(panel);
    let by_budget = budgets.iter().map(|n| format!("AP at {n}"));
    let others = [
        "area under AP",
        "found",
        "linprobe's lead",
        "95 % interval",
        "labels to 90 % of full",
        "F1, own threshold",
        "F1, best threshold",
        "calibration error",
    ];
    let head: Vec<String> = by_budget.chain(others.map(str::to_owned)).collect();
    let cells = panel.standings.iter().map(|standing| {
        let by_budget = budgets.iter().map(|&n| ap(standing.at(n)));
        by_budget.chain(others_of(standing)).collect()
    });
    let cells: Vec<Vec<String>> = cells.collect();
    let is_known = |column: &usize| cells.iter().any(|row| !row[*column].is_empty());
    let known: Vec<usize> = (0..head.len()).filter(is_known).collect();
    let head: Vec<String> = known.iter().map(|&column| head[column].clone()).collect();
    let rows = panel.standings.iter().zip(&cells).map(|(standing, cells)| {
        row(&standing.player, known.iter().map(|&column| (cells[column].clone(), false)))
    });
    table("Summary", &head, rows)
}

fn others_of(standing: &Standing) -> [String; 8] {
    let last = standing.last();
    let lead = last.and_then(|step| step.lead.as_ref());
    let mean = |value: fn(&Step) -> f64| last.map_or_else(String::new, |step| number(value(step)));
    [
        number(standing.area),
        last.map_or_else(String::new, |step| percent(step.mean.share_found)),
        lead.map_or_else(String::new, |lead| format!("{:+.3}", lead.ap.mean)),
        lead.map_or_else(String::new, |lead| bounds(lead.ap)),
        standing.near_ceiling.map_or_else(String::new, near),
        mean(|step| step.mean.f1),
        mean(|step| step.mean.best_f1),
        mean(|step| step.mean.ece),
    ]
}

fn ap(step: Option<&Step>) -> String {
    step.map_or_else(String::new, |step| number(step.ap.mean))
}

fn bounds(Interval { low, high, .. }: Interval) -> String {
    format!("{low:+.3} to {high:+.3}")
}

fn near(NearCeiling { reached, n_labels }: NearCeiling) -> String {
    match n_labels {
        Some(n_labels) => format!("{n_labels}"),
        None => format!("{} get there", percent(reached)),
    }
}

/// How often a player does worse than no feedback.
pub(super) fn harm(panel: &Panel) -> String {
    let head = ["by more than .01", "by more than .1", "by more than .1, of single games"];
    let rows = panel.standings.iter().filter_map(|standing| {
        let Harm { some, great, great_of_games } = standing.harm?;
        let cells = [(some, 0.05), (great, 0.0), (great_of_games, 0.05)];
        Some(row(&standing.player, cells.map(|(share, most)| (percent(share), share > most))))
    });
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    table("Concepts that fall below no feedback at some budget", &head.map(str::to_owned), rows)
}

/// A row; a cell that is true is marked as bad.
fn row(player: &str, cells: impl IntoIterator<Item = (String, bool)>) -> String {
    let class = if player == "linprobe" { " class=\"reference\"" } else { "" };
    let cells = cells.into_iter().map(|(cell, is_bad)| {
        let class = if is_bad { " class=\"bad\"" } else { "" };
        format!("<td{class}>{}</td>", escape(&cell))
    });
    let cells: String = cells.collect();
    format!("<tr{class}><th scope=\"row\">{}</th>{cells}</tr>\n", escape(player))
}

fn table(title: &str, head: &[String], rows: impl IntoIterator<Item = String>) -> String {
    let head: Vec<String> = head.iter().map(|cell| escape(cell)).collect();
    let head = head.join("</th><th scope=\"col\">");
    let rows: String = rows.into_iter().collect();
    format!(
        "<h3>{title}</h3>\n<div class=\"scroll\" tabindex=\"0\"><table>\n\
         <thead><tr><th scope=\"col\">player</th><th scope=\"col\">{head}</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn number(value: f64) -> String {
    format!("{value:.3}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
