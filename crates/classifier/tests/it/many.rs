//! Many classes in one file: written in every form, read back one by one, replaced row by row.

use linprobe_classifier::{
    BadHead, Card, ClassifierFile, ExportError, Head, HeadClass, ImportError, LinearClassifier,
    ReadClass,
};
use proptest::prelude::*;

use crate::formats::card;

type Writer = fn(&Head) -> Result<Vec<u8>, ExportError>;

/// The forms that keep names and cards.
const NAMED: [Writer; 4] = [Head::to_safetensors, Head::to_json, Head::to_onnx, Head::to_npz];

fn class(name: &str, weights: &[f32], bias: f32) -> HeadClass {
    let classifier = LinearClassifier::new(weights, bias).unwrap();
    let card = Card { name: name.to_owned(), threshold: bias / 2.0, ..card(weights.len()) };
    HeadClass { classifier, card }
}

fn animals() -> Vec<HeadClass> {
    vec![
        class("cat", &[1.0, -0.0, 0.25], 0.5),
        class("dög", &[f32::MIN_POSITIVE / 2.0, 3.0, -1e30], -1.5),
        class("0", &[0.1, 0.2, 0.3], 0.0),
    ]
}

fn bits(classifier: &LinearClassifier) -> Vec<u32> {
    let weights = classifier.weights().iter().copied();
    weights.chain([classifier.bias()]).map(f32::to_bits).collect()
}

#[test]
fn each_class_is_read_back_by_its_name_and_is_the_classifier_that_it_was() {
    let head = Head::new(animals()).unwrap();
    for write in NAMED {
        let bytes = write(&head).unwrap();
        for HeadClass { classifier, card } in head.classes() {
            let read = ClassifierFile::read(&bytes, Some(&card.name)).unwrap();
            assert_eq!(bits(&read.classifier), bits(classifier));
            assert_eq!(read.card.as_ref(), Some(card));
        }
        let all = ReadClass::read_all(&bytes).unwrap();
        let names: Vec<&str> = all.iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["cat", "dög", "0"]);
        let refused = ClassifierFile::read(&bytes, None).unwrap_err().to_string();
        assert!(
            refused.starts_with("the file has 3 classes: \"cat\", \"dög\", \"0\""),
            "{refused}"
        );
    }
}

#[test]
fn a_state_dict_has_no_names_and_its_rows_are_told_by_number() {
    let head = Head::new(animals()).unwrap();
    let bytes = head.to_torch().unwrap();
    for (number, class) in head.classes().iter().enumerate() {
        let read = ClassifierFile::read(&bytes, Some(&number.to_string())).unwrap();
        assert_eq!((bits(&read.classifier), read.card), (bits(&class.classifier), None));
    }
    let names = ReadClass::read_all(&bytes).unwrap().into_iter().map(|class| class.name);
    assert_eq!(names.collect::<Vec<_>>(), ["0", "1", "2"]);
}

#[test]
fn a_head_of_one_class_is_a_classifier() {
    let cat = class("cat", &[1.0, -0.0, 0.25], 0.5);
    let head = Head::new(vec![cat.clone()]).unwrap();
    for write in NAMED {
        let read = ClassifierFile::read(&write(&head).unwrap(), None).unwrap();
        assert_eq!((read.classifier, read.card), (cat.classifier.clone(), Some(cat.card.clone())));
    }
}

#[test]
fn classes_that_do_not_belong_together_are_refused() {
    assert_eq!(Head::new(Vec::new()), Err(BadHead::Empty));
    let twice = Head::new(vec![class("cat", &[1.0], 0.0), class("cat", &[2.0], 0.0)]);
    assert!(matches!(twice, Err(BadHead::SameName { .. })), "{twice:?}");
    let wider = Head::new(vec![class("cat", &[1.0], 0.0), class("dog", &[2.0, 1.0], 0.0)]);
    assert!(matches!(wider, Err(BadHead::OtherModel { .. })), "{wider:?}");
    let mut dog = class("dog", &[2.0], 0.0);
    dog.card.model.fingerprint = "another".to_owned();
    let refused = Head::new(vec![class("cat", &[1.0], 0.0), dog]).unwrap_err().to_string();
    assert!(refused.contains("\"dog\" was made with builtin/static"), "{refused}");
}

#[test]
fn a_head_in_json_that_does_not_fit_together_is_refused() {
    let json = String::from_utf8(Head::new(animals()).unwrap().to_json().unwrap()).unwrap();
    let ragged = json.replace("\"weights\":[1.0,-0.0,0.25]", "\"weights\":[1.0]");
    assert_ne!(ragged, json);
    let refused = ClassifierFile::read(ragged.as_bytes(), Some("cat")).unwrap_err().to_string();
    assert!(refused.contains("the class \"dög\" has 3 weights, the first one 1"), "{refused}");
    let newer = json.replace("\"format\":2", "\"format\":3");
    let refused = ClassifierFile::read(newer.as_bytes(), Some("cat")).unwrap_err();
    assert!(matches!(refused, ImportError::NewerFormat { found: 3 }), "{refused}");
    let both = json.replacen('{', "{\"bias\":1,", 1);
    let refused = ClassifierFile::read(both.as_bytes(), Some("cat")).unwrap_err().to_string();
    assert!(refused.contains("none beside"), "{refused}");
}

proptest! {
    #[test]
    fn a_row_that_is_replaced_leaves_every_other_as_it_is(
        rows in prop::collection::vec(prop::collection::vec(-1e6_f32..1e6, 4), 1..6),
        place in any::<prop::sample::Index>(),
    ) {
        let classes = rows.iter().enumerate();
        let mut classes: Vec<HeadClass> =
            classes.map(|(n, weights)| class(&format!("class {n}"), weights, weights[0])).collect();
        let before = Head::new(classes.clone()).unwrap();
        let place = place.index(classes.len());
        classes[place] = class(&format!("class {place}"), &[9.0, 8.0, 7.0, 6.0], 5.0);
        let after = Head::new(classes).unwrap();
        for write in NAMED {
            let read = |head: &Head| ReadClass::read_all(&write(head).unwrap()).unwrap();
            for (n, (a, b)) in read(&before).iter().zip(read(&after)).enumerate() {
                let is_same = bits(&a.file.classifier) == bits(&b.file.classifier);
                prop_assert_eq!(is_same, n != place || before == after);
            }
        }
    }
}
