//! Holds the built-in encoder to what Python computes from the same table, and its tokenizer to the
//! `tokenizers` crate.

use std::{path::Path, sync::OnceLock};

use linprobe_core::{BadContent, Content, EmbedError, Embedder, Embedding, Input};
use linprobe_embed::StaticEncoder;
use proptest::prelude::*;
use serde::Deserialize;
use tokenizers::{
    Tokenizer, models::wordpiece::WordPiece, normalizers::BertNormalizer,
    pre_tokenizers::bert::BertPreTokenizer,
};

static VOCABULARY: &str = include_str!("../../assets/minilm-static.vocab.txt");
const UNKNOWN: &str = "[UNK]";
const MAX_TOKENS: usize = 512;

/// A case of `fixtures/static/golden.json`, made by `scripts/static_golden.py`.
#[derive(Deserialize)]
struct Golden {
    text: String,
    repeat: usize,
    tokens: Vec<u32>,
    embedding: Option<Vec<f32>>,
}

#[test]
fn tokens_and_embeddings_are_those_of_python() {
    for case in golden() {
        let text = case.text.repeat(case.repeat);
        let shown = format!("{:?} x {}", case.text, case.repeat);
        assert_eq!(tokens(&text), case.tokens, "{shown}");
        let found = encoder()
            .process(&Content::Text(text))
            .ok()
            .map(|input| embed(&[input]).remove(0).unwrap());
        match (found, case.embedding) {
            (Some(found), Some(expected)) => {
                assert!(distance(&found, &expected) < 1e-5, "{shown}");
            }
            (found, expected) => assert_eq!(found.is_some(), expected.is_some(), "{shown}"),
        }
    }
}

#[test]
fn a_text_without_known_words_is_an_error_in_its_own_place() {
    for text in ["", " \n ", "👍", "\0"] {
        let refused = encoder().process(&Content::Text(text.to_owned()));
        assert!(matches!(refused, Err(BadContent::Undecodable(_))), "{text:?}");
    }
    let batch = [Input::Tokens(vec![5]), Input::Tokens(vec![]), Input::Tokens(vec![7])];
    let found: Vec<bool> = embed(&batch).iter().map(Result::is_ok).collect();
    assert_eq!(found, [true, false, true]);
}

#[test]
fn pictures_and_vectors_are_refused_by_kind() {
    let picture = encoder().process(&Content::Image(vec![0xff, 0xd8]));
    assert_eq!(picture, Err(BadContent::Kind { kind: "image" }));
    let vector = encoder().process(&Content::Vector { values: vec![1.0], text: None });
    assert_eq!(vector, Err(BadContent::Kind { kind: "vector" }));
}

#[test]
fn inputs_of_another_model_are_refused() {
    for foreign in [Input::Vector(vec![1.0]), Input::Tokens(vec![u32::MAX])] {
        let refused = encoder().embed(&[foreign]);
        assert!(matches!(refused, Err(EmbedError::ForeignInput { .. })));
    }
}

#[test]
fn words_of_one_subject_lie_closer_than_words_of_two() {
    let [stars, telescope, invoice] =
        ["stars and planets", "a telescope for astronomers", "send the invoice to the bank"]
            .map(|text| embed(&[Input::Tokens(tokens(text))]).remove(0).unwrap());
    assert!(stars.dot(telescope.as_slice()) > stars.dot(invoice.as_slice()) + 0.2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn tokens_are_those_of_the_tokenizers_crate(text in hostile_text()) {
        prop_assert_eq!(tokens(&text), reference_tokens(&text));
    }
}

/// Words of the vocabulary, words glued together, any character at all, and the characters that
/// tokenizers stumble over.
fn hostile_text() -> impl Strategy<Value = String> {
    let vocabulary: Vec<&str> = VOCABULARY.lines().collect();
    let word = proptest::sample::select(vocabulary).prop_map(|word| word.replace("##", ""));
    let awkward = proptest::sample::select(vec![
        " ",
        "\t",
        "\0",
        "\u{85}",
        "\u{a0}",
        "\u{200b}",
        "\u{301}",
        "\u{323}",
        "\u{302e}",
        "İ",
        "ß",
        "Σ",
        "中",
        "\u{f900}",
        "\u{2f800}",
        "¿",
        "—",
        "#",
        "'",
        "👍",
        "\u{ad}",
        "\u{fffd}",
        "\u{37e}",
        "각",
        "ﬁ",
    ]);
    let part = prop_oneof![
        3 => word,
        1 => awkward.prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[A-Za-z0-9 .,;-]{0,12}",
    ];
    let glue = proptest::sample::select(vec!["", " "]);
    proptest::collection::vec((part, glue), 0..40).prop_map(|parts| {
        parts.into_iter().flat_map(|(part, glue)| [part, glue.to_owned()]).collect()
    })
}

fn reference_tokens(text: &str) -> Vec<u32> {
    static REFERENCE: OnceLock<(Tokenizer, u32)> = OnceLock::new();
    let (tokenizer, unknown) = REFERENCE.get_or_init(reference);
    let encoding = tokenizer.encode_fast(text, false).unwrap();
    encoding.get_ids().iter().copied().filter(|token| token != unknown).take(MAX_TOKENS).collect()
}

fn reference() -> (Tokenizer, u32) {
    let mut vocabulary = WordPiece::read_bytes(VOCABULARY.as_bytes()).unwrap();
    let unknown = u32::try_from(vocabulary.len()).unwrap();
    vocabulary.insert(UNKNOWN.to_owned(), unknown);
    let model = WordPiece::builder().vocab(vocabulary).unk_token(UNKNOWN.to_owned());
    let mut tokenizer = Tokenizer::new(model.build().unwrap());
    tokenizer.with_normalizer(Some(BertNormalizer::default())).unwrap();
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    (tokenizer, unknown)
}

fn golden() -> Vec<Golden> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/static/golden.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn encoder() -> &'static StaticEncoder {
    static ENCODER: OnceLock<StaticEncoder> = OnceLock::new();
    ENCODER.get_or_init(|| StaticEncoder::builtin().unwrap())
}

fn tokens(text: &str) -> Vec<u32> {
    match encoder().process(&Content::Text(text.to_owned())) {
        Ok(Input::Tokens(tokens)) => tokens,
        _ => Vec::new(),
    }
}

fn embed(batch: &[Input]) -> Vec<Result<Embedding, BadContent>> {
    encoder().embed(batch).unwrap()
}

fn distance(found: &Embedding, expected: &[f32]) -> f32 {
    let differences = found.as_slice().iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f32::max)
}
