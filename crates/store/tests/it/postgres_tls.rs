//! Connections that are encrypted, as `sslmode` says. The servers at hand are built without it, so what stands before
//! one here does what a server does: it says that it can, and goes on encrypted.

use std::{path::PathBuf, sync::Arc};

use linprobe_core::{StoreError, VectorStore};
use linprobe_store::PgvectorStore;
use pollster::block_on;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;

use crate::postgres::{new_table, read, server, write};

/// Speaks TLS with a certificate for `localhost`, of an authority that nobody else knows.
struct Encrypting {
    port: u16,
    authority: PathBuf,
    _folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Encrypting {
    fn before(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("authority.pem");
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
        std::fs::write(&authority, params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = own.signed_by(&key, &issuer).unwrap().der().clone();
        let acceptor = acceptor(certificate, PrivateKeyDer::try_from(key.serialize_der()).unwrap());
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let own = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, acceptor.clone(), port));
            }
        });
        Self { port: own, authority, _folder: folder, _runtime: runtime }
    }
}

fn acceptor(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()))
}

async fn serve(mut client: TcpStream, acceptor: TlsAcceptor, port: u16) -> std::io::Result<()> {
    // The request for encryption: its length and its code.
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47]);
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn whom_a_mode_believes_is_whom_libpq_would_believe() {
    let table = new_table();
    write(&server().address(&table), 2).unwrap();
    let line = Encrypting::before(server().port());
    let open = |host: &str, mode: &str| -> Result<PgvectorStore, StoreError> {
        let root = line.authority.display();
        let mode = mode.replace("CA", &format!("&sslrootcert={root}"));
        let port = line.port;
        read(&format!("postgres://postgres@{host}:{port}/postgres?table={table}&sslmode={mode}"))
    };
    for (host, mode) in [
        ("127.0.0.1", "prefer"),
        ("127.0.0.1", "require"),
        ("127.0.0.1", "requireCA"),
        ("127.0.0.1", "verify-caCA"),
        ("localhost", "verify-fullCA"),
    ] {
        let opened = open(host, mode).unwrap_or_else(|error| panic!("{host} {mode}: {error}"));
        assert_eq!(block_on(opened.count()).unwrap(), 0, "{host} {mode}");
    }
    for (host, mode, word) in [
        ("127.0.0.1", "verify-fullCA", "not valid for name"),
        ("localhost", "verify-full", "UnknownIssuer"),
        ("localhost", "verify-ca", "UnknownIssuer"),
    ] {
        let refused = open(host, mode).unwrap_err();
        assert!(matches!(refused, StoreError::Refused { .. }), "{refused:?}");
        let said = refused.to_string();
        assert!(said.contains(word) && said.contains("sslmode="), "{host} {mode}: {said}");
    }
}
