//! The demo without a terminal: what the README promises a new user.

use crate::support::{Bench, text};

#[test]
fn the_demo_finds_more_with_labels_than_the_phrase_alone() {
    let bench = Bench::new();
    let output = bench.run(&["demo"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let curve = shown.lines().filter_map(|line| {
        let mut cells = line.split_whitespace().filter_map(|cell| cell.parse::<f64>().ok());
        let n_labels = cells.next()?;
        Some((n_labels, cells.collect::<Vec<f64>>()))
    });
    let rows: Vec<_> = curve.filter(|(_, cells)| cells.len() == 8).collect();
    assert_eq!(rows.len(), 11, "before and after ten rounds: {shown}");
    let (n_labels, last) = rows.last().unwrap();
    let [ours, _, article, _, random, _, alone, _] = last[..] else { panic!("four players") };
    assert!((n_labels - 100.0).abs() < 0.5, "{n_labels}");
    assert!(ours > article && ours > random && ours > alone, "{shown}");
    assert!(text(&output.stderr).contains("Ten best finds"));
}
