//! Tar archives as `WebDataset` has them.

use std::path::{Path, PathBuf};

use linprobe_core::{Content, Record};
use linprobe_source::{SourceOptions, open};

use crate::files::{Folder, Outcome, open_plainly, refusal};

const PICTURE: &[u8] = b"\x89PNG and so on";

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn samples(range: std::ops::Range<u32>) -> Vec<u8> {
    let mut members = Vec::new();
    for i in range {
        members.push((format!("{i:04}.png"), PICTURE.to_vec()));
        members.push((format!("{i:04}.cls"), (i % 2).to_string().into_bytes()));
        let caption = format!(r#"{{"caption": "picture {i}", "size": {{"width": {i}}}}}"#);
        members.push((format!("{i:04}.json"), caption.into_bytes()));
        members.push((format!("{i:04}.seg.npy"), vec![0; 700]));
    }
    let members: Vec<(&str, &[u8])> =
        members.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    archive(&members)
}

fn read(path: &Path) -> Vec<Record> {
    let source = open_plainly(path);
    let outcome = Outcome::of(&*source);
    assert!(outcome.bad.is_empty() && outcome.end.is_none(), "{outcome:?}");
    for record in &outcome.records {
        assert_eq!(source.record(&record.id).unwrap(), *record);
    }
    outcome.records
}

fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

#[test]
fn members_that_share_a_name_are_one_record() {
    let folder = Folder::new();
    let records = read(&folder.file("shard.tar", samples(0..3)));
    assert_eq!(ids(&records), ["0000", "0001", "0002"]);
    let second = &records[1];
    assert_eq!(second.content, Content::Image(PICTURE.to_vec()));
    assert_eq!(second.label.as_deref(), Some("1"));
    let metadata: Vec<(&str, &str)> =
        second.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(metadata, [("caption", "picture 1"), ("size.width", "1")]);
}

#[test]
fn a_folder_or_a_name_with_braces_stands_for_its_shards() {
    let folder = Folder::new();
    for shard in 0..3 {
        folder.file(&format!("s-{shard:03}.tar"), samples(shard * 2..shard * 2 + 2));
    }
    assert_eq!(ids(&read(folder.path())), ["0000", "0001", "0002", "0003", "0004", "0005"]);
    let some = folder.path().join("s-{001..002}.tar");
    assert_eq!(ids(&read(&some)), ["0002", "0003", "0004", "0005"]);
    let missing: PathBuf = folder.path().join("s-{002..004}.tar");
    let refusal = refusal(&missing, &SourceOptions::default());
    assert!(refusal.contains("s-003.tar: there is no such archive\nhint: "), "{refusal}");
}

#[test]
fn a_text_is_a_sample_too_and_a_column_of_the_json_can_be_it() {
    let folder = Folder::new();
    let long = format!("{}/0002", "folder".repeat(30));
    let txt = format!("{long}.txt");
    let path = folder.file("t.tar", archive(&[("a/0001.txt", b"one\n"), (&txt, b"two")]));
    let records = read(&path);
    assert_eq!(ids(&records), ["a/0001", &long]);
    assert_eq!(records[0].content, Content::Text("one".to_owned()));

    let path = folder.file("j.tar", samples(0..2));
    let options = SourceOptions {
        text: Some("caption".to_owned()),
        label: Some("size.width".to_owned()),
        metadata: Some(Vec::new()),
        ..SourceOptions::default()
    };
    let records = Outcome::of(&*open(&path, &options).unwrap()).records;
    assert_eq!(records[1].content, Content::Text("picture 1".to_owned()));
    assert_eq!((records[1].label.as_deref(), records[1].metadata.len()), (Some("1"), 0));
}

#[test]
fn a_bad_sample_is_bad_alone() {
    let folder = Folder::new();
    let path = folder.file(
        "bad.tar",
        archive(&[
            ("1.png", PICTURE),
            ("1.json", b"{no json"),
            ("2.cls", b"3"),
            ("3.txt", b"\xff\xfe"),
            ("4.png", b""),
            ("5.txt", b"fine"),
            ("6.txt", b"other"),
            ("5.txt", b"again"),
        ]),
    );
    let outcome = Outcome::of(&*open_plainly(&path));
    assert_eq!(outcome.ids(), ["5", "6"]);
    let reasons: Vec<&str> = outcome.bad.iter().map(|bad| bad.reason.as_str()).collect();
    assert!(reasons[0].starts_with("1: json is not JSON: "), "{reasons:?}");
    assert_eq!(
        reasons[1..],
        [
            "2: there is neither a picture nor a text",
            "3: txt is not UTF-8",
            "4: the picture is empty",
            "its id was given to an earlier sample",
        ]
    );
}

#[test]
fn an_archive_that_is_cut_keeps_its_whole_samples_and_those_of_the_next() {
    let folder = Folder::new();
    let whole = samples(0..4);
    folder.file("a.tar", &whole[..whole.len() / 2]);
    folder.file("b.tar", samples(7..8));
    let outcome = Outcome::of(&*open_plainly(folder.path()));
    let ids = outcome.ids();
    assert!(ids.starts_with(&["0000"]) && ids.ends_with(&["0007"]), "{ids:?}");
    assert!(!outcome.bad.is_empty() && outcome.end.is_none(), "{outcome:?}");
}
