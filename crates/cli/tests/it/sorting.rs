//! Pictures in folders by decision.

use std::{fs, path::Path};

use crate::support::Bench;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed");

/// Some pictures with a project of a tiny model, and a classifier.
fn with_pictures() -> Bench {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("pictures/odd names")).unwrap();
    let images = fs::read_dir(Path::new(FIXTURES).join("images")).unwrap();
    let mut images: Vec<_> = images.map(|entry| entry.unwrap().path()).collect();
    images.sort_unstable();
    let is_good = |path: &&std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        path.extension().is_some_and(|ending| ending == "png") && !name.starts_with("bad")
    };
    for (place, path) in images.iter().filter(is_good).take(6).enumerate() {
        let name =
            if place % 2 == 0 { format!("{place}.png") } else { format!("odd names/{place}.png") };
        fs::copy(path, bench.path("pictures").join(name)).unwrap();
    }
    let model = format!("{FIXTURES}/vit");
    bench.ok(&["init", "--model", &model]);
    bench.ok(&["index", "pictures"]);
    bench.script(&["--like", "0.png", "--session", "s"], &[]);
    bench
}

fn names(bench: &Bench, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(bench.path(folder)).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn pictures_are_copied_by_decision_and_a_second_run_finds_them_there() {
    let bench = with_pictures();
    let args = ["predict", "-c", "s", "--threshold", "count=2", "--copy-to", "sorted"];
    let rehearsed = &bench.json(&[&args[..], &["--dry-run"]].concat())[0];
    assert!(!bench.path("sorted").exists());
    let done = &bench.json(&args)[0];
    assert_eq!((&done["n_relevant"], &done["n_irrelevant"]), (&2.into(), &4.into()), "{done}");
    assert_eq!(done["n_relevant"], rehearsed["n_relevant"]);
    let (relevant, irrelevant) =
        (names(&bench, "sorted/relevant"), names(&bench, "sorted/irrelevant"));
    assert_eq!((relevant.len(), irrelevant.len()), (2, 4));
    assert!(relevant.contains(&"0.png".to_owned()), "{relevant:?}");
    let copied = fs::read(bench.path("sorted/relevant/0.png")).unwrap();
    assert_eq!(copied, fs::read(bench.path("pictures/0.png")).unwrap());
    fs::remove_file(bench.path("sorted/irrelevant").join(&irrelevant[0])).unwrap();
    let again = &bench.json(&args)[0];
    assert_eq!((&again["n_there"], &again["n_irrelevant"]), (&5.into(), &1.into()), "{again}");
}

#[test]
fn what_is_there_is_never_written_over() {
    let bench = with_pictures();
    fs::create_dir_all(bench.path("sorted/relevant")).unwrap();
    bench.write("sorted/relevant/0.png", "mine");
    let output =
        bench.run(&["predict", "-c", "s", "--threshold", "count=6", "--copy-to", "sorted"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(fs::read_to_string(bench.path("sorted/relevant/0.png")).unwrap(), "mine");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("0.png is another file"), "{said}");
    // With another threshold, what was among the relevant is not put among the others as well.
    let output =
        bench.run(&["predict", "-c", "s", "--threshold", "count=1", "--copy-to", "sorted"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("it is among the relevant already"), "{said}");
    assert_eq!(names(&bench, "sorted/irrelevant").len(), 0);
}

#[cfg(unix)]
#[test]
fn links_lead_to_the_pictures_of_the_dataset() {
    let bench = with_pictures();
    bench.ok(&["classifier", "export", "s", "head.safetensors"]);
    for (dataset, folder) in [(&["predict"][..], "own"), (&["predict", "pictures"], "other")] {
        let args = ["-c", "head.safetensors", "--threshold", "count=3", "--link-to", folder];
        let done = &bench.json(&[dataset, &args].concat())[0];
        assert_eq!((&done["n_relevant"], &done["n_irrelevant"]), (&3.into(), &3.into()), "{done}");
        for name in names(&bench, &format!("{folder}/relevant")) {
            let link = bench.path(folder).join("relevant").join(name);
            let target = fs::read_link(&link).unwrap();
            assert!(
                target.is_absolute()
                    && target.starts_with(bench.path("pictures").canonicalize().unwrap())
            );
            assert!(fs::read(link).is_ok());
        }
    }
}

#[test]
fn texts_are_no_pictures() {
    let bench = Bench::with_texts();
    bench.script(&["astronomy", "--session", "s"], &[]);
    let output = bench.run(&["predict", "-c", "s", "--copy-to", "sorted"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("it is a text, no picture"));
}
