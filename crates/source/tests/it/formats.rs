//! Every format gives the same records.

use linprobe_core::{Content, Record};
use linprobe_source::{Kind, SourceOptions, open};

use crate::files::{Folder, gzip, open_plainly, read};

const CSV: &str = "id,text,label,lang\na,one,x,en\nb,\"t,\"\"w\"\"\no\",,de\nc,три,y,ru\n";

const JSON_LINES: &str = r#"{"id": "a", "text": "one", "label": "x", "lang": "en"}
{"id": "b", "text": "t,\"w\"\no", "label": "", "lang": "de"}
{"id": "c", "text": "три", "label": "y", "lang": "ru"}
"#;

fn records() -> Vec<(&'static str, &'static str, Option<&'static str>, &'static str)> {
    vec![
        ("a", "one", Some("x"), "en"),
        ("b", "t,\"w\"\no", None, "de"),
        ("c", "три", Some("y"), "ru"),
    ]
}

#[track_caller]
fn assert_records(read: &[Record]) {
    let told: Vec<_> = read
        .iter()
        .map(|record| {
            let text = record.content.text().unwrap();
            (record.id.as_str(), text, record.label.as_deref(), record.metadata["lang"].as_str())
        })
        .collect();
    assert_eq!(told, records());
    assert!(read.iter().all(|record| record.metadata.len() == 1));
}

#[test]
fn csv_and_json_in_all_their_forms_give_the_same_records() {
    let folder = Folder::new();
    let array = format!("\n[{}]\n", JSON_LINES.trim_end().replace("}\n", "}\n,"));
    let files = [
        folder.file("a.csv", CSV),
        folder.file("b.csv.gz", gzip(CSV.as_bytes())),
        folder.file("c.csv", format!("\u{feff}{CSV}")),
        folder.file("d.jsonl", JSON_LINES),
        folder.file("e.ndjson.gz", gzip(JSON_LINES.as_bytes())),
        folder.file("f.json", &array),
        folder.file("g.json.gz", gzip(array.as_bytes())),
        folder.file("h.json", JSON_LINES),
        folder.file("i.jsonl", format!("\u{feff}{}", JSON_LINES.replace('\n', "\r\n\r\n"))),
        folder.file("j.json", format!("\u{feff}{array}")),
    ];
    for file in files {
        assert_records(&read(&*open_plainly(&file)));
    }
}

#[test]
fn semicolons_part_the_fields_of_a_csv_that_has_no_commas_in_its_first_row() {
    let folder = Folder::new();
    let csv = "id;text;label;lang\na;one;x;en\nb;\"t,\"\"w\"\"\no\";;de\nc;три;y;ru\n";
    assert_records(&read(&*open_plainly(&folder.file("a.csv", csv))));
    let one_column = folder.file("b.csv", "text\none; two\nthree\n");
    assert_eq!(read(&*open_plainly(&one_column))[0].content, Content::Text("one; two".into()));
    let unlike = folder.file("c.csv", "said; done\none\n");
    assert_eq!(read(&*open_plainly(&unlike))[0].content, Content::Text("one".into()));
}

#[test]
fn tabs_part_the_fields_of_a_tsv() {
    let folder = Folder::new();
    let tsv = "id\ttext\tlabel\tlang\na\tone, \"two\"\tx\ten\nb\t\"a\tb\"\t\tde\n";
    for file in [folder.file("a.tsv", tsv), folder.file("a.tsv.gz", gzip(tsv.as_bytes()))] {
        let records = read(&*open_plainly(&file));
        assert_eq!(records[0].content, Content::Text("one, \"two\"".into()));
        assert_eq!(records[1].content, Content::Text("a\tb".into()));
        assert_eq!((records[1].label.as_deref(), &*records[1].metadata["lang"]), (None, "de"));
    }
}

#[test]
fn a_line_of_text_is_a_record_and_its_number_from_0_the_id() {
    let folder = Folder::new();
    let lines = "\u{feff}one\n\n  two \r\nthree";
    let options = SourceOptions { kind: Some(Kind::Lines), ..SourceOptions::default() };
    let files = [
        folder.file("a.txt", lines),
        folder.file("a.txt.gz", gzip(lines.as_bytes())),
        folder.file("a.log", lines),
    ];
    for file in files {
        let records = read(&*open(&file, &options).unwrap());
        let told: Vec<_> =
            records.iter().map(|r| (r.id.as_str(), r.content.text().unwrap())).collect();
        assert_eq!(told, [("0", "one"), ("2", "  two "), ("3", "three")]);
    }
}

#[test]
fn an_object_of_arrays_gives_each_array_as_a_split() {
    let folder = Folder::new();
    let json = r#"{"version": {"a": [1]}, "train": [{"text": "one"}, {"text": "two", "split": "x"}],
        "empty": [], "test": [{"text": "three"}]}"#;
    let records = read(&*open_plainly(&folder.file("a.json", json)));
    let told: Vec<_> = records.iter().map(|r| (r.id.as_str(), &*r.metadata["split"])).collect();
    assert_eq!(told, [("0", "train"), ("1", "x"), ("2", "test")]);
}

#[test]
fn json_arrays_and_strings_are_rows_too() {
    let folder = Folder::new();
    let pairs = folder.file("a.jsonl", "[\"hello there\", \"greeting\"]\n[\"so long\", \"bye\"]\n");
    let records = read(&*open_plainly(&pairs));
    assert_eq!(records[0].content.text(), Some("hello there"));
    assert_eq!(records[1].label.as_deref(), Some("bye"));
    let strings = folder.file("b.json", r#"["one", "two"]"#);
    assert_eq!(read(&*open_plainly(&strings))[1].content.text(), Some("two"));
}

#[test]
fn a_record_is_read_again_by_its_id() {
    let folder = Folder::new();
    let with_ids = open_plainly(&folder.file("a.csv", CSV));
    for record in read(&*with_ids) {
        assert_eq!(with_ids.record(&record.id).unwrap(), record);
    }
    let by_place = open_plainly(&folder.file("b.csv", "text\none\n\"bad\n\nfour\n"));
    let [first, last] = ["0", "3"].map(|id| linprobe_core::RecordId::new(id).unwrap());
    assert_eq!(by_place.record(&first).unwrap().content.text(), Some("one"));
    assert_eq!(by_place.record(&last).unwrap().content.text(), Some("four"));
    let [bad, none] = ["1", "4"].map(|id| linprobe_core::RecordId::new(id).unwrap());
    let error = by_place.record(&bad).unwrap_err();
    assert!(error.to_string().ends_with("row 3: a quote is opened and never closed"), "{error}");
    let error = by_place.record(&none).unwrap_err();
    assert_eq!(error.to_string(), "no record \"4\" in this dataset");
}

#[test]
fn a_table_tells_about_how_many_records_it_has() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("texts.txt", "one\ntwo\nthree"), ("a.csv", "text\none\ntwo\nthree\n")]
    {
        let path = folder.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
        let source = open(&path, &SourceOptions::default()).unwrap();
        assert_eq!(source.n_records_hint(), Some(3), "{name}");
    }
}
