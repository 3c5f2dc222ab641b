//! Matrices, and the ids, texts and labels beside them.

use half::{bf16, f16};
use linprobe_core::{Content, RecordId, Source};
use linprobe_source::{SourceOptions, open};

use crate::files::{
    Folder, Outcome, npy, npy_f32, npy_strings, open_plainly, read, refusal, safetensors, zip,
};

const ROWS: [&[f32]; 3] = [&[1.0, -2.0], &[0.5, 4.0], &[-0.25, 8.0]];

fn vectors(source: &dyn Source) -> Vec<Vec<f32>> {
    read(source)
        .into_iter()
        .map(|record| match record.content {
            Content::Vector { values, .. } => values,
            content => panic!("{content:?}"),
        })
        .collect()
}

fn values<const N: usize>(bytes: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    ROWS.iter().copied().flatten().flat_map(|&value| bytes(value)).collect()
}

fn columns_first() -> Vec<u8> {
    let columns = (0..2).flat_map(|column| ROWS.iter().map(move |row| row[column]));
    columns.flat_map(f32::to_le_bytes).collect()
}

/// The three rows as npy files in every type, byte order and layout that is read.
fn npy_files() -> Vec<Vec<u8>> {
    let c = |descr: &str, values: Vec<u8>| npy(descr, "False", "(3, 2)", &values);
    vec![
        c("<f2", values(|v| f16::from_f32(v).to_le_bytes())),
        c(">f2", values(|v| f16::from_f32(v).to_be_bytes())),
        c("<f4", values(f32::to_le_bytes)),
        c(">f4", values(f32::to_be_bytes)),
        c("<f8", values(|v| f64::from(v).to_le_bytes())),
        c(">f8", values(|v| f64::from(v).to_be_bytes())),
        npy("<f4", "True", "(3, 2)", &columns_first()),
    ]
}

#[track_caller]
fn assert_rows(source: &dyn Source) {
    assert_eq!(vectors(source), ROWS);
    assert_eq!(source.n_records_hint(), Some(3));
    for (place, row) in ROWS.iter().enumerate() {
        let record = source.record(&RecordId::from_row(place as u64)).unwrap();
        let values = row.to_vec();
        assert_eq!(record.content, Content::Vector { values, text: None });
    }
    for id in ["3", "01", "-1", "x", "18446744073709551616"] {
        assert!(source.record(&RecordId::new(id).unwrap()).is_err(), "{id}");
    }
}

#[test]
fn every_float_byte_order_and_layout_of_npy_is_read() {
    let folder = Folder::new();
    for file in npy_files() {
        assert_rows(&*open_plainly(&folder.file("a.npy", file)));
    }
}

#[test]
fn npz_files_are_read_stored_and_deflated() {
    let folder = Folder::new();
    for file in npy_files() {
        assert_rows(&*open_plainly(&folder.file("a.npz", zip::stored(&[("a.npy", &file[..])]))));
    }
    for file in &npy_files()[..6] {
        assert_rows(&*open_plainly(&folder.file("a.npz", zip::deflated(&[("a.npy", &file[..])]))));
    }
    let columns = &npy_files()[6];
    let refused = refusal(
        &folder.file("a.npz", zip::deflated(&[("a.npy", &columns[..])])),
        &SourceOptions::default(),
    );
    assert!(refused.contains("compressed column by column\nhint: save np."), "{refused}");
}

#[test]
fn every_float_of_safetensors_is_read() {
    let folder = Folder::new();
    let files = [
        ("F16", values(|v| f16::from_f32(v).to_le_bytes())),
        ("BF16", values(|v| bf16::from_f32(v).to_le_bytes())),
        ("F32", values(f32::to_le_bytes)),
        ("F64", values(|v| f64::from(v).to_le_bytes())),
    ];
    for (dtype, values) in files {
        let file = safetensors(&[("weird", dtype, &[3, 2], &values)]);
        assert_rows(&*open_plainly(&folder.file("a.safetensors", file)));
    }
}

#[test]
fn a_matrix_that_stands_column_by_column_is_read_in_growing_blocks() {
    let folder = Folder::new();
    let n_rows = 1000_u16;
    let column =
        |step: f32| (1..=n_rows).flat_map(move |row| (f32::from(row) * step).to_le_bytes());
    let values: Vec<u8> = column(1.0).chain(column(2.0)).collect();
    let path = folder.file("a.npy", npy("<f4", "True", "(1000, 2)", &values));
    let expected = (1..=n_rows).map(|row| vec![f32::from(row), f32::from(row) * 2.0]);
    assert_eq!(vectors(&*open_plainly(&path)), expected.collect::<Vec<_>>());
}

