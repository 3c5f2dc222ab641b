//! Learning curves: linprobe with its band, the best others by colour and dash, the rest in grey.

use super::{ends, figure};
use crate::{
    simulate::summary::{Panel, Standing, Step},
    svg::{Drawing, Scale, ticks},
};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 590.0;
const TOP: f64 = 32.0;
const BOTTOM: f64 = 350.0;

/// The least distance of two names at the ends of curves.
const NAME_GAP: f64 = 17.0;

/// The classes of the best players other than linprobe.
const COLORS: [&str; 4] = ["c1", "c2", "c3", "c4"];

/// Average precision by labels.
pub(super) fn precision(panel: &Panel) -> String {
    let chart = Chart { panel, value: |step| step.mean.ap, axis: "average precision, held out" };
    let caption = "Average precision on records that nobody labelled, by number of labels: the mean \
                   over concepts, and for linprobe the band that holds it with 95 % confidence. Grey: \
                   the other players; point at a line for its name.";
    figure(&chart.draw(true), caption)
}

/// Relevant records found by labels.
pub(super) fn found(panel: &Panel) -> String {
    let chart =
        Chart { panel, value: |step| step.mean.share_found, axis: "share of what could be found" };
    let caption = "Relevant records among those labelled, as a share of all that so many labels could \
                   have found.";
    figure(&chart.draw(false), caption)
}

struct Chart<'a> {
    panel: &'a Panel,
    value: fn(&Step) -> f64,
    axis: &'static str,
}

impl Chart<'_> {
    fn draw(&self, with_band: bool) -> String {
        let mut drawing = Drawing::new(WIDTH, HEIGHT);
        let (x, y) = (self.labels(), self.values());
        self.draw_axes(&mut drawing, x, y);
        if let (true, Some(reference)) = (with_band, self.panel.standing("linprobe")) {
            drawing.filled("band", &band(reference, x, y));
        }
        let mut names = Vec::new();
        for (standing, class) in self.styled().into_iter().rev() {
            let point = |step: &Step| (x.at(step.mean.n_labels as f64), y.at((self.value)(step)));
            let points: Vec<(f64, f64)> = standing.steps.iter().map(point).collect();
            let Some((_, end)) = points.last() else { continue };
            drawing.curve(class, &points, &standing.player);
            if class != "rest" {
                names.push((*end, standing.player.as_str(), class));
            }
        }
        draw_names(&mut drawing, names);
        let title = format!("{} after the last round: {}", self.axis, ends(self.panel, self.value));
        drawing.finish(&title)
    }

    fn labels(&self) -> Scale {
        let last = self.panel.standings.iter().filter_map(Standing::last);
        let most = last.map(|step| step.mean.n_labels).max().unwrap_or(0);
        Scale { values: (0.0, most.max(1) as f64), pixels: (LEFT, RIGHT) }
    }

    fn values(&self) -> Scale {
        let steps = self.panel.standings.iter().flat_map(|standing| &standing.steps);
        let highest = steps.map(|step| (self.value)(step).max(step.ap.high)).fold(0.0, f64::max);
        let top = ticks(highest.min(1.0)).last().copied().unwrap_or(1.0);
        Scale { values: (0.0, top), pixels: (BOTTOM, TOP) }
    }

    fn draw_axes(&self, drawing: &mut Drawing, x: Scale, y: Scale) {
        for tick in ticks(y.values.1) {
            let at = y.at(tick);
            drawing.line("grid", (LEFT, at), (RIGHT, at));
            drawing.text("end", (LEFT - 8.0, at + 5.0), &format!("{tick:.2}"));
        }
        for tick in ticks(x.values.1) {
            if tick <= x.values.1 {
                drawing.text("middle", (x.at(tick), BOTTOM + 20.0), &format!("{tick}"));
            }
        }
        drawing.text("middle", (f64::midpoint(LEFT, RIGHT), HEIGHT - 8.0), "labels");
        drawing.text("strong", (8.0, TOP - 14.0), self.axis);
    }

    /// Each player with its class, those that should lie on top first.
    fn styled(&self) -> Vec<(&Standing, &'static str)> {
        let mut others: Vec<&Standing> =
            self.panel.standings.iter().filter(|s| fixed_class(&s.player).is_none()).collect();
        others.sort_by(|a, b| self.rank(b).total_cmp(&self.rank(a)));
        let named = others.into_iter().zip(COLORS.into_iter().chain(std::iter::repeat("rest")));
        let fixed = self.panel.standings.iter().filter_map(|s| Some((s, fixed_class(&s.player)?)));
        fixed.chain(named).collect()
    }

    fn rank(&self, standing: &Standing) -> f64 {
        standing.steps.iter().map(self.value).sum::<f64>()
    }
}

fn fixed_class(player: &str) -> Option<&'static str> {
    match player {
        "linprobe" => Some("lead"),
        "no-feedback" => Some("alone"),
        "full" => Some("ceiling"),
        _ => None,
    }
}

fn band(standing: &Standing, x: Scale, y: Scale) -> Vec<(f64, f64)> {
    let at = |step: &Step, value: f64| (x.at(step.mean.n_labels as f64), y.at(value));
    let upper = standing.steps.iter().map(|step| at(step, step.ap.high));
    let lower = standing.steps.iter().rev().map(|step| at(step, step.ap.low));
    upper.chain(lower).collect()
}

/// Names beside the ends of their curves, moved down where they would overlap, and up again where
/// they would leave the drawing.
fn draw_names(drawing: &mut Drawing, mut names: Vec<(f64, &str, &str)>) {
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut places: Vec<f64> = Vec::new();
    for (end, ..) in &names {
        let lowest = places.last().map_or(TOP, |last| last + NAME_GAP);
        places.push(end.max(lowest));
    }
    let mut floor = BOTTOM + 4.0;
    for place in places.iter_mut().rev() {
        *place = place.min(floor);
        floor = *place - NAME_GAP;
    }
    for ((end, name, class), place) in names.into_iter().zip(places) {
        drawing.line("grid", (RIGHT, end), (RIGHT + 12.0, place));
        drawing.text(&format!("name-{class}"), (RIGHT + 16.0, place + 5.0), name);
    }
}
