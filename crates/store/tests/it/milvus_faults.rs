//! What goes wrong with a real server of Milvus: it is said clearly, or it passes, and nothing is lost or doubled.

use std::{
    error::Error,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use linprobe_core::{StoreError, VectorStore};
use linprobe_store::{
    Access, MilvusStore, Variables,
    test_server::{Admin, Line, MilvusServer, Proxy},
};
use pollster::block_on;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::{
    engines::new_name,
    faults::{best, points},
    milvus::{address, admin, read, said, write},
};

/// A collection with ten points.
fn collection_of_ten() -> String {
    let name = new_name();
    let store = write(&address(&name), 2).unwrap();
    block_on(store.upsert(&points(10))).unwrap();
    name
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus"]
fn a_crash_amid_writing_and_reading_loses_and_doubles_nothing() {
    let server = MilvusServer::start(&[]);
    let store = write(&server.address("points"), 2).unwrap();
    let all = points(3_000);
    block_on(store.upsert(&all[..10])).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for batch in all.chunks(20) {
                block_on(store.upsert(batch)).unwrap();
            }
        });
        scope.spawn(|| {
            for _ in 0..10 {
                assert_eq!(best(&store).unwrap(), 3);
            }
        });
        thread::park_timeout(Duration::from_millis(400));
        server.crash();
        server.up();
    });
    let mut scanned = block_on(store.scan(None, usize::MAX)).unwrap();
    let mut expected = all.clone();
    scanned.sort_by(|a, b| a.id.cmp(&b.id));
    expected.sort_by(|a, b| a.id.cmp(&b.id));
    assert!(scanned == expected, "{} of {}", scanned.len(), expected.len());
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn a_slow_line_is_waited_for_and_a_silent_one_is_given_up() {
    let name = collection_of_ten();
    let address = address(&format!("{name}?timeout=2"));
    let place = address.split_once("://").unwrap().1.split_once('/').unwrap().0;
    let proxy = Proxy::to(place.rsplit_once(':').unwrap().1.parse().unwrap());
    let address = address.replace(place, &format!("127.0.0.1:{}", proxy.port()));
    proxy.set(Line::Slow(Duration::from_millis(40)));
    let store = read(&address).unwrap();
    assert_eq!(best(&store).unwrap(), 3);
    proxy.set(Line::Silent);
    let started = Instant::now();
    let refused = [best(&store).unwrap_err(), read(&address).unwrap_err()];
    for error in refused {
        said(&error, &["cannot reach"]);
        assert!(error.source().unwrap().to_string().contains("no answer within 2 s"), "{error:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    proxy.set(Line::Good);
    assert_eq!(best(&store).unwrap(), 3);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn a_collection_that_goes_while_it_is_used_is_named() {
    let name = collection_of_ten();
    let store = read(&address(&name)).unwrap();
    admin().remove(&name);
    said(&best(&store).unwrap_err(), &[&name, "not found", "still there"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus"]
fn where_nothing_listens_is_told_soon() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = Instant::now();
    let error = read(&format!("milvus://127.0.0.1:{nobody}/items")).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    said(&error, &["cannot reach milvus://"]);
    assert!(error.source().unwrap().to_string().contains("refused"), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// A certificate for `localhost`, of an authority that nobody else knows: the authority's, its own, and its key.
fn certificate(folder: &tempfile::TempDir) -> [PathBuf; 3] {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&key, &issuer).unwrap().pem();
    [("authority.pem", authority), ("own.pem", own), ("own.key", key.serialize_pem())].map(
        |(name, text)| {
            let path = folder.path().join(name);
            #[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
            std::fs::write(&path, text).unwrap();
            path
        },
    )
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus"]
fn tokens_and_certificates_are_asked_for_and_no_token_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let [authority, own, key] = certificate(&folder).map(|path| path.display().to_string());
    let server = MilvusServer::start(&[
        "authorization_enabled=true",
        "tls_mode=1",
        &format!("server_pem_path={own}"),
        &format!("server_key_path={key}"),
        &format!("ca_pem_path={authority}"),
    ]);
    let place = format!("milvus://localhost:{}/items", server.port());
    let trusted = format!("{place}?tls=true&ca={authority}");
    let open = |address: &str, token: Option<&'static str>| {
        let variables = Variables::from_lookup(move |name| {
            token.filter(|_| name == "MILVUS_TOKEN").map(str::to_owned)
        });
        block_on(MilvusStore::open(address, Access::Write { dimension: 2 }, &variables))
    };
    let right = Some("root:Milvus");
    let store = open(&trusted, right).unwrap();
    block_on(store.upsert(&points(3))).unwrap();
    assert_eq!(best(&store).unwrap(), 3);
    said(&open(&trusted, None).unwrap_err(), &["refuses", "give the key in MILVUS_TOKEN"]);
    let wrong = open(&trusted, Some("root:wr0ng-token")).unwrap_err();
    said(&wrong, &["refuses", "whether the key in MILVUS_TOKEN is right"]);
    let shown = format!("{wrong} {wrong:?}");
    assert!(!shown.contains("wr0ng-token") && !shown.contains("cm9vdDp3cjBuZy10b2tlb"), "{shown}");
    let stranger = open(&format!("{place}?tls=true"), right).unwrap_err();
    said(&stranger, &["cannot reach"]);
    assert!(stranger.source().unwrap().to_string().contains("UnknownIssuer"), "{stranger:?}");
    let bare = open(&format!("{place}?timeout=3"), right).unwrap_err();
    assert!(matches!(bare, StoreError::Unreachable { .. }), "{bare:?}");
    let address = format!("milvus://127.0.0.1:{}/items?tls=true&ca={authority}", server.port());
    let another = open(&address, right).unwrap_err();
    assert!(another.source().unwrap().to_string().contains("not valid for name"), "{another:?}");
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus"]
fn a_user_who_may_only_read_reads_and_is_refused_to_write() {
    let server = MilvusServer::start(&["authorization_enabled=true"]);
    let address = server.address("items");
    let open = |access: Access, token: &'static str| {
        block_on(MilvusStore::open(&address, access, &with_token(token)))
    };
    let (all, writing) = (points(10), Access::Write { dimension: 2 });
    block_on(open(writing, "root:Milvus").unwrap().upsert(&all)).unwrap();
    let privileges = ["IndexDetail", "Query", "Search"];
    let admin = Admin::of(&address, &with_token("root:Milvus"));
    admin.make_user(["reader", "secret12"], "items", &privileges);
    // What users may do the server's parts hear of one after the other.
    let reading = (0..100).find_map(|_| {
        thread::park_timeout(Duration::from_millis(100));
        let store = open(Access::Read, "reader:secret12").ok()?;
        best(&store).is_ok().then_some(store)
    });
    let store = reading.expect("a user who may read");
    assert_eq!(block_on(store.count()).unwrap(), 10);
    let ids: Vec<_> = all.iter().map(|point| point.id.clone()).collect();
    assert_eq!(block_on(store.fetch(&ids)).unwrap(), all);
    assert_eq!(block_on(store.scan(None, 99)).unwrap().len(), 10);
    assert_eq!(block_on(store.sample(5, 1)).unwrap().len(), 5);
    said(&open(writing, "reader:secret12").unwrap_err(), &["refuses", "permission deny", "may do"]);
}

fn with_token(token: &'static str) -> Variables {
    Variables::from_lookup(move |name| (name == "MILVUS_TOKEN").then(|| token.to_owned()))
}
