//! Which reader and which columns are chosen, and what is said when none can be.

use std::path::Path;

use linprobe_core::{Record, Source};
use linprobe_source::{Kind, SourceOptions, open};

use crate::files::{Folder, npy_f32, open_plainly, read, refusal};

fn first(source: &dyn Source) -> Record {
    read(source).swap_remove(0)
}

#[test]
fn columns_are_found_by_name_in_any_case_the_most_telling_first() {
    let folder = Folder::new();
    let csv = "UUID,Title,Body,Category,n\nu,t,b,c,1\n";
    let record = first(&*open_plainly(&folder.file("a.csv", csv)));
    assert_eq!((record.id.as_str(), record.label.as_deref()), ("u", Some("c")));
    assert_eq!(record.content.text(), Some("b"));
    assert_eq!(record.metadata, [("Title".into(), "t".into()), ("n".into(), "1".into())].into());
}

#[test]
fn columns_asked_for_win_and_only_the_named_ones_are_kept() {
    let folder = Folder::new();
    let path = folder.file("a.csv", "id,text,label,a,b\n1,one,x,2,3\n");
    let options = SourceOptions {
        id: Some("a".into()),
        text: Some("label".into()),
        label: Some("text".into()),
        metadata: Some(vec!["b".into()]),
        ..SourceOptions::default()
    };
    let record = first(&*open(&path, &options).unwrap());
    assert_eq!((record.id.as_str(), record.label.as_deref()), ("2", Some("one")));
    assert_eq!(record.content.text(), Some("x"));
    assert_eq!(record.metadata, [("b".into(), "3".into())].into());
}

