//! Linear layers as other tools save them: read right or refused with a reason, and never run.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Write},
    path::PathBuf,
};

use linprobe_classifier::{ClassifierFile, ImportError};
use proptest::prelude::*;
use serde::Deserialize;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::formats::file;

/// What `fixtures/classifier/heads.json` says of a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    /// The layer's classes.
    Classes(BTreeMap<String, Row>),
    /// Why it is refused.
    Refused(String),
}

#[derive(Deserialize)]
struct Row {
    weights: Vec<f32>,
    bias: f32,
}

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/classifier"))
}

fn said() -> BTreeMap<String, Said> {
    serde_json::from_slice(&fs::read(fixtures().join("heads.json")).unwrap()).unwrap()
}

fn bytes_of(name: &str) -> Vec<u8> {
    fs::read(fixtures().join("heads").join(name)).unwrap()
}

fn assert_close(file: &ClassifierFile, row: &Row, what: &str) {
    let found =
        file.classifier.weights().iter().chain([&0.0]).zip(row.weights.iter().chain([&0.0]));
    for (found, expected) in found {
        assert!((found - expected).abs() < 1e-6, "{what}: {found} {expected}");
    }
    assert_eq!(file.classifier.dimension(), row.weights.len(), "{what}");
    assert!((file.classifier.bias() - row.bias).abs() < 1e-6, "{what}");
}

/// Those of one class need no choice; those of more than one name what there is.
#[test]
fn every_class_of_every_file_is_read_or_the_file_is_refused_with_a_reason() {
    let said = said();
    let files = fs::read_dir(fixtures().join("heads")).unwrap();
    assert_eq!(said.len(), files.count());
    for (name, said) in said {
        let bytes = bytes_of(&name);
        match said {
            Said::Refused(reason) => {
                let refused = ClassifierFile::read(&bytes, None).unwrap_err().to_string();
                assert!(refused.contains(&reason), "{name}: {refused}");
            }
            Said::Classes(classes) => {
                for (class, row) in &classes {
                    let read = ClassifierFile::read(&bytes, Some(class)).unwrap();
                    assert_close(&read, row, &format!("{name} {class}"));
                }
                let unchosen = ClassifierFile::read(&bytes, None);
                if let Some(row) = classes
                    .get("0")
                    .or(classes.get("True"))
                    .filter(|_| classes.len() == 1 || name == "two.npz")
                {
                    assert_close(&unchosen.unwrap(), row, &name);
                } else {
                    let refused = unchosen.unwrap_err();
                    assert!(
                        matches!(refused, ImportError::ManyClasses { .. }),
                        "{name}: {refused}"
                    );
                }
                let refused = ClassifierFile::read(&bytes, Some("gnu")).unwrap_err().to_string();
                assert!(
                    refused.contains("has no class \"gnu\"\nhint: it has "),
                    "{name}: {refused}"
                );
            }
        }
    }
    assert!(!PathBuf::from("/tmp/linprobe-was-here").exists());
}

#[test]
fn the_classes_of_a_file_are_listed_for_a_person_to_choose_from() {
    let refused = ClassifierFile::read(&bytes_of("three.npz"), None).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the file has 3 classes: \"cat\", \"dog\", \"elk\"\nhint: choose one, with --class or as FILE:CLASS"
    );
    let refused = ClassifierFile::read(&bytes_of("many.pt"), None).unwrap_err().to_string();
    assert!(refused.starts_with("the file has 3 classes: 0 to 2\n"), "{refused}");
}

