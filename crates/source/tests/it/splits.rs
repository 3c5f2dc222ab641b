//! What folders and names tell of splits, and reading one of them.

use linprobe_core::Record;
use linprobe_source::{FilePattern, SourceOptions, open};

use crate::files::{Folder, Outcome, gzip, open_plainly, read, refusal};

fn of_split(split: &str) -> SourceOptions {
    SourceOptions { split: Some(split.to_owned()), ..SourceOptions::default() }
}

fn splits(records: &[Record]) -> Vec<&str> {
    let splits = records.iter().map(|record| record.metadata.get("split").map(String::as_str));
    splits.map(|split| split.unwrap_or("none")).collect()
}

#[test]
fn tables_of_a_folder_are_one_dataset_whose_rows_are_numbered_through() {
    let folder = Folder::new();
    folder.file("README.md", "notes");
    folder.file("train-1.jsonl", "{\"text\": \"one\"}\n\nnot json\n{\"text\": \"two\"}\n");
    folder.file("train-2.jsonl.gz", gzip(b"{\"text\": \"three\", \"split\": \"own\"}\n"));
    folder.file("val.jsonl", "{\"text\": \"four\"}\n");
    let source = open_plainly(folder.path());
    let outcome = Outcome::of(&*source);
    assert_eq!(outcome.ids(), ["0", "3", "4", "5"]);
    assert_eq!(outcome.texts(), ["one", "two", "three", "four"]);
    assert_eq!(splits(&outcome.records), ["train", "train", "own", "val"]);
    let [(row, Some("2"), _)] = outcome.faults()[..] else { panic!("{outcome:?}") };
    assert_eq!((row, outcome.bad[0].file.ends_with("train-1.jsonl")), (3, true));
    for record in &outcome.records {
        assert_eq!(source.record(&record.id).unwrap(), *record);
    }
}

#[test]
fn one_split_is_read_by_any_of_its_names() {
    let folder = Folder::new();
    folder.file("train/cat/1.jpg", "1");
    folder.file("val/cat/1.jpg", "2");
    folder.file("metadata.csv", "file_name,year\ntrain/cat/1.jpg,1\nval/cat/1.jpg,2\n");
    let source = open(folder.path(), &of_split("validation")).unwrap();
    let outcome = Outcome::of(&*source);
    assert_eq!(outcome.ids(), ["val/cat/1.jpg"]);
    assert_eq!(outcome.records[0].metadata["year"], "2");
    assert!(outcome.bad.is_empty(), "rows of another split are no mistakes: {outcome:?}");
    assert!(source.notes().is_empty(), "{:?}", source.notes());
    assert_eq!(
        refusal(folder.path(), &of_split("test")),
        "FILE: no file is of the split \"test\"\nhint: splits are train and val"
    );
}

#[test]
fn a_split_is_another_source_than_the_whole() {
    let folder = Folder::new();
    folder.file("train.csv", "text\none\n");
    folder.file("test.csv", "text\ntwo\n");
    let fingerprint = |options: &SourceOptions| -> String {
        open(folder.path(), options).unwrap().fingerprint().to_owned()
    };
    let all = [SourceOptions::default(), of_split("train"), of_split("test")];
    let [whole, train, test] = all.each_ref().map(fingerprint);
    assert!(whole != train && train != test);
}

#[test]
fn files_are_chosen_by_patterns_that_may_tell_their_split() {
    let folder = Folder::new();
    folder.file("a/x.csv", "text\none\n");
    folder.file("b/x.csv", "text\ntwo\n");
    let pattern = FilePattern { pattern: "b/*".to_owned(), split: Some("held out".to_owned()) };
    let options = SourceOptions { files: Some(vec![pattern]), ..SourceOptions::default() };
    let records = read(&*open(folder.path(), &options).unwrap());
    assert_eq!(splits(&records), ["held out"]);
}

#[test]
fn tables_of_several_kinds_are_no_dataset() {
    let folder = Folder::new();
    folder.file("a.csv", "text\none\n");
    folder.file("b.tsv", "text\ntwo\n");
    let refused = refusal(folder.path(), &SourceOptions::default());
    assert!(
        refused.contains("it holds 1 csv and 1 tsv; to read one of its files, name it"),
        "{refused}"
    );
}

#[test]
fn what_belongs_to_the_hub_means_nothing_here() {
    let folder = Folder::new();
    let csv = folder.file("a.csv", "text\none\n");
    let config = SourceOptions { config: Some("x".into()), ..SourceOptions::default() };
    let revision = SourceOptions { revision: Some("x".into()), ..SourceOptions::default() };
    for (options, name) in [(config, "config"), (revision, "revision")] {
        let refused = refusal(&csv, &options);
        assert!(
            refused.starts_with(&format!("FILE: the option {name} has no meaning for csv")),
            "{refused}"
        );
    }
}