#[test]
fn names_with_dots_reach_into_nested_json() {
    let folder = Folder::new();
    let json = r#"{"meta": {"key": 7, "tags": ["x", 1], "none": null}, "data": {"text": "one"}}"#;
    let options = SourceOptions {
        id: Some("meta.key".into()),
        text: Some("data.text".into()),
        ..SourceOptions::default()
    };
    let record = first(&*open(&folder.file("a.jsonl", json), &options).unwrap());
    assert_eq!((record.id.as_str(), record.content.text()), ("7", Some("one")));
    assert_eq!(record.metadata, [("meta.tags".into(), r#"["x",1]"#.into())].into());
}

#[test]
fn the_only_column_of_words_is_the_text() {
    let folder = Folder::new();
    let path = folder.file("a.csv", "n,words,ok\n1,some words,true\n2,more,false\n");
    assert_eq!(first(&*open_plainly(&path)).content.text(), Some("some words"));
}

#[test]
fn two_columns_of_words_and_no_telling_name_are_listed() {
    let folder = Folder::new();
    let path = folder.file("a.csv", "n,left,right\n1,one,two\n");
    assert_eq!(
        refusal(&path, &SourceOptions::default()),
        "FILE: no column is named like a text\nhint: name the text column, one of n, left and right"
    );
}

#[test]
fn a_column_that_is_not_there_is_refused_with_those_that_are() {
    let folder = Folder::new();
    let csv = folder.file("a.csv", "id,text\n1,one\n");
    let json = folder.file("a.jsonl", r#"{"id": 1, "text": "one"}"#);
    let lacking = "FILE: there is no column \"nope\"\nhint: there are id and text";
    for path in [&csv, &json] {
        let asked = [
            SourceOptions { id: Some("nope".into()), ..SourceOptions::default() },
            SourceOptions { text: Some("nope".into()), ..SourceOptions::default() },
            SourceOptions { label: Some("nope".into()), ..SourceOptions::default() },
            SourceOptions { metadata: Some(vec!["nope".into()]), ..SourceOptions::default() },
        ];
        for options in asked {
            assert_eq!(refusal(path, &options), lacking);
        }
    }
}

#[test]
fn a_first_row_with_a_number_names_no_columns() {
    let folder = Folder::new();
    let path = folder.file("a.csv", "\"4\",A title,A longer description\n2,b,c\n");
    let hint = "\nhint: name the text column, one of 1, 2 and 3";
    assert!(refusal(&path, &SourceOptions::default()).ends_with(hint));
    let options = SourceOptions {
        text: Some("3".into()),
        label: Some("1".into()),
        ..SourceOptions::default()
    };
    let records = read(&*open(&path, &options).unwrap());
    assert_eq!(records[0].content.text(), Some("A longer description"));
    assert_eq!((records[0].id.as_str(), records[1].label.as_deref()), ("0", Some("2")));
}

#[test]
fn a_tsv_whose_first_row_tells_no_column_has_no_header() {
    let folder = Folder::new();
    let path = folder.file("a.tsv", "spam\tWin a prize now\nham\tsee you\n");
    let records = read(&*open_plainly(&path));
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].label.as_deref(), Some("spam"));
    assert_eq!(records[0].content.text(), Some("Win a prize now"));
    let named = SourceOptions { text: Some("Win a prize now".into()), ..SourceOptions::default() };
    assert_eq!(read(&*open(&path, &named).unwrap()).len(), 1);
}

#[test]
fn a_kind_that_is_named_overrules_the_ending() {
    let folder = Folder::new();
    let path = folder.file("a.data", "text\none\n");
    let refused = refusal(&path, &SourceOptions::default());
    assert!(
        refused.starts_with("FILE: .data files are not read\nhint: supported are"),
        "{refused}"
    );
    let options = SourceOptions { kind: Some(Kind::Csv), ..SourceOptions::default() };
    assert_eq!(first(&*open(&path, &options).unwrap()).content.text(), Some("one"));
}

#[test]
fn places_that_are_no_dataset_say_what_would_be() {
    let folder = Folder::new();
    let plain = SourceOptions::default();
    assert_eq!(
        refusal(folder.path(), &plain),
        "FILE: the folder is empty\n\
         hint: name a folder of images, .npy, .parquet, .tar, .csv or .jsonl files, or a single file"
    );
    folder.file("a.csv", "text\n");
    folder.file("b/c.txt", "text\n");
    assert_eq!(
        refusal(folder.path(), &plain),
        "FILE: the folder holds no images, no .npy, .parquet or .tar files\n\
         hint: it holds 1 csv and 1 txt; to read one of its files, name it"
    );
    let archive = folder.file("data.zip", "PK");
    let refused = refusal(&archive, &plain);
    assert!(refused.starts_with("FILE: .zip files are not read\nhint: unpack it"), "{refused}");
    let picture = folder.file("a.jpg", "x");
    let refused = refusal(&picture, &plain);
    assert!(refused.ends_with("hint: open the folder that it stands in"), "{refused}");
    let nothing = open(Path::new("/nowhere/at/all"), &plain).err().unwrap();
    assert_eq!(nothing.to_string(), "cannot read /nowhere/at/all");
}

#[test]
fn an_option_without_meaning_is_refused_rather_than_overlooked() {
    let folder = Folder::new();
    let csv = folder.file("a.csv", "text\none\n");
    let npy = folder.file("a.npy", npy_f32(&[&[1.0, 2.0]]));
    let lines = folder.file("a.txt", "one\n");
    let ids = SourceOptions { ids: Some("ids.txt".into()), ..SourceOptions::default() };
    let text = SourceOptions { text: Some("text".into()), ..SourceOptions::default() };
    let tensor = SourceOptions { tensor: Some("x".into()), ..SourceOptions::default() };
    let cases = [
        (&csv, &ids, "ids has no meaning for csv"),
        (&csv, &tensor, "tensor has no meaning for csv"),
        (&npy, &text, "text has no meaning for npy"),
        (&npy, &tensor, "tensor has no meaning for npy"),
        (&lines, &text, "text has no meaning for lines"),
    ];
    for (path, options, reason) in cases {
        let refused = refusal(path, options);
        assert!(refused.starts_with(&format!("FILE: the option {reason}\nhint: ")), "{refused}");
    }
}

#[test]
fn a_fingerprint_is_the_same_by_whatever_way_the_place_is_reached() {
    let folder = Folder::new();
    let path = folder.file("b/a.csv", "text\none\n");
    let other = folder.file("b/c.csv", "text\none\n");
    let plain = open_plainly(&path).fingerprint().to_owned();
    let round = folder.path().join("b/../b/a.csv");
    assert_eq!(open_plainly(&round).fingerprint(), plain);
    assert_ne!(open_plainly(&other).fingerprint(), plain);
    let options = SourceOptions { text: Some("text".into()), ..SourceOptions::default() };
    assert_ne!(open(&path, &options).unwrap().fingerprint(), plain);
}
