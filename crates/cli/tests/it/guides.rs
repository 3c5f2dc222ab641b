//! The guides and the tour are run as they stand: every block of `sh` of a page, one after the other, in a folder that holds
//! what `docs/guides/data` does. What a block of `text` shows stands in what the commands print, but for numbers.
//! Of all pages it is seen that they are in the table of contents, and that links between them lead somewhere.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use linprobe_store::fake::FakeQdrant;

use crate::support::{Bench, copy, text};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

/// The blocks of a page: their language, and what stands in them.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(language) if !is_inside => blocks.push((language, String::new())),
            None if is_inside => {
                let (_, block) = blocks.last_mut().unwrap();
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
        is_inside ^= line.starts_with("```");
    }
    blocks
}

/// A line without its numbers and the spaces around them.
fn without_numbers(line: &str) -> String {
    let is_number = |c: char| c.is_ascii_digit() || "+-.,".contains(c);
    let words = line.split_whitespace().map(|word| word.replace(is_number, ""));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Runs the commands of a page; gives all that was printed. `$STORE` is a collection of Qdrant that is not there yet.
fn run(page: &str) -> String {
    let server = FakeQdrant::start(None);
    let bench = Bench::new();
    copy(Path::new(&format!("{DOCS}/guides/data")), bench.folder());
    let commands = blocks(page).into_iter().filter(|(language, _)| *language == "sh");
    let script: String = commands.map(|(_, commands)| commands).collect();
    let mut command = bench.command(&[]);
    let folder = Path::new(command.get_program()).parent().unwrap().to_owned();
    let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap());
    command = std::process::Command::new("sh");
    command.args(["-e", "-c", &format!("exec 2>&1\n{script}")]).current_dir(bench.folder());
    command.env_clear().env("PATH", path).env("HOME", bench.folder());
    command.env("HF_HUB_OFFLINE", "1").env("TMPDIR", bench.folder()).stdin(Stdio::null());
    command.env("FIXTURES", concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"));
    command.env("STORE", server.address("points"));
    let output = command.output().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{script}\n{said}");
    said
}

fn check(name: &str) {
    let page = fs::read_to_string(format!("{DOCS}/{name}.md")).unwrap();
    let said = run(&page);
    let printed: Vec<String> = said.lines().map(without_numbers).collect();
    for (_, shown) in blocks(&page).into_iter().filter(|(language, _)| *language == "text") {
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

/// The pages, from the folder of the book, without their ending.
fn pages() -> Vec<String> {
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(format!("{DOCS}/{folder}")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter_map(|name| name.strip_suffix(".md").map(|page| format!("{folder}{page}")))
            .collect()
    };
    ["", "guides/", "reference/"].into_iter().flat_map(names).collect()
}

#[test]
fn every_page_is_in_the_summary_and_every_guide_is_run() {
    let summary = fs::read_to_string(format!("{DOCS}/SUMMARY.md")).unwrap();
    let own = include_str!("guides.rs");
    for page in pages().iter().filter(|page| *page != "SUMMARY") {
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
    for page in pages() {
        let path = PathBuf::from(format!("{DOCS}/{page}.md"));
        let text = fs::read_to_string(&path).unwrap();
        for link in links(&text) {
            assert!(path.parent().unwrap().join(link).exists(), "{page} links to {link}");
        }
    }
}
