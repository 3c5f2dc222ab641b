//! The guides and the tour are run as they stand: every block of `sh` of a page, one after the other, in a folder that holds
//! what `docs/guides/data` does. What a block of `text` shows stands in what the commands print, but for numbers.
//! Of all pages it is seen that they are in the table of contents, and that links between them lead somewhere.

use std::{fs, path::PathBuf};

use crate::{
    pages::{Page, ROOT, pages_of_the_book},
    stage::Stage,
};

/// A line without its numbers and the spaces around them.
fn without_numbers(line: &str) -> String {
    let is_number = |c: char| c.is_ascii_digit() || "+-.,".contains(c);
    let words = line.split_whitespace().map(|word| word.replace(is_number, ""));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn check(name: &str) {
    let page = Page::read(&format!("docs/{name}.md"));
    let said = Stage::new().run(&page.blocks_of("sh").collect::<String>());
    let printed: Vec<String> = said.lines().map(without_numbers).collect();
    for shown in page.blocks_of("text") {
        for line in shown.lines().filter(|line| line.trim() != "...") {
            assert!(printed.contains(&without_numbers(line)), "{name} shows {line:?}:\n{said}");
        }
    }
}

#[test]
fn the_guide_to_images_runs() {
    check("guides/images");
}

#[test]
fn the_guide_to_support_tickets_runs() {
    check("guides/support-tickets");
}

#[test]
fn the_guide_to_anomalies_runs() {
    check("guides/anomalies");
}

#[test]
fn the_guide_to_recommendations_runs() {
    check("guides/recommendations");
}

#[test]
fn the_guide_to_label_errors_runs() {
    check("guides/label-errors");
}

#[test]
fn the_guide_to_drift_runs() {
    check("guides/drift");
}

#[test]
fn the_guide_to_many_machines_runs() {
    check("guides/many-machines");
}

#[test]
fn the_tour_runs() {
    check("tour");
}

#[test]
fn every_page_is_in_the_summary_and_every_guide_is_run() {
    let summary = fs::read_to_string(format!("{ROOT}/docs/SUMMARY.md")).unwrap();
    let own = include_str!("guides.rs");
    for page in pages_of_the_book().iter().filter(|page| *page != "SUMMARY") {
        assert!(summary.contains(&format!("({page}.md)")), "{page}");
        let is_guide = page.starts_with("guides/");
        assert!(!is_guide || own.contains(&format!("check({page:?})")), "{page}");
    }
}

/// What a page links to, but for other hosts and places in itself.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    for page in pages_of_the_book() {
        let path = PathBuf::from(format!("{ROOT}/docs/{page}.md"));
        let text = fs::read_to_string(&path).unwrap();
        for link in links(&text) {
            assert!(path.parent().unwrap().join(link).exists(), "{page} links to {link}");
        }
    }
}