/// Cut or changed anywhere, nothing panics.
#[test]
fn damaged_files_are_read_or_refused() {
    for name in said().keys() {
        let bytes = bytes_of(name);
        for n_bytes in (0..bytes.len()).step_by(1 + bytes.len() / 60) {
            let _read_or_refused = ClassifierFile::read(&bytes[..n_bytes], None);
        }
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 400) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xFF;
            let _read_or_refused = ClassifierFile::read(&damaged, None);
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_in_any_form_is_read_back(
        weights in prop::collection::vec(-1e6_f32..1e6, 1..40),
        bias in -1e6_f32..1e6,
        has_card in any::<bool>(),
    ) {
        let file = file(weights, bias, has_card);
        for bytes in [file.to_safetensors(), file.to_json(), file.to_onnx(), file.to_npz()] {
            prop_assert_eq!(&ClassifierFile::read(&bytes.unwrap(), None).unwrap(), &file);
        }
        // A state dict has no place for a card.
        let bare = ClassifierFile { card: None, ..file.clone() };
        let read = ClassifierFile::read(&file.to_torch().unwrap(), Some("0")).unwrap();
        prop_assert_eq!(&read, &bare);
    }

    #[test]
    fn any_bytes_with_any_beginning_are_read_or_refused(
        start in prop::sample::select(vec![&b"PK\x03\x04"[..], b"\x08\x08", b"{", b"\x80\x02", b"\x40\0\0\0\0\0\0\0{"]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        drop(ClassifierFile::read(&[start, &bytes].concat(), None));
    }
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn npy(shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

/// A shape that lies, and zeros that unpack to more than is ever read.
#[test]
fn an_npz_that_promises_more_than_it_has_is_refused() {
    let bias = npy("(1,)", &[0; 4]);
    let lie = npy("(1, 99999999999999)", &[0; 8]);
    let lie = zip(&[("weight.npy", &lie), ("bias.npy", &bias)]);
    let refused = ClassifierFile::read(&lie, None).unwrap_err();
    assert!(matches!(refused, ImportError::Shape { .. }), "{refused}");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("weight.npy", SimpleFileOptions::default()).unwrap();
    writer.write_all(&npy("(1, 78643200)", &[])).unwrap();
    for _ in 0..300 {
        writer.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = writer.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    let refused = ClassifierFile::read(&bomb, None).unwrap_err();
    assert!(
        matches!(refused, ImportError::Shape { .. } | ImportError::Unreadable { .. }),
        "{refused}"
    );
}

#[test]
fn what_is_no_classifier_at_all_says_what_one_is() {
    for (bytes, reason) in [
        (&b""[..], "hint: one is safetensors, JSON, ONNX"),
        (b"\x89PNG\r\n", "hint: one is safetensors, JSON, ONNX"),
        (b"\x80\x04\x95", "np.savez(path, coef_=m.coef_"),
        (b"PK\x05\x06", "an .npz file"),
        (b"\x08\x08", "its graph is empty"),
        (b"{}", "not a classifier in JSON"),
    ] {
        let refused = ClassifierFile::read(bytes, None).unwrap_err().to_string();
        assert!(refused.contains(reason), "{bytes:?}: {refused}");
    }
}

/// A Gemm that is scaled, or has weights of columns, as other exporters write it.
#[test]
fn graphs_that_are_more_than_a_linear_layer_are_refused() {
    let onnx = file(vec![0.5, -1.0], 0.25, false).to_onnx().unwrap();
    let renamed = |from: &[u8], to: &[u8]| {
        let at = onnx.windows(from.len()).position(|window| window == from).unwrap();
        let mut bytes = onnx.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        ClassifierFile::read(&bytes, None)
    };
    let refused = renamed(b"\x22\x04Gemm", b"\x22\x04Conv").unwrap_err().to_string();
    assert!(refused.contains("its graph begins with \"Conv\""), "{refused}");
    let refused = renamed(b"\x22\x07Sigmoid", b"\x22\x07Softmax").unwrap_err().to_string();
    assert!(refused.contains("its graph goes on with \"Softmax\""), "{refused}");
    let refused = renamed(b"\x0a\x06transB", b"\x0a\x06transA").unwrap_err().to_string();
    assert!(refused.contains("its Gemm is scaled"), "{refused}");
}
