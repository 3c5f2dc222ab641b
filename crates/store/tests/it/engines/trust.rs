//! Engines over TLS, with a certificate of an authority that nobody else knows.

use std::error::Error;

use linprobe_core::{StoreError, VectorStore};
use linprobe_store::{Access, PineconeStore, Variables, fake::FakeQdrant};
use pollster::block_on;
use serde_json::json;

use super::{fake_pinecone::FakePinecone, qdrant::read};
use crate::tls::{Encrypting, Opening};

fn line_to(host: &str) -> Encrypting {
    Encrypting::before(host.rsplit_once(':').unwrap().1.parse().unwrap(), Opening::Nothing)
}

#[track_caller]
fn assert_caused_by(error: &StoreError, words: &str) {
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(error.source().unwrap().to_string().contains(words), "{error:?}");
}

#[test]
fn qdrant_is_believed_where_the_address_names_who_vouches_for_it() {
    let server = FakeQdrant::start(None);
    server.make("items", json!({ "size": 2, "distance": "Cosine" }), &[]);
    let line = line_to(&server.http.host);
    let open = |host: &str, more: &str| {
        read(&format!("qdrant://{host}:{}/items?tls=true{more}", line.port))
    };
    let ca = format!("&ca={}", line.authority.display());
    assert_eq!(block_on(open("localhost", &ca).unwrap().count()).unwrap(), 0);
    assert_caused_by(&open("localhost", "").unwrap_err(), "UnknownIssuer");
    assert_caused_by(&open("127.0.0.1", &ca).unwrap_err(), "not valid for name");
    let nothing = tempfile::NamedTempFile::new().unwrap();
    for (file, words) in [
        ("/no/such/file".to_owned(), "ca=/no/such/file"),
        (nothing.path().display().to_string(), "no certificate in it"),
    ] {
        let refused = open("localhost", &format!("&ca={file}")).unwrap_err().to_string();
        assert!(refused.contains(words) && refused.contains("hint: qdrant://"), "{refused}");
    }
}

#[test]
fn so_is_pinecone() {
    let server = FakePinecone::start(2, "cosine", "key");
    let control = server.control("items", "key");
    let line = line_to(&control.host);
    let open = |address: &str| {
        let host = format!("https://localhost:{}", line.port);
        let variables = Variables::from_lookup(move |name| match name {
            "PINECONE_API_KEY" => Some("key".to_owned()),
            "PINECONE_CONTROLLER_HOST" => Some(host.clone()),
            _ => None,
        });
        block_on(PineconeStore::open(address, Access::Read, &variables))
    };
    let trusting = open(&format!("pinecone://items?ca={}", line.authority.display())).unwrap();
    assert_eq!(block_on(trusting.count()).unwrap(), 0);
    assert_caused_by(&open("pinecone://items").unwrap_err(), "UnknownIssuer");
}
