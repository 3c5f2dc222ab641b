//! Datasets as their authors published them. They are not part of the project.

use std::path::{Path, PathBuf};

use linprobe_core::Content;
use linprobe_source::{Kind, SourceOptions, open};

use crate::files::{Outcome, open_plainly, read};

fn shared(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name)
}

fn n_labels(outcome: &Outcome) -> usize {
    let labels = outcome.records.iter().filter_map(|record| record.label.as_deref());
    labels.collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
#[ignore = "needs ../shared/data"]
fn banking77_opens_as_it_is() {
    let outcome = Outcome::of(&*open_plainly(&shared("text/banking77/train.csv")));
    assert_eq!((outcome.records.len(), outcome.bad.len(), n_labels(&outcome)), (10_003, 0, 77));
    assert_eq!(outcome.texts()[0], "I am still waiting on my card?");
    assert!(outcome.end.is_none());
}

#[test]
#[ignore = "needs ../shared/data"]
fn clinc150_opens_as_it_is_with_its_splits() {
    let outcome = Outcome::of(&*open_plainly(&shared("text/clinc150/train_val.json")));
    assert_eq!((outcome.records.len(), outcome.bad.len(), n_labels(&outcome)), (18_200, 0, 151));
    let in_split = |split: &str| {
        outcome.records.iter().filter(|record| record.metadata["split"] == split).count()
    };
    assert_eq!((in_split("train"), in_split("oos_val")), (15_000, 100));
}

#[test]
#[ignore = "needs ../shared/data"]
fn sms_spam_opens_as_it_is_without_a_header() {
    let outcome = Outcome::of(&*open_plainly(&shared("text/sms_spam/dev.tsv")));
    assert_eq!((outcome.records.len(), outcome.bad.len(), n_labels(&outcome)), (3000, 0, 2));
    assert_eq!(outcome.records[1].label.as_deref(), Some("ham"));
    assert_eq!(outcome.texts()[1], "Can you do online transaction?");
}

#[test]
#[ignore = "needs ../shared/data"]
fn ag_news_opens_with_its_columns_named_by_number() {
    let options = SourceOptions {
        text: Some("3".into()),
        label: Some("1".into()),
        ..SourceOptions::default()
    };
    let source = open(&shared("text/ag_news/dev.csv"), &options).unwrap();
    let outcome = Outcome::of(&*source);
    assert_eq!((outcome.records.len(), outcome.bad.len(), n_labels(&outcome)), (4000, 0, 4));
    assert_eq!(outcome.records[0].metadata["2"], "Bill Clinton Helps Launch Search Engine");
}

#[test]
#[ignore = "needs ../shared/data"]
fn trec_opens_as_lines_and_its_one_latin_1_line_is_named() {
    let options = SourceOptions { kind: Some(Kind::Lines), ..SourceOptions::default() };
    let outcome = Outcome::of(&*open(&shared("text/trec/TREC.train"), &options).unwrap());
    assert_eq!(outcome.records.len() + outcome.bad.len(), 5452);
    assert_eq!(outcome.faults().len(), 1, "{:?}", outcome.faults());
}

#[test]
#[ignore = "needs ../shared/data"]
fn every_picture_of_caltech101_is_read_with_its_class() {
    let source = open_plainly(&shared("images/caltech101_val"));
    assert_eq!(source.n_records_hint(), Some(1649));
    let outcome = Outcome::of(&*source);
    assert_eq!((outcome.records.len(), outcome.bad.len()), (1649, 0));
    assert_eq!(n_labels(&outcome), 100);
    let last = outcome.records.last().unwrap();
    assert_eq!(source.record(&last.id).unwrap(), *last);
}

#[test]
#[ignore = "needs ../shared/data"]
fn clip_vectors_have_unit_length_and_the_labels_beside_them() {
    let source = open_plainly(&shared("clip_vitb32/caltech101.val.f16.npy"));
    assert_eq!(source.n_records_hint(), Some(1649));
    let records = read(&*source);
    for record in &records {
        let Content::Vector { values, .. } = &record.content else { panic!("{record:?}") };
        let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert_eq!(values.len(), 512);
        assert!((norm - 1.0).abs() < 1e-2, "{norm}");
    }
    assert_eq!(records[0].label.as_deref(), Some("0"));
    assert_eq!(source.record(&records[1648].id).unwrap(), records[1648]);
}

#[test]
#[ignore = "needs ../shared/data"]
fn every_published_vector_file_opens() {
    for entry in shared("clip_vitb32").read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with(".f16.npy") {
            let source = open_plainly(&path);
            let outcome = Outcome::of(&*source);
            assert_eq!(Some(outcome.records.len() as u64), source.n_records_hint());
            assert!(outcome.records.iter().all(|record| record.label.is_some()), "{path:?}");
        }
    }
}
