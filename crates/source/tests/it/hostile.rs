//! Broken, lying and unusual files, kept in `fixtures/source` with the script that writes them.

use std::path::{Path, PathBuf};

use linprobe_core::SourceError;
use linprobe_source::SourceOptions;

use crate::files::{Folder, Outcome, open_plainly, refusal};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/source")).join(name)
}

fn outcome(name: &str) -> Outcome {
    Outcome::of(&*open_plainly(&fixture(name)))
}

#[track_caller]
fn assert_refused(name: &str, reason: &str) {
    let refusal = refusal(&fixture(name), &SourceOptions::default());
    let told = refusal.lines().next().unwrap();
    assert_eq!(told, format!("FILE: {reason}"), "{name}");
    assert!(refusal.contains("\nhint: "), "{name}: {refusal}");
}

#[track_caller]
fn ends_with(outcome: &Outcome, kind: std::io::ErrorKind) {
    match &outcome.end {
        Some(SourceError::Io { source, .. }) => assert_eq!(source.kind(), kind),
        end => panic!("ends with {end:?}"),
    }
}

#[test]
fn an_npy_file_that_is_cut_is_refused_with_both_sizes() {
    assert_refused("cut_in_values.npy", "cut_in_values promises 48 bytes of values, 28 are there");
    assert_refused("cut_in_header.npy", "cut_in_header is no npy array: it ends in the header");
    assert_refused("text.npy", "text is no npy array: it does not start with the magic number");
    assert_refused("no_dict.npy", "no_dict is no npy array: its header is not understood");
}

#[test]
fn an_npy_header_that_promises_more_than_the_file_is_refused_before_anything_is_allocated() {
    let promise = "shape_of_terabytes promises 2048000000000000 bytes of values, 48 are there";
    assert_refused("shape_of_terabytes.npy", promise);
    assert_refused("shape_beyond_u64.npy", "the shape is larger than any file");
    let row = "row_of_gigabytes (f32 1 x 1073741824) holds no vectors";
    assert_refused("row_of_gigabytes.npy", row);
    let header = "header_of_gigabytes is no npy array: its header is too long";
    assert_refused("header_of_gigabytes.npy", header);
}

#[test]
fn arrays_that_are_no_vectors_are_refused_with_what_would_make_them() {
    assert_refused("objects.npy", "objects (object 2 x 2) holds Python objects");
    assert_refused("cube.npy", "cube (f32 2 x 2 x 2) is no matrix");
    assert_refused("flat.npy", "flat (f32 8) is no matrix");
    assert_refused("integers.npy", "integers (i32 2 x 2) holds no f16, bf16, f32 or f64");
    let hint = refusal(&fixture("objects.npy"), &SourceOptions::default());
    assert!(hint.contains("objects need pickle, which is never read"), "{hint}");
}

#[test]
fn an_npz_file_that_is_cut_or_lies_is_refused() {
    let refusal = refusal(&fixture("cut.npz"), &SourceOptions::default());
    assert!(refusal.starts_with("FILE: not an npz file: "), "{refusal}");
    let objects = "texts (object 2) holds neither strings nor integers";
    assert_refused("objects_beside.npz", objects);
    assert_refused("bomb_beside.npz", "ids (string 1) holds strings that are too long");
    let promise = "x promises 204800000000 bytes of values, 24 are there";
    assert_refused("shape_of_gigabytes.npz", promise);
    // The directory agrees with the header here, but no deflate stream grows that much.
    let size = "x promises 204800000000 bytes of values, 95848 are there";
    assert_refused("sizes_that_lie.npz", size);
}

