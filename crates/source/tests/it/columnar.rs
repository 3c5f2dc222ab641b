//! Parquet and Arrow files as pyarrow and Hugging Face's `datasets` write them: `fixtures/source/columnar.py`.

use std::path::{Path, PathBuf};

use linprobe_core::{Content, Record, RecordId, Source};
use linprobe_source::{SourceOptions, open};

use crate::files::{Outcome, open_plainly, refusal};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/source/columnar")).join(name)
}

fn outcome(name: &str) -> Outcome {
    Outcome::of(&*open_plainly(&fixture(name)))
}

fn open_with(name: &str, options: &SourceOptions) -> Box<dyn Source> {
    open(&fixture(name), options).unwrap()
}

fn labels(records: &[Record]) -> Vec<Option<&str>> {
    records.iter().map(|record| record.label.as_deref()).collect()
}

fn values(record: &Record) -> &[f32] {
    match &record.content {
        Content::Vector { values, .. } => values,
        other => panic!("{other:?}"),
    }
}

/// Reads every record by its id, as the page does to show it.
#[track_caller]
fn assert_each_is_found(source: &dyn Source) {
    for record in Outcome::of(source).records {
        assert_eq!(source.record(&record.id).unwrap(), record);
    }
}

#[test]
fn texts_are_the_same_in_every_codec_and_form() {
    for name in [
        "texts-none.parquet",
        "texts-snappy.parquet",
        "texts-gzip.parquet",
        "texts-lz4.parquet",
        "texts-zstd.parquet",
        "texts-lz4.feather",
        "texts-zstd.feather",
        "texts-stream.arrow",
    ] {
        let outcome = outcome(name);
        assert!(outcome.end.is_none(), "{name}: {outcome:?}");
        assert_eq!(outcome.ids(), ["0", "1", "3"], "{name}");
        assert_eq!(outcome.texts(), ["one", "two", "vier ☂"], "{name}");
        assert_eq!(
            outcome.faults(),
            [(3, Some("2"), "the text is missing: no \"text\"")],
            "{name}"
        );
        assert_eq!(labels(&outcome.records), [Some("yes"), Some("no"), Some("yes")], "{name}");
        let metadata: Vec<(&str, &str)> =
            outcome.records[1].metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let expected =
            [("day", "1970-01-02"), ("kind", "y"), ("meta.tags", "[a, b]"), ("meta.year", "2021")];
        assert_eq!(metadata, expected, "{name}");
        assert_each_is_found(&*open_plainly(&fixture(name)));
    }
}

#[test]
fn pictures_of_a_folder_of_shards_have_names_of_classes_and_splits() {
    let outcome = outcome("hub");
    assert_eq!(outcome.ids(), ["0", "2", "4", "5"]);
    let reasons: Vec<&str> = outcome.bad.iter().map(|bad| bad.reason.as_str()).collect();
    assert_eq!(reasons, ["the picture is missing"; 3]);
    assert_eq!(
        labels(&outcome.records),
        [Some("tench"), Some("tench"), Some("tench"), Some("tench")]
    );
    let splits: Vec<&str> = outcome.records.iter().map(|r| r.metadata["split"].as_str()).collect();
    assert_eq!(splits, ["test", "train", "train", "train"]);
    for record in &outcome.records {
        assert!(matches!(&record.content, Content::Image(bytes) if bytes.starts_with(b"\x89PNG")));
    }
    let source = open_plainly(&fixture("hub"));
    assert_eq!(source.n_records_hint(), Some(7));
    assert_each_is_found(&*source);
}

#[test]
fn vectors_of_every_precision_are_read_with_what_stands_beside_them() {
    for name in ["vectors-half.parquet", "vectors-single.parquet", "vectors-double.parquet"] {
        let options = SourceOptions { tensor: Some("emb".into()), ..SourceOptions::default() };
        let source = open_with(name, &options);
        let outcome = Outcome::of(&*source);
        assert_eq!(outcome.ids(), ["a", "b"], "{name}");
        assert_eq!(outcome.texts(), ["A", "B"]);
        assert_eq!(
            [values(&outcome.records[0]), values(&outcome.records[1])],
            [[1.0, 0.5], [0.25, -2.0]]
        );
        assert_eq!(outcome.faults(), [(3, Some("c"), "the vector is missing")]);
        assert_each_is_found(&*source);
    }
}

