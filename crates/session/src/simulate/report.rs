//! An experiment as one HTML page: figures, tables, and nothing to be fetched.
//!
//! Figures are inline SVG of our own making, since a page that opens in ten years from a folder
//! without a network can lean on no script. Every figure says its message in words as well.

mod bars;
mod curves;
mod dots;
mod tables;

use super::summary::{Panel, Step, Summary, TIE};
use crate::svg::escape;

const STYLE: &str = include_str!("report/style.css");

/// The budgets that tables show, where they were played.
const SHOWN_BUDGETS: [usize; 4] = [10, 20, 50, 100];

impl Summary {
    /// The whole experiment as a page. `about` says in a sentence what was played over.
    pub fn to_html(&self, title: &str, about: &str) -> String {
        let panels: String = self.panels.iter().map(section).collect();
        let (title, about) = (escape(title), escape(about));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <h1>{title}</h1>\n<p>{about}</p>\n{panels}{NOTES}</main>\n</body>\n</html>\n"
        )
    }
}

/// One start under one oracle.
fn section(panel: &Panel) -> String {
    let Panel { start, oracle, n_concepts, n_seeds, .. } = panel;
    let (start, oracle) = (escape(start), escape(oracle));
    let heading = format!("<h2>Start: {start}, oracle: {oracle}</h2>\n");
    let counts = format!(
        "<p>{}, {}.</p>\n",
        counted(*n_concepts, "concept", "concepts"),
        counted(*n_seeds, "seed", "seeds")
    );
    let parts = [
        heading,
        counts,
        curves::precision(panel),
        tables::summary(panel),
        dots::leads(panel),
        tables::harm(panel),
        curves::found(panel),
        bars::milliseconds(panel),
    ];
    format!("<section>\n{}</section>\n", parts.concat())
}

/// A figure with its message under it.
fn figure(drawing: &str, caption: &str) -> String {
    format!(
        "<figure>\n<div class=\"scroll\" tabindex=\"0\">{drawing}</div>\n\
         <figcaption>{}</figcaption>\n</figure>\n",
        escape(caption)
    )
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The budgets that were played among those that tables show, and the last one.
fn budgets(panel: &Panel) -> Vec<usize> {
    let longest = panel.standings.iter().max_by_key(|standing| standing.steps.len());
    let played: Vec<usize> = longest
        .map(|standing| standing.steps.iter().map(|step| step.mean.n_labels).collect())
        .unwrap_or_default();
    let last = played.last().copied();
    let shown = |n: &usize| SHOWN_BUDGETS.contains(n) || Some(*n) == last;
    played.into_iter().filter(shown).collect()
}

/// The end of a curve in words, for those who cannot see it.
fn ends(panel: &Panel, value: fn(&Step) -> f64) -> String {
    let ends = panel
        .standings
        .iter()
        .filter_map(|standing| Some(format!("{} {:.3}", standing.player, value(standing.last()?))));
    ends.collect::<Vec<_>>().join(", ")
}

const NOTES: &str = "<section>\n<h2>How to read this</h2>\n<p>A concept is one class to be found. \
    One record in five is held out at random by the seed, and average precision is measured on those; \
    the rest is labelled from. Seeds are averaged first; means, bands and intervals are over concepts, \
    bootstrapped 2,000 times, 95&nbsp;%. Harm is the share of concepts whose average precision falls \
    below that of no feedback at any budget from ten labels on. Two players tie on a concept when \
    they are less than .01 apart.</p>\n</section>\n";

const _: () = assert!(TIE > 0.009 && TIE < 0.011, "the notes say .01");

#[cfg(test)]
mod tests {
    use super::super::{Curve, CurvePoint, GameKey, Quality};
    use super::*;

    pub(super) fn summary() -> Summary {
        let players = ["linprobe", "no-feedback", "rocchio", "seesaw", "full"];
        let games = players.iter().zip(0_u32..).flat_map(|(player, lag)| {
            (0..4).map(move |concept| game(player, &format!("<c{concept}> & \"co\""), lag))
        });
        Summary::new(&games.collect::<Vec<_>>())
    }

    fn game(player: &str, concept: &str, lag: u32) -> Curve {
        let text = str::to_owned;
        let (start, oracle) = (text("name"), text("exact"));
        let key = GameKey { concept: text(concept), start, player: text(player), oracle, seed: 0 };
        let point = |round: u32| CurvePoint {
            n_labels: round as usize * 10,
            n_found: round as usize,
            n_relevant: 20,
            n_pool: 500,
            held_out: Quality {
                ap: 0.9 - 0.1 * f64::from(lag) / f64::from(round + 1),
                ..Quality::default()
            },
            fit_ms: 1.0,
            query_ms: 2.0,
            ..CurvePoint::default()
        };
        Curve { key, points: (0..=10).map(point).collect(), found: Vec::new() }
    }

    #[test]
    fn the_page_stands_alone_and_escapes_names() {
        let page = summary().to_html("curves <of> & \"x\"", "about");
        assert!(
            !page.contains("http://") && !page.contains("https://") && !page.contains("<script")
        );
        assert!(page.contains("curves &lt;of&gt; &amp; &quot;x&quot;"));
        assert!(!page.contains("<c1>") && page.contains("&lt;c1&gt;"));
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn every_figure_says_its_message_in_words() {
        let page = summary().to_html("curves", "about");
        let n_figures = page.matches("<figure>").count();
        assert_eq!(n_figures, 4);
        assert_eq!(page.matches("<svg").count(), n_figures);
        assert_eq!(page.matches("role=\"img\"").count(), n_figures);
        assert_eq!(page.matches("<figcaption>").count(), n_figures);
    }

    #[test]
    fn every_player_is_in_every_table() {
        let summary = summary();
        for table in [tables::summary(&summary.panels[0]), tables::harm(&summary.panels[0])] {
            for player in ["linprobe", "rocchio", "seesaw"] {
                assert!(table.contains(player), "{player}: {table}");
            }
        }
    }
}