#[test]
fn an_npz_member_that_ends_early_ends_the_source_after_its_good_rows() {
    let outcome = outcome("cut_values.npz");
    assert_eq!(outcome.ids(), ["0", "1"]);
    ends_with(&outcome, std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_safetensors_file_that_is_cut_or_lies_is_refused() {
    let promise = "the header promises 24 bytes of values, 20 are there";
    assert_refused("cut.safetensors", promise);
    let header = "a header of 9223372036854775808 bytes does not fit the file";
    assert_refused("header_of_exabytes.safetensors", header);
    let header = "a header of 90000000 bytes does not fit the file";
    assert_refused("header_beyond_end.safetensors", header);
    for name in ["overlap", "shape_of_terabytes", "no_json"] {
        let file = fixture(&format!("{name}.safetensors"));
        let refusal = refusal(&file, &SourceOptions::default());
        assert!(refusal.starts_with("FILE: the header is not one of safetensors: "), "{refusal}");
    }
}

#[test]
fn a_nul_is_bad_in_its_row_alone() {
    let outcome = outcome("nul.csv");
    assert_eq!(outcome.ids(), ["a", "d"]);
    assert_eq!(
        outcome.faults(),
        [
            (3, Some("b"), "the text holds a NUL character"),
            (4, None, "the id holds a control character"),
        ]
    );
}

#[test]
fn carriage_returns_a_byte_order_mark_and_blank_lines_are_no_part_of_the_records() {
    let outcome = outcome("crlf.csv");
    assert_eq!(outcome.ids(), ["a", "b", "c"]);
    assert_eq!(outcome.texts(), ["one", "two\r\nlines", "three"]);
    assert!(outcome.bad.is_empty());
}

#[test]
fn a_row_of_another_length_is_bad_alone() {
    let outcome = outcome("ragged.csv");
    assert_eq!(outcome.ids(), ["a", "d"]);
    assert_eq!(
        outcome.faults(),
        [(3, None, "1 fields, 2 are expected"), (4, None, "3 fields, 2 are expected")]
    );
}

#[test]
fn a_quote_that_is_never_closed_takes_no_other_row_with_it() {
    let outcome = outcome("lone_quote.csv");
    assert_eq!(outcome.ids(), ["a", "c", "d"]);
    assert_eq!(outcome.texts(), ["one", "three", "four"]);
    assert_eq!(outcome.faults(), [(3, None, "a quote is opened and never closed")]);
}

#[test]
fn a_quote_that_meets_the_quote_of_another_row_takes_no_other_row_with_it() {
    let outcome = outcome("stray_quotes.csv");
    assert_eq!(outcome.ids(), ["b", "d"]);
    assert_eq!(outcome.texts(), ["two", "5\" four"]);
    let reason = "a quoted field goes on after the quote that closes it";
    assert_eq!(outcome.faults(), [(2, None, reason), (4, None, reason)]);
}

#[test]
fn a_field_that_is_not_utf_8_is_bad_in_its_row_alone() {
    let outcome = outcome("latin1.csv");
    assert_eq!(outcome.ids(), ["a", "d"]);
    assert_eq!(
        outcome.faults(),
        [
            (3, None, "the field \"text\" is not UTF-8 from byte 4 on"),
            (4, None, "the field \"id\" is not UTF-8 from byte 2 on"),
        ]
    );
}

#[test]
fn files_with_nothing_to_read_say_so() {
    assert_refused("empty.csv", "the file is empty");
    assert_refused("empty.csv.gz", "the file is empty");
    assert_refused("empty.json", "the file is empty");
    assert_refused("blank.csv", "the file is blank");
    assert_refused("utf16.csv", "the file is UTF-16");
    assert_refused("object.json", "no row can be read: there are no rows");
    assert!(outcome("header_alone.csv").records.is_empty());
}

#[test]
fn a_gzip_that_is_cut_ends_the_source_after_its_good_records() {
    let outcome = outcome("cut.csv.gz");
    assert!((1000..2000).contains(&outcome.records.len()), "{}", outcome.records.len());
    assert!(outcome.bad.is_empty());
    assert_eq!(outcome.records[999].id.as_str(), "999");
    ends_with(&outcome, std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_file_named_gz_that_is_no_gzip_is_an_error_of_the_file() {
    let options = SourceOptions::default();
    let error = linprobe_source::open(&fixture("no_gzip.csv.gz"), &options).err().unwrap();
    assert!(matches!(error, SourceError::Io { .. }), "{error:?}");
}

#[test]
fn every_way_in_which_a_json_row_is_bad_is_told() {
    let outcome = outcome("bad_rows.jsonl");
    assert_eq!(outcome.ids(), ["a", "k"]);
    assert_eq!(
        outcome.faults(),
        [
            (2, None, "not JSON: recursion limit exceeded at line 1 column 776"),
            (3, None, "not JSON: recursion limit exceeded at line 1 column 128"),
            (4, None, "not JSON: EOF while parsing an object at line 1 column 26"),
            (5, None, "not UTF-8 from byte 24 on"),
            (6, Some("f"), "the text is missing: no \"text\""),
            (7, Some("g"), "the text is empty"),
            (8, None, "the id is missing: no \"id\""),
            (9, Some("a"), "the id \"a\" was given to an earlier row"),
            (10, None, "an object is expected, found a number"),
        ]
    );
}

#[test]
fn an_element_nested_too_deep_is_bad_alone() {
    let outcome = outcome("deep.json");
    assert_eq!((outcome.ids(), outcome.texts()), (vec!["0", "2"], vec!["one", "three"]));
    assert_eq!(outcome.bad[0].id.as_ref().unwrap().as_str(), "1");
}

#[test]
fn a_json_array_that_is_cut_or_badly_joined_ends_the_source_after_its_good_records() {
    let cut = outcome("cut.json");
    assert_eq!(cut.texts(), ["one", "two"]);
    ends_with(&cut, std::io::ErrorKind::UnexpectedEof);
    let rest = outcome("rest.json");
    assert_eq!(rest.texts(), ["one"]);
    ends_with(&rest, std::io::ErrorKind::InvalidData);
    let options = SourceOptions { text: Some("text".into()), ..SourceOptions::default() };
    let refusal = refusal(&fixture("no_comma.json"), &options);
    assert!(refusal.contains("no row can be read"), "{refusal}");
}

#[test]
fn whatever_is_kept_here_is_read_without_a_panic() {
    let n_files = fixture("").read_dir().unwrap().map(|entry| {
        let path = entry.unwrap().path();
        if let Ok(source) = linprobe_source::open(&path, &SourceOptions::default()) {
            Outcome::of(&*source);
        }
    });
    assert!(n_files.count() > 40);
}

#[test]
fn a_row_longer_than_the_limit_is_bad_and_the_next_one_is_read() {
    let folder = Folder::new();
    let long = "x".repeat(linprobe_source::MAX_ROW_BYTES);
    let rows =
        format!("{{\"text\": \"one\"}}\n{{\"text\": \"{long}\"}}\n{{\"text\": \"three\"}}\n");
    for name in ["rows.jsonl", "rows.txt"] {
        let outcome = Outcome::of(&*open_plainly(&folder.file(name, &rows)));
        assert_eq!(outcome.ids(), ["0", "2"], "{name}");
        let reason = "the row is longer than 67108864 bytes";
        assert_eq!(outcome.faults(), [(2, Some("1"), reason)], "{name}");
    }
    let array = rows.trim_end().replace('\n', ",\n");
    let outcome = Outcome::of(&*open_plainly(&folder.file("rows.json", format!("[{array}]"))));
    assert_eq!(outcome.ids(), ["0", "2"]);
}
