//! The promises of `embed_stream`: order, bounded memory, and a clean end whatever goes wrong.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
};

use linprobe_core::{
    BadContent, Content, EmbedError, Embedder, Embedding, Input, Modalities, ModelSpec,
};
use linprobe_embed::{Embedded, StreamError, StreamOptions, embed_stream, precomputed};
use proptest::prelude::*;

const DIMENSION: usize = 4;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Vectors without direction are bad contents: they keep their place like all others.
    #[test]
    fn every_content_is_answered_once_and_in_its_place(
        signs in prop::collection::vec(-1_i8..=1, 0..300),
        batch_size in 1_usize..40,
        n_threads in 1_usize..5,
    ) {
        let contents = signs.iter().enumerate().map(|(n, sign)| (n, vector(f32::from(*sign))));
        let embedder = precomputed("test", DIMENSION);
        let options = options(batch_size, n_threads);
        let mut answers = Vec::new();
        embed_stream(&*embedder, contents, &options, |chunk| {
            assert!((1..=batch_size).contains(&chunk.len()));
            answers.extend(chunk);
            Ok::<_, ()>(())
        }).unwrap();
        prop_assert_eq!(answers.len(), signs.len());
        for (n, (answer, sign)) in answers.into_iter().zip(signs).enumerate() {
            prop_assert_eq!(answer.tag, n);
            let first = answer.embedding.map(|embedding| embedding.as_slice()[0]);
            if sign == 0 {
                prop_assert!(matches!(first, Err(BadContent::NoDirection(_))));
            } else {
                prop_assert_eq!(first, Ok(f32::from(sign)));
            }
        }
    }
}

/// A sink that takes nothing keeps the contents from being read.
#[test]
fn contents_are_read_no_faster_than_they_are_taken() {
    let n_read = AtomicUsize::new(0);
    let contents = (0..10_000).map(|n| {
        n_read.fetch_add(1, Ordering::SeqCst);
        (n, vector(1.0))
    });
    let options = options(10, 2);
    let mut n_taken = 0;
    embed_stream(&*precomputed("test", DIMENSION), contents, &options, |chunk| {
        n_taken += chunk.len();
        let chunks_ahead = (n_read.load(Ordering::SeqCst) - n_taken) / 10;
        assert!(chunks_ahead <= 2 + 4, "{chunks_ahead} chunks are ahead");
        Ok::<_, ()>(())
    })
    .unwrap();
    assert_eq!(n_taken, 10_000);
}

/// Without a bound a dataset of empty texts would be one chunk.
#[test]
fn a_chunk_holds_more_texts_the_shorter_they_are_and_no_more_than_sixteen_times_as_many() {
    for (n_bytes, n_expected) in [(0, 160), (64, 160), (512, 20), (2048, 10)] {
        let contents = (0..1_000).map(|n| (n, Content::Text("x".repeat(n_bytes))));
        let mut chunks = Vec::new();
        embed_stream(&*precomputed("test", DIMENSION), contents, &options(10, 2), |chunk| {
            chunks.push(chunk.len());
            Ok::<_, ()>(())
        })
        .unwrap();
        assert_eq!(chunks.iter().sum::<usize>(), 1_000);
        assert_eq!(chunks.first(), Some(&n_expected), "{n_bytes} bytes");
        assert!(chunks.iter().all(|n| *n <= n_expected), "{chunks:?}");
    }
}

#[test]
fn a_sink_that_wants_no_more_ends_the_stream_with_its_error() {
    let contents = (0..).map(|n| (n, vector(1.0)));
    let mut n_chunks = 0;
    let ended = embed_stream(&*precomputed("test", DIMENSION), contents, &options(8, 2), |_| {
        n_chunks += 1;
        if n_chunks == 3 { Err("full") } else { Ok(()) }
    });
    assert!(matches!(ended, Err(StreamError::Sink("full"))));
    assert_eq!(n_chunks, 3);
}

#[test]
fn a_model_that_fails_ends_the_stream_after_what_came_before() {
    let model = Failing::new(3);
    let contents = (0..).map(|n| (n, vector(1.0)));
    let mut tags = Vec::new();
    let ended = embed_stream(&model, contents, &options(8, 2), |chunk: Vec<Embedded<i32>>| {
        tags.extend(chunk.into_iter().map(|embedded| embedded.tag));
        Ok::<_, ()>(())
    });
    assert!(matches!(ended, Err(StreamError::Embed(EmbedError::Engine { .. }))));
    assert_eq!(tags, (0..24).collect::<Vec<_>>());
}

#[test]
fn a_model_that_answers_too_little_or_too_much_is_an_error_and_shifts_nothing() {
    for n_answers in [7, 9] {
        let model = Failing { n_answers: Some(n_answers), ..Failing::new(usize::MAX) };
        let contents = (0..16).map(|n| (n, vector(1.0)));
        let ended = embed_stream(&model, contents, &options(8, 1), |_| Err("handed over"));
        assert!(matches!(ended, Err(StreamError::Embed(EmbedError::Engine { .. }))), "{ended:?}");
    }
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn a_panic_while_contents_are_read_ends_the_stream() {
    let contents = (0..).map(|n| if n == 50 { panic!("unreadable") } else { (n, vector(1.0)) });
    let embedder = precomputed("test", DIMENSION);
    embed_stream(&*embedder, contents, &options(8, 2), |_| Ok::<_, ()>(())).unwrap();
}

fn options(batch_size: usize, n_threads: usize) -> StreamOptions {
    StreamOptions {
        batch_size: NonZeroUsize::new(batch_size).unwrap(),
        n_threads: NonZeroUsize::new(n_threads).unwrap(),
    }
}

fn vector(first: f32) -> Content {
    Content::Vector { values: vec![first, 0.0, 0.0, 0.0], text: None }
}

/// A model that breaks at a batch.
struct Failing {
    spec: ModelSpec,
    n_batches: AtomicUsize,
    fails_at: usize,
    /// Answers so many times, whatever it is given.
    n_answers: Option<usize>,
}

impl Failing {
    fn new(fails_at: usize) -> Self {
        let spec = ModelSpec {
            id: "failing".to_owned(),
            revision: None,
            fingerprint: "failing".to_owned(),
            dimension: DIMENSION,
            modalities: Modalities::default(),
        };
        Self { spec, n_batches: AtomicUsize::new(0), fails_at, n_answers: None }
    }
}

impl Embedder for Failing {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    fn process(&self, _content: &Content) -> Result<Input, BadContent> {
        Ok(Input::Tokens(vec![1]))
    }

    fn embed(&self, batch: &[Input]) -> Result<Vec<Result<Embedding, BadContent>>, EmbedError> {
        if self.n_batches.fetch_add(1, Ordering::SeqCst) == self.fails_at {
            return Err(EmbedError::Engine {
                model: "failing".to_owned(),
                source: "broken".into(),
            });
        }
        let n_answers = self.n_answers.unwrap_or(batch.len());
        Ok((0..n_answers).map(|_| Ok(Embedding::normalize(vec![1.0; DIMENSION])?)).collect())
    }
}
