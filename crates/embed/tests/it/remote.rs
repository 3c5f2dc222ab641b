//! Models on servers: what is sent, what comes back, and what is done when nothing does.

use std::{io::Write, sync::Arc, time::Duration};

use linprobe_core::{Content, Embedder, Embedding};
use linprobe_embed::{OpenError, OpenOptions, RemoteConfig, RemoteError, open};
use linprobe_hub::HubConfig;

use crate::remote_server::{Behaviour, REFUSED, RemoteServer};

#[test]
fn either_protocol_gives_the_vectors_in_the_order_of_the_texts() {
    let server = RemoteServer::start(Behaviour::default());
    for (name, path) in [(server.address(), "/embed"), (&server.openai(), "/v1/embeddings")] {
        let embedder = open(name, &options()).unwrap();
        assert_eq!(embedder.model().dimension, 3);
        assert_eq!(embedder.model().id, name);
        let texts: Vec<_> = (1..100).map(|n| "x".repeat(n)).collect();
        let embedded = embed(&embedder, &texts);
        for (n, embedding) in (1_u8..).zip(embedded) {
            let expected = Embedding::normalize([f32::from(n), f32::from(b'x'), 1.0]).unwrap();
            assert_eq!(embedding.unwrap(), expected);
        }
        assert_eq!(server.asked().last().unwrap().path, path);
    }
}

#[test]
fn a_request_holds_at_most_32_texts() {
    let server = RemoteServer::start(Behaviour::default());
    let embedder = open(&server.openai(), &options()).unwrap();
    embed(&embedder, &vec!["a dog".to_owned(); 70]);
    let asked = server.asked();
    let mut sizes: Vec<_> =
        asked[1..].iter().map(|asked| asked.body["input"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [6, 32, 32]);
    assert!(asked.iter().all(|asked| asked.body["model"] == "tiny"));
}

#[test]
fn a_server_that_has_too_much_to_do_is_asked_again() {
    let failures = ["429 Too Many Requests", "503 Service Unavailable", "500 Oops"];
    let server =
        RemoteServer::start(Behaviour { failures: failures.into(), ..Behaviour::default() });
    let embedder = open(&server.openai(), &options()).unwrap();
    assert_eq!(embedder.model().dimension, 3);
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_server_that_stays_down_is_named_with_its_words() {
    let server = RemoteServer::start(Behaviour {
        failures: vec!["503 Service Unavailable"; 100].into(),
        ..Behaviour::default()
    });
    let error = error_of(&server.openai());
    assert!(matches!(error, RemoteError::Busy { status: 503, .. }), "{error}");
    assert!(error.to_string().contains("the server said so"), "{error}");
}

#[test]
fn a_text_that_is_refused_is_an_error_in_its_own_place() {
    let server = RemoteServer::start(Behaviour::default());
    let embedder = open(server.address(), &options()).unwrap();
    let mut texts = vec!["a dog".to_owned(); 9];
    texts[5] = REFUSED.to_owned();
    for (idx, embedding) in embed(&embedder, &texts).into_iter().enumerate() {
        assert_eq!(embedding.is_err(), idx == 5, "{idx}");
    }
}

#[test]
fn a_token_is_sent_and_a_missing_one_is_told_with_its_variable() {
    let server = RemoteServer::start(Behaviour { token: Some("secret"), ..Behaviour::default() });
    let error = error_of(&server.openai());
    assert!(matches!(error, RemoteError::Unauthorized { .. }), "{error}");
    assert!(error.to_string().ends_with("hint: set LINPROBE_REMOTE_TOKEN"), "{error}");
    let mut options = options();
    options.remote.token = Some("secret".to_owned());
    open(&server.openai(), &options).unwrap();
}

#[test]
fn the_token_of_openai_goes_to_no_other_host() {
    let server = RemoteServer::start(Behaviour::default());
    let mut options = options();
    options.remote.openai_token = Some("secret".to_owned());
    open(&server.openai(), &options).unwrap();
    open(server.address(), &options).unwrap();
    assert!(server.asked().iter().all(|asked| asked.authorization.is_none()));
}

#[test]
fn offline_no_server_is_asked() {
    let server = RemoteServer::start(Behaviour::default());
    let mut options = options();
    options.hub.offline = true;
    let error = open(server.address(), &options).err().unwrap();
    assert!(matches!(error, OpenError::Remote(RemoteError::Offline { .. })), "{error}");
    assert!(server.asked().is_empty());
}

#[test]
fn vectors_of_another_length_than_at_first_are_refused() {
    let server = RemoteServer::start(Behaviour { n_grown: 1, ..Behaviour::default() });
    let embedder = open(server.address(), &options()).unwrap();
    let input = embedder.process(&Content::Text("a dog".to_owned())).unwrap();
    let error = embedder.embed(&[input]).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("3 dimensions before, and of 4 now"), "{cause}");
}

#[test]
fn an_answer_that_lacks_a_vector_is_no_answer() {
    let server = RemoteServer::start(Behaviour { forgets_one: true, ..Behaviour::default() });
    let error = error_of(&server.openai());
    assert!(error.to_string().contains("0 vectors for 1 texts"), "{error}");
}

#[test]
fn nothing_that_listens_is_told_with_a_hint() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = error_of(&name);
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("hint: is the server running"), "{error}");
}

#[test]
fn a_server_that_reads_no_further_is_told_as_silent_and_not_asked_again() {
    let server = RemoteServer::start(Behaviour { stalls: true, ..Behaviour::default() });
    let mut options = options();
    options.remote.patience = Duration::from_millis(300);
    let embedder = open(&server.openai(), &options).unwrap();
    // More than any system takes for a reader that has stopped.
    let long = Content::Text("x".repeat(64 << 20));
    let error = embedder.embed(&[embedder.process(&long).unwrap()]).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("took or gave nothing"), "{cause}");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_server_that_speaks_no_tls_is_asked_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("https://{}", listener.local_addr().unwrap());
    let (heard, n_heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            heard.send(()).unwrap();
            connection.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let error = error_of(&name);
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
    assert_eq!(n_heard.try_iter().count(), 1);
}

fn options() -> OpenOptions {
    let remote = RemoteConfig { pause: Duration::ZERO, ..RemoteConfig::from_variables(|_| None) };
    let hub = HubConfig::from_variables(|_| None);
    OpenOptions { hub, remote, ..OpenOptions::default() }
}

fn error_of(name: &str) -> RemoteError {
    match open(name, &options()).err().unwrap() {
        OpenError::Remote(error) => error,
        other => panic!("{other}"),
    }
}

fn embed(
    embedder: &Arc<dyn Embedder>,
    texts: &[String],
) -> Vec<Result<Embedding, linprobe_core::BadContent>> {
    let inputs = texts.iter().map(|text| embedder.process(&Content::Text(text.clone())).unwrap());
    embedder.embed(&inputs.collect::<Vec<_>>()).unwrap()
}
