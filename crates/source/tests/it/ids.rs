//! Ids never shift: whatever becomes of some rows, the others keep their ids and contents.

use std::collections::BTreeMap;

use linprobe_source::{SourceOptions, open};
use proptest::prelude::*;

use crate::files::{Folder, Outcome};

/// Ways to spoil a row without adding or taking a line.
#[derive(Clone, Copy, Debug)]
enum Spoil {
    Truncate,
    NotUtf8,
    NoText,
    ExtraField,
    OpenQuote,
    Blank,
    Garbage,
}

fn spoils() -> impl Strategy<Value = Option<Spoil>> {
    prop_oneof![
        6 => Just(None),
        1 => prop_oneof![
            Just(Spoil::Truncate),
            Just(Spoil::NotUtf8),
            Just(Spoil::NoText),
            Just(Spoil::ExtraField),
            Just(Spoil::OpenQuote),
            Just(Spoil::Blank),
            Just(Spoil::Garbage),
        ]
        .prop_map(Some),
    ]
}

/// Texts with what is special to csv and JSON, on one line.
const TEXTS: &str = "[a-c,\"'\\\\{}\\[\\]: é]{0,12}x";

fn csv_row(text: &str, spoil: Option<Spoil>) -> Vec<u8> {
    let quoted = text.replace('"', "\"\"");
    match spoil {
        None => format!("\"{quoted}\",kept").into(),
        Some(Spoil::Truncate) => format!("\"{quoted}\"").into(),
        Some(Spoil::NotUtf8) => [b"caf\xe9,", &b"kept"[..]].concat(),
        Some(Spoil::NoText) => ",kept".into(),
        Some(Spoil::ExtraField) => format!("\"{quoted}\",kept,more").into(),
        Some(Spoil::OpenQuote) => "kept,\"a".into(),
        Some(Spoil::Blank) => Vec::new(),
        Some(Spoil::Garbage) => "\"a\"b,kept".into(),
    }
}

fn json_row(text: &str, spoil: Option<Spoil>) -> Vec<u8> {
    let text = serde_json::to_string(text).unwrap();
    match spoil {
        None => format!("{{\"text\": {text}, \"more\": \"kept\"}}").into(),
        Some(Spoil::Truncate) => format!("{{\"text\": {text}, \"more\":").into(),
        Some(Spoil::NotUtf8) => b"{\"text\": \"caf\xe9\"}".to_vec(),
        Some(Spoil::NoText) => "{\"more\": \"kept\"}".into(),
        Some(Spoil::ExtraField) => format!("{{\"text\": {text}}}, {{}}").into(),
        Some(Spoil::OpenQuote) => format!("{{\"text\": \"a, \"more\": {text}}}").into(),
        Some(Spoil::Blank) => Vec::new(),
        Some(Spoil::Garbage) => "[[[".into(),
    }
}

fn assert_ids_stay(
    name: &str,
    head: &str,
    rows: &[(String, Option<Spoil>)],
    row: fn(&str, Option<Spoil>) -> Vec<u8>,
) -> Result<(), TestCaseError> {
    let mut file = head.as_bytes().to_vec();
    for (text, spoil) in rows {
        file.extend(row(text, *spoil));
        file.push(b'\n');
    }
    let folder = Folder::new();
    let options = SourceOptions { text: Some("text".into()), ..SourceOptions::default() };
    let Ok(source) = open(&folder.file(name, &file), &options) else {
        prop_assert!(rows.iter().all(|(_, spoil)| spoil.is_some()), "nothing is readable");
        return Ok(());
    };
    let outcome = Outcome::of(&*source);
    let read: BTreeMap<&str, &str> = outcome.ids().into_iter().zip(outcome.texts()).collect();
    let good: Vec<(String, &str)> = (0..)
        .zip(rows)
        .filter(|(_, (_, spoil))| spoil.is_none())
        .map(|(place, (text, _)): (u64, _)| (place.to_string(), text.as_str()))
        .collect();
    let expected: BTreeMap<&str, &str> = good.iter().map(|(id, text)| (&**id, *text)).collect();
    prop_assert_eq!(read, expected);
    let n_blank = rows.iter().filter(|(_, spoil)| matches!(spoil, Some(Spoil::Blank))).count();
    prop_assert_eq!(outcome.bad.len() + n_blank + good.len(), rows.len());
    let n_head = head.lines().count() as u64;
    for (row, id, _) in outcome.faults() {
        prop_assert_eq!(id.unwrap().parse::<u64>().unwrap() + n_head + 1, row);
    }
    prop_assert!(outcome.end.is_none());
    Ok(())
}

proptest! {
    #[test]
    fn bad_rows_of_a_csv_leave_the_others_as_they_are(
        rows in prop::collection::vec((TEXTS, spoils()), 1..40),
    ) {
        assert_ids_stay("a.csv", "text,more\n", &rows, csv_row)?;
    }

    #[test]
    fn bad_rows_of_json_lines_leave_the_others_as_they_are(
        rows in prop::collection::vec((TEXTS, spoils()), 1..40),
    ) {
        assert_ids_stay("a.jsonl", "", &rows, json_row)?;
    }
}
