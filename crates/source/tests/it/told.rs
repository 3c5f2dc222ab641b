//! Files beside pictures that tell of them, as Hugging Face's `ImageFolder` has them.

use linprobe_core::{RecordId, Source};
use linprobe_source::{SourceOptions, open};

use crate::files::{Folder, Outcome, open_plainly, read, refusal};

fn metadata(source: &dyn Source, id: &str) -> (Option<String>, Vec<(String, String)>) {
    let record = source.record(&RecordId::new(id).unwrap()).unwrap();
    (record.label, record.metadata.into_iter().collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn columns_of_a_row_become_the_metadata_of_the_picture_that_it_names() {
    let folder = Folder::new();
    folder.file("img/1.jpg", "1");
    folder.file("img/2.jpg", "2");
    folder.file(
        "metadata.csv",
        "file_name,caption,year\nimg/2.jpg,\"a cat, asleep\",2021\n./img/1.jpg,a dog,2019\n",
    );
    let source = open_plainly(folder.path());
    let records = read(&*source);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].metadata["caption"], "a dog");
    let expected = pairs(&[("caption", "a cat, asleep"), ("year", "2021")]);
    assert_eq!(metadata(&*source, "img/2.jpg"), (None, expected), "one folder alone is no class");
    assert!(source.notes().is_empty(), "{:?}", source.notes());
}

#[test]
fn each_split_may_have_a_file_of_its_own_in_any_form() {
    let folder = Folder::new();
    for name in ["train/a.jpg", "train/b.jpg", "test/a.jpg"] {
        folder.file(name, name);
    }
    folder.file("train/metadata.csv", "file_name,label\na.jpg,cat\nb.jpg,\n");
    folder.file(
        "test/metadata.jsonl",
        "{\"file_name\": \"a.jpg\", \"label\": \"dog\", \"meta\": {\"year\": 2020}}\n",
    );
    let source = open_plainly(folder.path());
    let cat = Some("cat".to_owned());
    assert_eq!(metadata(&*source, "train/a.jpg"), (cat, pairs(&[("split", "train")])));
    assert_eq!(metadata(&*source, "train/b.jpg"), (None, pairs(&[("split", "train")])));
    let expected = pairs(&[("meta.year", "2020"), ("split", "test")]);
    assert_eq!(metadata(&*source, "test/a.jpg"), (Some("dog".to_owned()), expected));
}

#[test]
fn folders_are_classes_where_no_column_is() {
    let folder = Folder::new();
    folder.file("cat/1.jpg", "1");
    folder.file("dog/1.jpg", "1");
    folder.file("metadata.csv", "file_name,split\ncat/1.jpg,held out\n");
    let source = open_plainly(folder.path());
    let expected = pairs(&[("split", "held out")]);
    assert_eq!(metadata(&*source, "cat/1.jpg"), (Some("cat".to_owned()), expected));
    assert_eq!(metadata(&*source, "dog/1.jpg"), (Some("dog".to_owned()), vec![]));
    let [note] = source.notes() else { panic!("{:?}", source.notes()) };
    assert_eq!(
        note,
        "no metadata file has a row for 1 of 2 pictures, which are read all the same: dog/1.jpg"
    );
}

#[test]
fn rows_that_tell_of_no_picture_are_named_and_stop_nothing() {
    let folder = Folder::new();
    folder.file("a.jpg", "a");
    folder.file("b.jpg", "b");
    folder.file("notes.txt", "x");
    folder.file(
        "metadata.csv",
        "file_name,n\na.jpg,1\nmissing.jpg,2\na.jpg,3\nb.jpg\n,5\n../up.jpg,6\n/etc/passwd,7\nnotes.txt,8\nb.jpg,9\n",
    );
    let source = open_plainly(folder.path());
    let outcome = Outcome::of(&*source);
    assert_eq!(outcome.ids(), ["a.jpg", "b.jpg"]);
    assert_eq!(outcome.records[0].metadata["n"], "1");
    assert_eq!(outcome.records[1].metadata["n"], "9");
    assert_eq!(
        outcome.faults(),
        [
            (3, None, "there is no picture missing.jpg"),
            (4, None, "an earlier row tells of a.jpg"),
            (5, None, "1 fields, 2 are expected"),
            (6, None, "it names no picture in \"file_name\""),
            (7, None, "\"../up.jpg\" leaves the folder of the dataset"),
            (8, None, "\"/etc/passwd\" leaves the folder of the dataset"),
            (9, None, "there is no picture notes.txt"),
        ]
    );
    assert!(outcome.bad.iter().all(|bad| bad.file.ends_with("metadata.csv")));
}

#[test]
fn a_file_of_that_name_that_is_something_else_is_passed_over_and_noted() {
    let folder = Folder::new();
    folder.file("a.jpg", "a");
    folder.file("metadata.csv", "artist,year\nAda,1843\n");
    folder.file("deep/metadata.jsonl", "");
    folder.file("bad/metadata.parquet", "PAR1");
    let source = open_plainly(folder.path());
    assert_eq!(read(&*source).len(), 1);
    let notes = source.notes().join("\n").replace(&folder.path().display().to_string(), "DIR");
    assert!(
        notes.contains("DIR/metadata.csv is passed over: it has no column \"file_name\""),
        "{notes}"
    );
    assert!(notes.contains("DIR/deep/metadata.jsonl is passed over: "), "{notes}");
    assert!(
        notes.contains("DIR/bad/metadata.parquet is passed over: this is no Parquet"),
        "{notes}"
    );
}

#[test]
fn columns_can_be_chosen_and_must_be_there() {
    let folder = Folder::new();
    folder.file("a.jpg", "a");
    let class = SourceOptions { label: Some("class_name".into()), ..SourceOptions::default() };
    assert!(refusal(folder.path(), &class).contains("has no metadata file, and so no columns"));
    folder.file("metadata.csv", "file_name,class_name,x,y\na.jpg,cat,1,2\n");
    let options = SourceOptions { metadata: Some(vec!["x".into()]), ..class };
    let source = open(folder.path(), &options).unwrap();
    assert_eq!(metadata(&*source, "a.jpg"), (Some("cat".to_owned()), pairs(&[("x", "1")])));
    let other = SourceOptions { label: Some("nothing".into()), ..SourceOptions::default() };
    let refused = refusal(folder.path(), &other);
    assert!(refused.contains("there is no column \"nothing\""), "{refused}");
    assert!(refused.contains("class_name"), "{refused}");
}

#[test]
fn what_a_file_tells_changes_no_id() {
    let folder = Folder::new();
    folder.file("img_2.jpg", "2");
    folder.file("img_10.jpg", "10");
    let ids = |folder: &Folder| -> Vec<RecordId> {
        read(&*open_plainly(folder.path())).into_iter().map(|record| record.id).collect()
    };
    let before = ids(&folder);
    folder.file("metadata.csv", "file_name,id\nimg_10.jpg,first\nimg_2.jpg,second\n");
    assert_eq!(ids(&folder), before);
}