#[test]
fn a_text_beside_vectors_is_read_unless_they_are_asked_for() {
    let outcome = outcome("vectors-single.parquet");
    assert_eq!(outcome.texts(), ["A", "B", "C"]);
    assert!(outcome.records.iter().all(|record| matches!(record.content, Content::Text(_))));
    let vectors = self::outcome("vectors-ragged.parquet");
    assert_eq!(values(&vectors.records[0]), [1.0, 0.5]);
    assert!(vectors.bad[0].reason.starts_with("the vector has 0 numbers"), "{vectors:?}");
}

#[test]
fn a_column_of_vectors_that_is_not_there_is_refused_with_those_that_are() {
    let options = SourceOptions { tensor: Some("nothing".into()), ..SourceOptions::default() };
    let refusal = refusal(&fixture("vectors-half.parquet"), &options);
    assert!(
        refusal.contains("\"nothing\"") && refusal.ends_with("columns of vectors: emb"),
        "{refusal}"
    );
}

#[test]
fn a_path_of_a_picture_is_followed_below_its_folder_alone() {
    let outcome = outcome("paths.parquet");
    assert_eq!(outcome.ids(), ["3"]);
    let reasons: Vec<&str> = outcome.bad.iter().map(|bad| bad.reason.as_str()).collect();
    assert_eq!(reasons[0], "../secret.png leaves the folder and is not followed");
    assert_eq!(reasons[1], "/etc/passwd leaves the folder and is not followed");
    assert!(reasons[2].starts_with("missing.png: "), "{reasons:?}");
}

#[test]
fn a_damaged_row_group_is_lost_alone() {
    let outcome = outcome("damaged_group.parquet");
    let expected: Vec<String> = (0..10).chain(20..40).map(|row| format!("r{row}")).collect();
    assert_eq!(outcome.ids(), expected);
    let [(row, None, reason)] = outcome.faults()[..] else { panic!("{outcome:?}") };
    assert_eq!(row, 11);
    assert!(reason.starts_with("rows 11 to 20 are damaged: "), "{reason}");
    assert!(outcome.end.is_none());
}

#[test]
fn a_file_that_is_cut_or_another_is_refused_or_ends_with_its_reason() {
    for name in ["cut.parquet", "no_arrow.arrow"] {
        let refusal = refusal(&fixture(name), &SourceOptions::default());
        assert!(refusal.starts_with("FILE: this is no Parquet or Arrow file: "), "{refusal}");
    }
    let outcome = outcome("cut.arrow");
    assert_eq!(outcome.ids(), ["0", "1"]);
    let end = outcome.end.unwrap().to_string();
    assert!(end.contains("the rows end early: ") && end.contains("\nhint: "), "{end}");
}

#[test]
fn a_folder_of_clip_retrieval_is_its_vectors_with_what_is_known_of_them() {
    let source = open_plainly(&fixture("clip-retrieval"));
    let outcome = Outcome::of(&*source);
    assert_eq!(outcome.ids(), ["0", "1", "3"]);
    assert_eq!(outcome.faults(), [(1, Some("2"), "the vector is zero, it has no direction")]);
    assert_eq!(values(&outcome.records[2]), [0.0, -1.0]);
    let texts: Vec<Option<&str>> = outcome.records.iter().map(|r| r.content.text()).collect();
    assert_eq!(texts, [Some("a cat"), None, Some("a house")]);
    assert_eq!(outcome.records[2].metadata["image_path"], "d.jpg");
    assert_each_is_found(&*source);
    assert!(source.record(&RecordId::new("4").unwrap()).is_err());
}
