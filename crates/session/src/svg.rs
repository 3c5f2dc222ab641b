//! The few shapes that figures need, as text. Positions are pixels of the drawing, from its
//! upper left corner; how things look is said by classes, of the page's style or the drawing's own.

/// A drawing as it grows.
#[derive(Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    shapes: Vec<String>,
}

/// Where a value lies on an axis.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The values at its ends.
    pub values: (f64, f64),
    /// Where these ends are.
    pub pixels: (f64, f64),
}

impl Scale {
    /// Where a value is.
    pub fn at(self, value: f64) -> f64 {
        let (low, high) = self.values;
        let (from, to) = self.pixels;
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        from + share * (to - from)
    }
}

impl Drawing {
    /// An empty drawing of this size.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, shapes: Vec::new() }
    }

    /// The whole drawing; `title` is read to those who cannot see it.
    pub fn finish(self, title: &str) -> String {
        let Self { width, height, shapes } = self;
        let (title, shapes) = (escape(title), shapes.concat());
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\
             <title>{title}</title>\n{shapes}</svg>"
        )
    }

    /// A file of its own, on white, with a style that says how its classes look.
    pub fn standalone(mut self, title: &str, style: &str) -> String {
        let (width, height) = (self.width, self.height);
        let ground = format!(
            "<style>{style}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        self.shapes.insert(0, ground);
        let namespace = "xmlns=\"http://www.w3.org/2000/svg\"";
        let opening = format!("<svg {namespace} width=\"{width}\" height=\"{height}\" ");
        self.finish(title).replacen("<svg ", &opening, 1)
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.shapes.push(format!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n"
        ));
    }

    /// A line through points, with a title that shows where it is pointed at.
    pub fn curve(&mut self, class: &str, points: &[(f64, f64)], title: &str) {
        let (points, title) = (joined(points), escape(title));
        self.shapes.push(format!(
            "<polyline class=\"curve {class}\" points=\"{points}\"><title>{title}</title></polyline>\n"
        ));
    }

    /// A filled shape with these corners.
    pub fn filled(&mut self, class: &str, corners: &[(f64, f64)]) {
        let points = joined(corners);
        self.shapes.push(format!("<polygon class=\"{class}\" points=\"{points}\"/>\n"));
    }

    /// A dot, with a title that shows where it is pointed at.
    pub fn dot(&mut self, class: &str, (x, y): (f64, f64), title: &str) {
        let title = escape(title);
        self.shapes.push(format!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{title}</title></circle>\n"
        ));
    }

    /// A text that begins here, or where its class says.
    pub fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        self.shapes
            .push(format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n"));
    }
}

fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// Text as it may stand in a page, within quotes too.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Round numbers from 0 to at least the highest value, at most seven of them.
pub fn ticks(highest: f64) -> Vec<f64> {
    let decade = 10_f64.powf((highest.max(1e-9) / 6.0).log10().ceil());
    let steps = [0.1, 0.2, 0.25, 0.5, 1.0].map(|share| share * decade);
    let fits = |step: &f64| highest / step <= 6.0;
    let step = steps.into_iter().find(fits).unwrap_or(decade);
    let mut ticks = vec![0.0];
    while ticks.last().is_some_and(|last| *last < highest - 1e-9 * step) {
        ticks.push(step * ticks.len() as f64);
    }
    ticks
}

/// Round numbers within a range, some six of them.
pub fn ticks_within((low, high): (f64, f64)) -> Vec<f64> {
    let rough = ((high - low) / 6.0).max(1e-3);
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * decade).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    let places = (0..8).map(|n| first + f64::from(n)).take_while(|place| *place <= last);
    // Of a product of tenths many digits would be shown.
    places.map(|place| (place * step * 1e6).round() / 1e6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_range_are_round_and_within() {
        assert_eq!(ticks_within((-7.3, 4.1)), [-6.0, -4.0, -2.0, 0.0, 2.0, 4.0]);
        assert_eq!(ticks_within((0.0, 0.05)), [0.0, 0.01, 0.02, 0.03, 0.04, 0.05]);
        assert_eq!(ticks_within((0.5, 0.5)), [0.5]);
    }

    #[test]
    fn ticks_are_round_and_reach_the_highest_value() {
        assert_eq!(ticks(100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(3.0), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
        for highest in [0.0, 1e-6, 0.38, 0.95, 7.0, 99.0, 1234.0] {
            let ticks = ticks(highest);
            assert!(ticks.len() <= 8 && *ticks.last().unwrap() >= highest, "{ticks:?}");
        }
    }

    #[test]
    fn a_scale_may_run_upward() {
        let scale = Scale { values: (0.0, 1.0), pixels: (300.0, 100.0) };
        assert!((scale.at(0.25) - 250.0).abs() < 1e-9);
        assert!(Scale { values: (1.0, 1.0), ..scale }.at(1.0).is_finite());
    }
}
