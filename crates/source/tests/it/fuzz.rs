//! Arbitrary bytes are read or refused; no reader panics, and none goes on for ever.

use std::path::Path;

use linprobe_source::{Kind, SourceOptions, open};
use proptest::prelude::*;

use crate::{
    files::{Folder, Outcome, gzip, npy, safetensors, zip},
    shards::samples,
};

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

/// A sound file.
fn sound_files() -> impl Strategy<Value = (Kind, Vec<u8>)> {
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
        (Kind::Columnar, columnar("paths.parquet")),
        (Kind::Shards, samples(0..3)),
    ])
}

/// The files of a sound folder, of which one is to be changed.
fn sound_folders() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    const PARTS: [&str; 4] = [
        "img_emb/img_emb_0.npy",
        "metadata/metadata_0.parquet",
        "img_emb/img_emb_1.npy",
        "metadata/metadata_1.parquet",
    ];
    let clip = PARTS.map(|name| (name, columnar(&format!("clip-retrieval/{name}"))));
    let pixel = columnar("pixel.png");
    let rows = b"file_name,label,year\na.png,cat,2020\nb/c.png,dog,2021\n".to_vec();
    let lines =
        b"{\"file_name\": \"a.png\", \"label\": \"cat\"}\n{\"file_name\": \"b/c.png\"}\n".to_vec();
    let pictures = [("a.png", pixel.clone()), ("b/c.png", pixel)];
    let told = |name, notes| [&[(name, notes)], &pictures[..]].concat();
    prop::sample::select(vec![
        clip.to_vec(),
        [&clip[1..], &clip[..1]].concat(),
        told("metadata.csv", rows),
        told("metadata.jsonl", lines),
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
        (kind, mut content) in sound_files(),
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

    #[test]
    fn a_sound_folder_with_some_bytes_of_a_file_changed_does_no_harm(
        mut files in sound_folders(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let changed = &mut files[0].1;
        for (place, byte) in changes {
            let place = place.index(changed.len());
            changed[place] = byte;
        }
        let folder = Folder::new();
        for (name, content) in &files {
            folder.file(name, content);
        }
        if let Ok(source) = open(folder.path(), &SourceOptions::default()) {
            for record in Outcome::of(&*source).records.iter().take(3) {
                assert_eq!(source.record(&record.id).unwrap(), *record);
            }
        }
    }
}
