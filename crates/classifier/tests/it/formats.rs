//! Files: what is written is read back, what is broken is refused with a reason.

use linprobe_classifier::{
    AuditCard, Card, ClassifierFile, ImportError, IntervalCard, LinearClassifier, MAX_DIMENSION,
    MAX_HEADER_BYTES, MAX_JSON_BYTES, ModelCard,
};
use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};

pub(crate) fn card(dimension: usize) -> Card {
    Card {
        format: Card::FORMAT,
        name: "dogs in the snow".to_owned(),
        model: ModelCard {
            id: "builtin/static".to_owned(),
            revision: None,
            fingerprint: "abc".to_owned(),
        },
        dimension,
        threshold: 0.25,
        method: "whitened-rocchio".to_owned(),
        n_labels: 12,
        n_positive: 5,
        n_negative: 7,
        n_rounds: 2,
        created: "2026-01-02T03:04:05Z".to_owned(),
        start: "a dog in the snow".to_owned(),
        audit: None,
    }
}

pub(crate) fn file(weights: Vec<f32>, bias: f32, has_card: bool) -> ClassifierFile {
    let card = has_card.then(|| card(weights.len()));
    ClassifierFile { classifier: LinearClassifier::new(weights, bias).unwrap(), card }
}

fn finite() -> impl Strategy<Value = f32> {
    any::<f32>().prop_filter("finite", |x| x.is_finite())
}

proptest! {
    #[test]
    fn a_file_that_is_written_and_read_is_the_same(
        weights in prop::collection::vec(finite(), 1..40),
        bias in finite(),
        threshold in finite(),
        has_card in any::<bool>(),
    ) {
        let mut file = file(weights, bias, has_card);
        if let Some(card) = &mut file.card {
            card.threshold = threshold;
        }
        let bytes = file.to_safetensors().unwrap();
        prop_assert_eq!(&ClassifierFile::from_safetensors(&bytes).unwrap(), &file);
        let json = file.to_json().unwrap();
        prop_assert_eq!(&ClassifierFile::from_json(&json).unwrap(), &file);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(ClassifierFile::from_safetensors(&bytes));
        drop(ClassifierFile::from_json(&bytes));
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let file = file(vec![0.5, -1.0, 2.0], 0.1, true);
        for mut bytes in [file.to_safetensors().unwrap(), file.to_json().unwrap()] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            drop(ClassifierFile::from_safetensors(&bytes));
            drop(ClassifierFile::from_json(&bytes));
        }
    }
}