#[test]
fn the_shards_of_a_folder_follow_each_other_in_natural_order() {
    let folder = Folder::new();
    folder.file("emb_10.npy", npy_f32(&ROWS[2..]));
    folder.file("emb_2.npy", npy_f32(&ROWS[..2]));
    assert_rows(&*open_plainly(folder.path()));
    folder.file("emb_2.labels.txt", "a\nb\n");
    folder.file("emb_10.labels.txt", "c\n");
    let labels: Vec<_> =
        read(&*open_plainly(folder.path())).into_iter().map(|r| r.label.unwrap()).collect();
    assert_eq!(labels, ["a", "b", "c"]);
    let wide = folder.file("emb_11.npy", npy_f32(&[&[1.0, 2.0, 3.0]]));
    let refused = refusal(folder.path(), &SourceOptions::default());
    assert!(
        refused.contains("3 columns, ")
            && refused.contains(wide.to_str().unwrap().rsplit('/').next().unwrap())
    );
}

#[test]
fn one_file_beside_serves_all_shards() {
    let folder = Folder::new();
    folder.file("emb_0.npy", npy_f32(&ROWS[..2]));
    folder.file("emb_1.npy", npy_f32(&ROWS[2..]));
    folder.file("ids.npy", npy_strings(&["x", "yy", "z"]));
    let source = open_plainly(folder.path());
    let ids: Vec<_> = read(&*source).into_iter().map(|r| r.id.to_string()).collect();
    assert_eq!(ids, ["x", "yy", "z"]);
    let last = source.record(&RecordId::new("z").unwrap()).unwrap();
    assert_eq!(last.content, Content::Vector { values: ROWS[2].to_vec(), text: None });
}

/// Opens, and gives id, text and label of each record, and the same of each read by itself.
fn beside(source: &dyn Source) -> Vec<(String, Option<String>, Option<String>)> {
    read(source)
        .into_iter()
        .map(|record| {
            assert_eq!(source.record(&record.id).unwrap(), record);
            let text = record.content.text().map(str::to_owned);
            (record.id.to_string(), text, record.label)
        })
        .collect()
}

fn told(id: &str, text: &str, label: &str) -> (String, Option<String>, Option<String>) {
    let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
    (id.to_owned(), some(text), some(label))
}

#[test]
fn ids_texts_and_labels_are_found_beside_the_file() {
    let folder = Folder::new();
    let path = folder.file("v.f16.npy", npy_f32(&ROWS));
    folder.file("v.ids.txt", "a\nb\nc\n");
    folder.file("v.f16.texts.jsonl", "\"one\"\n{\"text\": \"two\"}\n\n");
    let labels: Vec<u8> = [7_i32, -1, 0].into_iter().flat_map(i32::to_le_bytes).collect();
    folder.file("labels.npy", npy("<i4", "False", "(3, 1)", &labels));
    let all = [told("a", "one", "7"), told("b", "two", "-1"), told("c", "", "0")];
    assert_eq!(beside(&*open_plainly(&path)), all);
}

#[test]
fn files_named_by_options_win_over_those_beside() {
    let folder = Folder::new();
    let path = folder.file("v.npy", npy_f32(&ROWS));
    folder.file("v.ids.txt", "a\nb\nc\n");
    let options = SourceOptions {
        ids: Some(folder.file("other.npy", npy_strings(&["é", "f", "ghi"]))),
        texts: Some(folder.file("some.txt", "one\r\n\r\nthree")),
        labels: Some(folder.file("l.npy", npy("|u1", "False", "(3,)", &[1, 2, 255]))),
        ..SourceOptions::default()
    };
    let all = [told("é", "one", "1"), told("f", "", "2"), told("ghi", "three", "255")];
    assert_eq!(beside(&*open(&path, &options).unwrap()), all);
}

#[test]
fn members_of_an_npz_are_beside_its_matrix() {
    let folder = Folder::new();
    let members = [
        ("embeddings.npy", &npy_f32(&ROWS)[..]),
        ("other.npy", &npy_f32(&ROWS)),
        ("ids.npy", &npy("|S2", "False", "(3,)", b"a\0bbc\0")),
        ("texts.npy", &npy_strings(&["one", "", "три"])),
        ("labels.npy", &npy(">i2", "False", "(3,)", &[0, 1, 0, 2, 0xff, 0xff])),
    ];
    let all = [told("a", "one", "1"), told("bb", "", "2"), told("c", "три", "-1")];
    for file in [zip::stored(&members), zip::deflated(&members)] {
        assert_eq!(beside(&*open_plainly(&folder.file("v.npz", file))), all);
    }
}

