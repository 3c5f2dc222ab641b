//! `linprobe doctor` over projects that are as they should be, and over those that are not.

use serde_json::Value;

use crate::support::{Bench, objects, text, texts};

/// What was found, whatever the exit code is.
fn examined(bench: &Bench, args: &[&str]) -> Vec<Value> {
    let output = bench.run(&[&["doctor", "--json"], args].concat());
    objects(&text(&output.stdout))
}

fn state_of<'a>(findings: &'a [Value], check: &str) -> (&'a str, &'a str) {
    let finding = findings.iter().find(|finding| finding["check"] == check).unwrap();
    (finding["state"].as_str().unwrap(), finding["found"].as_str().unwrap())
}

#[test]
fn a_sound_project_is_fine_in_every_respect() {
    let bench = Bench::new();
    bench.write("texts.csv", "id,text\na,stars and planets\nb,bread and butter\nc,ships at sea\n");
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    let findings = bench.json(&["doctor"]);
    assert!(findings.iter().all(|finding| finding["state"] == "fine"), "{findings:?}");
    let checks: Vec<&str> = findings.iter().map(|f| f["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["lengths", "pairs", "skipped", "duplicates", "likeness", "model"]);
}

#[test]
fn contents_that_moved_to_other_ids_are_told_from_those_that_changed() {
    let bench = Bench::with_texts();
    let lines: Vec<String> = texts().lines().map(str::to_owned).collect();
    let shifted = |row: usize| {
        let id = lines[row].split_once(',').unwrap().0;
        let next = lines.get(row + 7).unwrap_or(&lines[row]);
        format!("{id},{}", next.split_once(',').unwrap().1)
    };
    let shifted: Vec<String> = (1..lines.len()).map(shifted).collect();
    bench.write("texts.csv", &format!("id,text,topic\n{}", shifted.join("\n")));
    let (code, _) = bench.fails(&["doctor"]);
    assert_eq!(code, 3, "done, with findings");
    let findings = examined(&bench, &[]);
    let (state, found) = state_of(&findings, "model");
    assert!(state == "wrong" && found.contains("have the vector of another record"), "{found}");

    bench.write("texts.csv", &texts().replace("and the", "without any kind of"));
    let findings = examined(&bench, &[]);
    let (state, found) = state_of(&findings, "model");
    assert!(state == "wrong" && found.ends_with("embedded again, give another vector"), "{found}");
    bench.ok(&["index", "texts.csv"]);
    assert_eq!(state_of(&examined(&bench, &[]), "model").0, "fine");
}

#[test]
fn a_dataset_is_looked_at_before_it_is_indexed() {
    let bench = Bench::new();
    bench.write("texts.csv", "id,text\na,one\nb,\nc,one\n");
    let findings = examined(&bench, &["texts.csv"]);
    let (state, found) = state_of(&findings, "records");
    assert!(state == "notice" && found.starts_with("1 of 3 records cannot be read"), "{found}");
    let (state, found) = state_of(&findings, "duplicates");
    assert_eq!(
        (state, found),
        ("notice", "1 record has the text of an earlier one, such as c that of a")
    );
    let shown = bench.ok(&["doctor", "texts.csv"]);
    assert!(shown.starts_with("notice  records     1 of 3 records"), "{shown}");
}

#[test]
fn pictures_that_cannot_be_seen_are_counted_before_they_are_indexed() {
    const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed/images");
    let bench = Bench::new();
    std::fs::create_dir(bench.path("pictures")).unwrap();
    std::fs::copy(format!("{PICTURES}/odd.png"), bench.path("pictures/a.png")).unwrap();
    bench.write("pictures/b.png", "no picture");
    let findings = examined(&bench, &["pictures"]);
    let (state, found) = state_of(&findings, "records");
    assert_eq!(state, "notice");
    assert!(found.starts_with("1 of 2 records cannot be read, the first: b.png: "), "{found}");
}