struct Tensor {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn f32(name: &'static str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }
}

fn import(tensors: &[Tensor]) -> Result<ClassifierFile, ImportError> {
    let views = tensors
        .iter()
        .map(|t| (t.name, TensorView::new(t.dtype, t.shape.clone(), &t.bytes).unwrap()));
    ClassifierFile::from_safetensors(&safetensors::serialize(views, None).unwrap())
}

#[test]
fn the_state_of_any_linear_layer_is_read() {
    let expected = file(vec![1.5, -2.0], 0.25, false);
    let read = |dtype, word: fn(f32) -> Vec<u8>| {
        let weight: Vec<u8> = [1.5, -2.0].into_iter().flat_map(word).collect();
        import(&[
            Tensor { name: "weight", dtype, shape: vec![1, 2], bytes: weight },
            Tensor { name: "bias", dtype, shape: vec![1], bytes: word(0.25) },
        ])
    };
    for (dtype, word) in [
        (Dtype::F32, (|x: f32| x.to_le_bytes().to_vec()) as fn(f32) -> Vec<u8>),
        (Dtype::F64, |x| f64::from(x).to_le_bytes().to_vec()),
        (Dtype::F16, |x| half::f16::from_f32(x).to_le_bytes().to_vec()),
        (Dtype::BF16, |x| half::bf16::from_f32(x).to_le_bytes().to_vec()),
    ] {
        assert_eq!(read(dtype, word).unwrap(), expected, "{dtype:?}");
    }
}

#[test]
fn what_is_no_linear_classifier_is_refused_with_a_reason() {
    let weight = || Tensor::f32("weight", &[1, 2], &[1.0, 2.0]);
    let bias = || Tensor::f32("bias", &[1], &[0.0]);
    let integer = Tensor { name: "bias", dtype: Dtype::I32, shape: vec![1], bytes: vec![0; 4] };
    let cases = [
        (import(&[weight()]), "no tensor \"bias\", it has: weight"),
        (import(&[Tensor::f32("fc.weight", &[1, 1], &[1.0])]), "no tensor \"fc.bias\""),
        (import(&[]), "it has: nothing"),
        (import(&[weight(), bias(), Tensor::f32("more", &[1], &[0.0])]), "a tensor \"more\""),
        (import(&[Tensor::f32("weight", &[2, 2], &[1.0; 4]), bias()]), "shape [2, 2]\nhint: "),
        (import(&[Tensor::f32("weight", &[1, 1, 2], &[1.0; 2]), bias()]), "shape [1, 1, 2]"),
        (import(&[Tensor::f32("weight", &[1, 0], &[]), bias()]), "shape [1, 0]"),
        (
            import(&[weight(), Tensor::f32("bias", &[3], &[0.0; 3])]),
            "\"weight\" has the shape [1, 2]",
        ),
        (import(&[weight(), integer]), "holds I32"),
        (import(&[weight(), Tensor::f32("bias", &[1], &[f32::NAN])]), "bias of the classifier"),
        (import(&[Tensor::f32("weight", &[1, 2], &[1.0, f32::NAN]), bias()]), "weight 1"),
    ];
    for (imported, reason) in cases {
        let message = imported.unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn weights_in_a_row_or_a_column_are_read_as_well() {
    let expected = file(vec![1.0, 2.0], 0.0, false);
    for shape in [&[2][..], &[2, 1]] {
        let weight = Tensor::f32("weight", shape, &[1.0, 2.0]);
        let scalar = Tensor::f32("bias", &[], &[0.0]);
        assert_eq!(import(&[weight, scalar]).unwrap(), expected, "{shape:?}");
    }
}

#[test]
fn sizes_are_checked_before_they_are_believed() {
    let header = (MAX_HEADER_BYTES + 1).to_le_bytes();
    let refused = ClassifierFile::from_safetensors(&header).unwrap_err();
    assert!(matches!(refused, ImportError::HeaderTooLong { .. }), "{refused}");

    let many = vec![0.0; MAX_DIMENSION + 1];
    let weight = Tensor::f32("weight", &[1, many.len()], &many);
    let refused = import(&[weight, Tensor::f32("bias", &[1], &[0.0])]).unwrap_err();
    assert!(matches!(refused, ImportError::TooManyWeights { .. }), "{refused}");

    let refused = ClassifierFile::from_json(&vec![b' '; MAX_JSON_BYTES + 1]).unwrap_err();
    assert!(matches!(refused, ImportError::JsonTooLong { .. }), "{refused}");

    let json = serde_json::to_vec(&serde_json::json!({ "weights": many, "bias": 0.0 })).unwrap();
    let refused = ClassifierFile::from_json(&json).unwrap_err();
    assert!(matches!(refused, ImportError::TooManyWeights { .. }), "{refused}");
}

#[test]
fn a_pickle_is_refused_with_a_hint() {
    let refused = ClassifierFile::from_safetensors(b"\x80\x02}q\x00.").unwrap_err().to_string();
    assert!(refused.contains("hint: export it with safetensors"), "{refused}");
}

/// The JSON of a file with a card, with one text replaced by another.
fn altered(from: &str, to: &str) -> ImportError {
    let json = String::from_utf8(file(vec![1.0, 2.0], 0.5, true).to_json().unwrap()).unwrap();
    assert!(json.contains(from), "{json}");
    ClassifierFile::from_json(json.replace(from, to).as_bytes()).unwrap_err()
}

#[test]
fn a_card_that_does_not_fit_is_refused() {
    let newer = altered("\"format\":1", "\"format\":3");
    assert!(matches!(newer, ImportError::NewerFormat { found: 3 }), "{newer}");
    let cases = [
        (altered("\"dimension\":2", "\"dimension\":3"), "speaks of 3 weights"),
        (altered("\"threshold\":0.25", "\"threshold\":1e60"), "the threshold is not finite"),
        (altered("\"method\"", "\"mode\""), "missing field `method`"),
    ];
    for (error, reason) in cases {
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_card_may_hold_what_later_versions_add() {
    let json = String::from_utf8(file(vec![1.0], 0.5, true).to_json().unwrap()).unwrap();
    let json = json.replace("\"format\":1", "\"format\":1,\"licence\":\"any\"");
    assert!(ClassifierFile::from_json(json.as_bytes()).unwrap().card.is_some());
}

#[test]
fn what_an_audit_measured_travels_with_the_file_and_old_cards_have_none() {
    let interval = IntervalCard { low: 0.25, estimate: 0.5, high: 0.75 };
    let audit = AuditCard {
        precision: interval,
        recall: interval,
        f1: interval,
        n_relevant: IntervalCard { low: 200.0, estimate: 300.0, high: 400.0 },
        n_points: 2000,
        n_judged: 100,
        n_known: 30,
        basis: "drawn for this classifier".to_owned(),
    };
    let mut file = file(vec![0.5, -1.5], 0.25, true);
    file.card.as_mut().unwrap().audit = Some(audit);
    let read = ClassifierFile::from_safetensors(&file.to_safetensors().unwrap()).unwrap();
    assert_eq!(read, file);
    file.card.as_mut().unwrap().audit = None;
    let json = String::from_utf8(file.to_json().unwrap()).unwrap();
    let old = json.replace(",\"audit\":null", "");
    assert_ne!(old, json);
    assert_eq!(ClassifierFile::from_json(old.as_bytes()).unwrap(), file);
}