#[test]
fn the_matrix_is_chosen_by_name_and_a_choice_that_fails_lists_the_arrays() {
    let folder = Folder::new();
    let ones: Vec<u8> = [1.0_f32; 4].into_iter().flat_map(f32::to_le_bytes).collect();
    let twos: Vec<u8> = [2.0_f32; 4].into_iter().flat_map(f32::to_le_bytes).collect();
    let labels: Vec<u8> = [5_i64, 6].into_iter().flat_map(i64::to_le_bytes).collect();
    let file = safetensors(&[
        ("a", "F32", &[2, 2], &ones),
        ("b", "F32", &[2, 2], &twos),
        ("labels", "I64", &[2], &labels),
    ]);
    let path = folder.file("v.safetensors", file);
    let of = |tensor: &str| SourceOptions { tensor: Some(tensor.into()), ..Default::default() };
    let source = open(&path, &of("b")).unwrap();
    assert_eq!(vectors(&*source), [[2.0, 2.0], [2.0, 2.0]]);
    assert_eq!(read(&*source)[1].label.as_deref(), Some("6"));
    let hint = "\nhint: it holds a (f32 2 x 2), b (f32 2 x 2) and labels (i64 2)";
    let untold = "FILE: which matrix holds the vectors is not told";
    assert_eq!(refusal(&path, &SourceOptions::default()), format!("{untold}{hint}"));
    assert_eq!(refusal(&path, &of("c")), format!("FILE: there is no array \"c\"{hint}"));
    let file = safetensors(&[("a", "F32", &[2, 2], &ones), ("X", "F32", &[2, 2], &twos)]);
    let path = folder.file("w.safetensors", file);
    assert_eq!(vectors(&*open_plainly(&path))[0], [2.0, 2.0]);
}

#[test]
fn counts_that_do_not_match_are_an_error_that_names_both() {
    let folder = Folder::new();
    let path = folder.file("v.npy", npy_f32(&ROWS));
    folder.file("v.ids.txt", "a\nb\n");
    let refused = refusal(&path, &SourceOptions::default());
    assert!(refused.contains("v.ids.txt: 2 lines for 3 rows of vectors\nhint: "), "{refused}");
    folder.file("v.ids.txt", "a\nb\nc\n");
    let labels = folder.file("l.npy", npy("|u1", "False", "(4,)", &[0; 4]));
    let options = SourceOptions { labels: Some(labels), ..SourceOptions::default() };
    let refused = refusal(&path, &options);
    assert!(refused.contains("l.npy: 4 l for 3 rows of vectors\n"), "{refused}");
}

#[test]
fn a_row_without_direction_is_bad_alone() {
    let folder = Folder::new();
    let rows: [&[f32]; 5] =
        [&[1.0, 2.0], &[0.0, -0.0], &[1.0, f32::NAN], &[f32::INFINITY, 1.0], &[3.0, 4.0]];
    let outcome = Outcome::of(&*open_plainly(&folder.file("a.npy", npy_f32(&rows))));
    assert_eq!(outcome.ids(), ["0", "4"]);
    assert_eq!(
        outcome.faults(),
        [
            (2, Some("1"), "the vector is zero, it has no direction"),
            (3, Some("2"), "the vector is not finite at position 1"),
            (4, Some("3"), "the vector is not finite at position 0"),
        ]
    );
    let wide = [1e300_f64, 1.0, 1e-300, 0.0].into_iter().flat_map(f64::to_le_bytes);
    let wide = npy("<f8", "False", "(2, 2)", &wide.collect::<Vec<_>>());
    let outcome = Outcome::of(&*open_plainly(&folder.file("b.npy", wide)));
    assert_eq!(outcome.faults().len(), 2, "what f32 cannot hold has no direction either");
}

#[test]
fn what_is_wrong_beside_a_row_is_bad_for_it_alone() {
    let folder = Folder::new();
    let rows: [&[f32]; 6] = [&[1.0]; 6];
    let path = folder.file("v.npy", npy_f32(&rows));
    folder.file("v.ids.txt", b"a\n\na\nd\n\xff\nf\n");
    folder.file("v.texts.jsonl", "\"1\"\n\"2\"\n\"3\"\n{\"x\": 4}\n\"5\"\n\"6\"\n");
    let outcome = Outcome::of(&*open_plainly(&path));
    assert_eq!((outcome.ids(), outcome.texts()), (vec!["a", "f"], vec!["1", "6"]));
    assert_eq!(
        outcome.faults(),
        [
            (2, None, "the id is empty"),
            (3, Some("a"), "the id \"a\" was given to an earlier row"),
            (
                4,
                Some("d"),
                "the text beside it is without a text: none of its members is named text"
            ),
            (5, None, "the id beside it is not UTF-8 from byte 1 on"),
        ]
    );
}

#[test]
fn a_matrix_of_no_rows_is_a_dataset_of_no_records() {
    let folder = Folder::new();
    let path = folder.file("a.npy", npy("<f4", "False", "(0, 512)", &[]));
    let source = open_plainly(&path);
    assert_eq!((read(&*source).len(), source.n_records_hint()), (0, Some(0)));
}
