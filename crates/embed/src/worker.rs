//! Decoding and tokenizing run beside the model, never inside it.
//!
//! Processing threads take chunks of contents from one iterator and prepare them; one thread owns
//! the model and embeds the chunks in the order in which they were taken; the caller's thread
//! receives them. Every chunk travels by its own one-shot channel, whose receiving end stands in a
//! bounded queue: the queue keeps the order and bounds how many chunks exist at all, and a chunk
//! that takes long delays those behind it without letting them pile up.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use linprobe_core::{BadContent, Content, EmbedError, Embedder, Embedding, Input};

/// What became of one content.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded<T> {
    /// What the caller gave with the content, to know it by.
    pub tag: T,
    /// Its embedding, or why it has none.
    pub embedding: Result<Embedding, BadContent>,
}

/// How [`embed_stream`] shares out the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// Contents to a chunk, the unit that is handed from thread to thread and to the sink. Of short texts up to
    /// sixteen times as many are taken, so that those of like length can go through a model together.
    pub batch_size: NonZeroUsize,
    /// Threads that decode and tokenize. At most this many chunks and four more exist at a time.
    pub n_threads: NonZeroUsize,
}

impl Default for StreamOptions {
    /// 64 contents to a chunk and a thread for every core.
    fn default() -> Self {
        let batch_size = const { NonZeroUsize::new(64).expect("64 is not zero") };
        let n_threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { batch_size, n_threads }
    }
}

/// Why a stream of embeddings ended before its contents did.
#[derive(Debug, thiserror::Error)]
pub enum StreamError<E> {
    /// The model failed as a whole.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The receiver of the embeddings wants no more.
    #[error(transparent)]
    Sink(E),
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// Embeds all contents and hands them over in their order, a chunk at a time.
///
/// Memory is bounded by [`StreamOptions`], however many contents there are. A content without an
/// embedding is handed over in its place, with the reason.
///
/// # Errors
/// The first error of the model or the sink. All work has ended when this returns.
pub fn embed_stream<T: Send, E>(
    embedder: &dyn Embedder,
    contents: impl Iterator<Item = (T, Content)> + Send,
    options: &StreamOptions,
    sink: impl FnMut(Vec<Embedded<T>>) -> Result<(), E>,
) -> Result<(), StreamError<E>> {
    let (queue, prepared) = sync_channel(options.n_threads.get());
    let (outbox, embedded) = sync_channel(1);
    let intake = Arc::new(Mutex::new(Intake { contents, queue, batch_size: options.batch_size }));
    thread::scope(|scope| {
        for n in 0..options.n_threads.get() {
            let intake = Arc::clone(&intake);
            thread::Builder::new()
                .name(format!("process-{n}"))
                .spawn_scoped(scope, move || process_all(embedder, &intake))
                .map_err(StreamError::Thread)?;
        }
        // The queue must close with the last processing thread.
        drop(intake);
        thread::Builder::new()
            .name("model".to_owned())
            .spawn_scoped(scope, move || embed_all(embedder, prepared, &outbox))
            .map_err(StreamError::Thread)?;
        deliver(embedded, sink)
    })
}

/// Where the processing threads take their chunks from, one thread at a time.
struct Intake<T, I> {
    contents: I,
    queue: SyncSender<Receiver<Prepared<T>>>,
    batch_size: NonZeroUsize,
}

/// The bytes of a text that takes as much of a chunk as any other content does, and those of the shortest that counts.
const LONG_TEXT: usize = 1024;
const SHORT_TEXT: usize = 64;

/// How much of a chunk a content takes.
fn weight(content: &Content) -> usize {
    match content {
        Content::Text(text) => text.len().clamp(SHORT_TEXT, LONG_TEXT),
        _ => LONG_TEXT,
    }
}

/// A chunk of contents and where to send it once it is prepared.
type Taken<T> = (Vec<(T, Content)>, SyncSender<Prepared<T>>);

impl<T, I: Iterator<Item = (T, Content)>> Intake<T, I> {
    /// Takes a chunk and queues it for the model, waiting until there is room. None when there is
    /// no more to take, or the model has gone.
    fn take(&mut self) -> Option<Taken<T>> {
        let mut chunk = Vec::new();
        let mut room = self.batch_size.get().saturating_mul(LONG_TEXT);
        while room > 0
            && let Some(next) = self.contents.next()
        {
            room = room.saturating_sub(weight(&next.1));
            chunk.push(next);
        }
        if chunk.is_empty() {
            return None;
        }
        let (done, prepared) = sync_channel(1);
        self.queue.send(prepared).ok()?;
        Some((chunk, done))
    }
}

/// A chunk that is ready for the model: the tag of every content with its input, or why it was refused.
type Prepared<T> = Vec<(T, Result<Input, BadContent>)>;

fn process_all<T>(
    embedder: &dyn Embedder,
    intake: &Mutex<Intake<T, impl Iterator<Item = (T, Content)>>>,
) {
    // A poisoned lock means that the iterator has panicked, and so will the whole stream.
    while let Some((chunk, done)) = intake.lock().ok().and_then(|mut intake| intake.take()) {
        if done.send(process_chunk(embedder, chunk)).is_err() {
            return;
        }
    }
}

fn process_chunk<T>(embedder: &dyn Embedder, chunk: Vec<(T, Content)>) -> Prepared<T> {
    chunk.into_iter().map(|(tag, content)| (tag, embedder.process(&content))).collect()
}

type Outcome<T> = Result<Vec<Embedded<T>>, EmbedError>;

fn embed_all<T>(
    embedder: &dyn Embedder,
    queue: Receiver<Receiver<Prepared<T>>>,
    outbox: &SyncSender<Outcome<T>>,
) {
    for prepared in queue {
        // A thread that panicked while preparing leaves nothing here.
        let Ok(prepared) = prepared.recv() else { return };
        let outcome = embed_chunk(embedder, prepared);
        let failed = outcome.is_err();
        if outbox.send(outcome).is_err() || failed {
            return;
        }
    }
}

fn embed_chunk<T>(embedder: &dyn Embedder, prepared: Prepared<T>) -> Outcome<T> {
    let mut inputs = Vec::with_capacity(prepared.len());
    let ready = prepared.into_iter().map(|(tag, input)| (tag, input.map(|it| inputs.push(it))));
    let ready: Vec<(T, Result<(), BadContent>)> = ready.collect();
    let embeddings = embedder.embed(&inputs)?;
    if embeddings.len() != inputs.len() {
        return Err(miscounted(embedder, inputs.len(), embeddings.len()));
    }
    let mut embeddings = embeddings.into_iter();
    let embedded = ready.into_iter().map(|(tag, ready)| {
        let mut next = || embeddings.next().expect("there are as many as inputs");
        Embedded { tag, embedding: ready.and_then(|()| next()) }
    });
    Ok(embedded.collect())
}

fn miscounted(embedder: &dyn Embedder, n_inputs: usize, n_embeddings: usize) -> EmbedError {
    let source = format!("it gave {n_embeddings} embeddings for {n_inputs} inputs").into();
    EmbedError::Engine { model: embedder.model().id.clone(), source }
}

fn deliver<T, E>(
    embedded: Receiver<Outcome<T>>,
    mut sink: impl FnMut(Vec<Embedded<T>>) -> Result<(), E>,
) -> Result<(), StreamError<E>> {
    embedded.into_iter().try_for_each(|chunk| sink(chunk?).map_err(StreamError::Sink))
}
