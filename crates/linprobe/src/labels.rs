//! The labels of a session, to be taken elsewhere, and labels that come from there.
//!
//! Our own forms, CSV, JSONL and Parquet, have the same columns: `id`, `label` from -1 to 1, `round` (0 for what came with the start),
//! then `dataset_label` and `text` as the dataset gives them.

mod forms;
mod parquet;
mod read;

use std::{
    io::{self, Write},
    path::Path,
};

pub use self::read::read;

use linprobe_classifier::Label;
use linprobe_session::State;
use serde::Serialize;

use crate::{catalogue::CatalogueRecord, error::ProjectError, project::Project};

const COLUMNS: [&str; 5] = ["id", "label", "round", "dataset_label", "text"];

/// The form of a file of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelsForm {
    /// Comma separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// A table in Parquet.
    Parquet,
    /// The lines of Prodigy's `db-in` and `db-out`.
    Prodigy,
    /// The tasks of Label Studio.
    LabelStudio,
    /// The `labels.json` of a classification dataset of `FiftyOne`.
    FiftyOne,
}

impl LabelsForm {
    /// The form that the ending of a file's name means, if it means one.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_string_lossy().to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The ending of such a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl | Self::Prodigy => "jsonl",
            Self::Parquet => "parquet",
            Self::LabelStudio | Self::FiftyOne => "json",
        }
    }

    /// Writes the labels of a concept.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(
        self,
        labels: &[LabelledRecord],
        concept: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self {
            Self::Csv => Ok(write_csv(labels, out)?),
            Self::Jsonl => write_jsonl(labels, out),
            Self::Parquet => parquet::write(labels, out).map_err(io::Error::other),
            Self::Prodigy => forms::write_prodigy(labels, concept, out),
            Self::LabelStudio => forms::write_label_studio(labels, concept, out),
            Self::FiftyOne => forms::write_fiftyone(labels, out),
        }
    }
}

/// A record and what a person said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledRecord {
    /// The record.
    pub record: CatalogueRecord,
    /// Its label.
    pub label: Label,
    /// The round in which it was given; 0 for what came with the start.
    pub round: u32,
}

impl Project {
    /// Every labelled record of a session, by id.
    ///
    /// # Errors
    /// [`ProjectError::UnknownRecord`] when one is no longer there, or the database fails.
    pub fn labelled(&self, state: &State) -> Result<Vec<LabelledRecord>, ProjectError> {
        let labels = state.labels().map(|(id, label)| {
            let round = state.round_of_label(id).unwrap_or_default();
            Ok(LabelledRecord { record: self.record(id)?, label, round })
        });
        labels.collect()
    }
}

/// Writes labels as comma separated values with a header.
///
/// # Errors
/// What the writer says.
pub fn write_csv(labels: &[LabelledRecord], out: impl Write) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for LabelledRecord { record, label, round } in labels {
        let (label, round) = (label.value().to_string(), round.to_string());
        let dataset_label = record.label.as_deref().unwrap_or_default();
        let text = record.text.as_deref().unwrap_or_default();
        writer.write_record([record.id.as_str(), &label, &round, dataset_label, text])?;
    }
    writer.flush()?;
    Ok(())
}

