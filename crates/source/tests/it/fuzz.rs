//! Arbitrary bytes are read or refused; no reader panics, and none goes on for ever.

use std::path::Path;

use linprobe_source::{Kind, SourceOptions, open};
use proptest::prelude::*;

use crate::files::{Folder, Outcome, gzip, npy, safetensors, zip};

/// Reads a file as a kind, and each record that it gives once more.
fn read(folder: &Folder, kind: Kind, content: &[u8]) {
    let ending = kind.name();
    for (name, content) in [("plain", content.to_vec()), ("packed.gz", gzip(content))] {
        let path = folder.file(&format!("{name}.{ending}"), content);
        let options = SourceOptions { kind: Some(kind), ..SourceOptions::default() };
        if let Ok(source) = open(&path, &options) {
            for record in Outcome::of(&*source).records.iter().take(3) {
                assert_eq!(source.record(&record.id).unwrap(), *record);
            }
        }
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

/// Bytes that are likely to mean something to some reader.
fn telling_bytes() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"\"",
        b",",
        b"\t",
        b"\n",
        b"\r\n",
        b"[",
        b"]",
        b"{",
        b"}",
        b":",
        b"\\",
        b"\"text\"",
        b"text",
        b"id",
        b"1",
        b"-2.5e9",
        b"null",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"a",
        b" ",
        b"\xc3\xa9",
    ];
    prop::collection::vec(prop::sample::select(words), 0..80).prop_map(|words| words.concat())
}

/// A sound file of vectors.
fn sound_vectors() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let values: Vec<u8> = (1..=12_u8).flat_map(|v| f32::from(v).to_le_bytes()).collect();
    let array = npy("<f4", "False", "(4, 3)", &values);
    let ids = npy("<i8", "False", "(4,)", &[7; 32]);
    let members = [("x.npy", &array[..]), ("ids.npy", &ids[..])];
    prop::sample::select(vec![
        (Kind::Npy, array.clone()),
        (Kind::Npy, npy("<f4", "True", "(4, 3)", &values)),
        (Kind::Npz, zip::stored(&members)),
        (Kind::Npz, zip::deflated(&members)),
        (Kind::Safetensors, safetensors(&[("x", "F32", &[4, 3], &values)])),
        (Kind::Columnar, columnar("texts-snappy.parquet")),
        (Kind::Columnar, columnar("vectors-single.parquet")),
        (Kind::Columnar, columnar("texts-stream.arrow")),
        (Kind::Columnar, columnar("texts-lz4.feather")),
    ])
}

/// A sound file that another program has written.
fn columnar(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/source/columnar");
    std::fs::read(Path::new(folder).join(name)).unwrap()
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(kind in kinds(), content in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&Folder::new(), kind, &content);
    }

    #[test]
    fn telling_bytes_do_no_harm(kind in kinds(), content in telling_bytes()) {
        read(&Folder::new(), kind, &content);
    }

    #[test]
    fn a_sound_file_with_some_bytes_changed_does_no_harm(
        (kind, mut content) in sound_vectors(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        n_kept in any::<prop::sample::Index>(),
    ) {
        for (place, byte) in changes {
            let place = place.index(content.len());
            content[place] = byte;
        }
        read(&Folder::new(), kind, &content);
        content.truncate(n_kept.index(content.len()));
        read(&Folder::new(), kind, &content);
    }
}