/// Writes labels as one JSON object a line; what a record lacks is left out.
///
/// # Errors
/// What the writer says.
pub fn write_jsonl(labels: &[LabelledRecord], mut out: impl Write) -> io::Result<()> {
    for LabelledRecord { record, label, round } in labels {
        let line = Line {
            id: record.id.as_str(),
            label: label.value(),
            round: *round,
            dataset_label: record.label.as_deref(),
            text: record.text.as_deref(),
        };
        serde_json::to_writer(&mut out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

/// A label in JSON.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    label: f32,
    round: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use linprobe_core::{Metadata, RecordId};

    use super::*;

    fn labels() -> Vec<LabelledRecord> {
        let record = |id: &str, text: Option<&str>| CatalogueRecord {
            id: RecordId::new(id).unwrap(),
            kind: "text".into(),
            text: text.map(Into::into),
            label: None,
            metadata: Metadata::new(),
        };
        let label = |value| Label::new(value).unwrap();
        vec![
            LabelledRecord { record: record("a,1", Some("x \"y\"")), label: label(0.9), round: 2 },
            LabelledRecord { record: record("b", None), label: label(-1.0), round: 0 },
        ]
    }

    #[test]
    fn csv_and_jsonl_hold_every_label() {
        let mut out = Vec::new();
        write_csv(&labels(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        id,label,round,dataset_label,text
        "a,1",0.9,2,,"x ""y"""
        b,-1,0,,
        "#);
        let mut out = Vec::new();
        write_jsonl(&labels(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        {"id":"a,1","label":0.9,"round":2,"text":"x \"y\""}
        {"id":"b","label":-1.0,"round":0}
        "#);
    }

    #[test]
    fn every_form_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels");
        let neutral = LabelledRecord { label: Label::NEUTRAL, ..labels()[1].clone() };
        let mut all = labels();
        all.push(LabelledRecord {
            record: CatalogueRecord { id: RecordId::new("c").unwrap(), ..neutral.record },
            ..neutral
        });
        for form in [
            LabelsForm::Csv,
            LabelsForm::Jsonl,
            LabelsForm::Prodigy,
            LabelsForm::LabelStudio,
            LabelsForm::FiftyOne,
        ] {
            let mut out = Vec::new();
            form.write(&all, "stars", &mut out).unwrap();
            crate::write_atomic(&path, &out).unwrap();
            let mut expected: Vec<(&str, f32)> =
                all.iter().map(|l| (l.record.id.as_str(), l.label.value())).collect();
            if form == LabelsForm::FiftyOne {
                expected.pop();
            }
            let back = read(&path, form).unwrap();
            let back: Vec<(&str, f32)> =
                back.iter().map(|(id, label)| (id.as_str(), label.value())).collect();
            assert_eq!(back, expected, "{form:?}");
        }
    }

    #[test]
    fn ids_may_be_numbers_and_columns_may_be_parted_by_semicolons() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels");
        let read = |text: &str, form| {
            crate::write_atomic(&path, text.as_bytes()).unwrap();
            read(&path, form)
        };
        let expected = vec![(RecordId::new("7").unwrap(), Label::new(0.5).unwrap())];
        assert_eq!(read("{\"id\":7,\"label\":0.5}", LabelsForm::Jsonl).unwrap(), expected);
        assert_eq!(read("id;label\n7;0.5\n", LabelsForm::Csv).unwrap(), expected);
        assert_eq!(read("id\tlabel\n7\t0.5\n", LabelsForm::Csv).unwrap(), expected);
        for (text, form) in
            [("{\"id\":7.5,\"label\":1}", LabelsForm::Jsonl), ("id,label\n7,yes", LabelsForm::Csv)]
        {
            let bad = read(text, form).unwrap_err().to_string();
            assert!(bad.contains("no id, or no label that is a number"), "{bad}");
        }
    }

    /// By their paths without the ending, unless that would be two at once.
    #[test]
    fn pictures_are_called_as_fiftyone_calls_them() {
        let [one, other] = <[LabelledRecord; 2]>::try_from(labels()).unwrap();
        let named = |id: &str, of: &LabelledRecord| LabelledRecord {
            record: CatalogueRecord { id: RecordId::new(id).unwrap(), ..of.record.clone() },
            ..of.clone()
        };
        let ids = ["a.b/cat.png", "dog.jpg", "dog.png", ".hidden", "plain"];
        let all: Vec<_> = ids.iter().zip([&one, &other].into_iter().cycle()).collect();
        let all: Vec<_> = all.into_iter().map(|(id, of)| named(id, of)).collect();
        let mut out = Vec::new();
        LabelsForm::FiftyOne.write(&all, "s", &mut out).unwrap();
        let written: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let names: Vec<_> = written["labels"].as_object().unwrap().keys().collect();
        assert_eq!(names, [".hidden", "a.b/cat", "dog.jpg", "dog.png", "plain"]);
    }

    #[test]
    fn files_of_other_tools_need_no_grade() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels");
        let read_back = |form, text: &str| {
            crate::write_atomic(&path, text.as_bytes()).unwrap();
            read(&path, form).map(|labels| labels[0].1.value()).map_err(|error| error.to_string())
        };
        let line = r#"{"text": "x", "answer": "reject", "meta": {"id": "a"}}"#;
        assert_eq!(read_back(LabelsForm::Prodigy, line), Ok(-1.0));
        let task = r#"[{"data": {"id": "a"}, "annotations": [{"result": [
            {"type": "choices", "value": {"choices": ["relevant"]}}]}]}]"#;
        assert_eq!(read_back(LabelsForm::LabelStudio, task), Ok(1.0));
        assert_eq!(read_back(LabelsForm::FiftyOne, r#"{"labels": {"a": "irrelevant"}}"#), Ok(-1.0));
        let bad = read_back(LabelsForm::Csv, "id,label\na,1\nb,7\n").unwrap_err();
        assert!(bad.contains("line 3: 7 is no label"), "{bad}");
        let bad = read_back(LabelsForm::Jsonl, "{\"id\": \"a\"}").unwrap_err();
        assert!(
            bad.contains("line 1 has no id, or no label that is a number from -1 to 1\nhint: "),
            "{bad}"
        );
    }
}
