//! What speaks TLS before servers that do not.

use std::{path::PathBuf, sync::Arc};

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

/// What is said before a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Nothing,
    /// PostgreSQL is asked whether it can.
    OfPostgres,
}

/// Speaks TLS with a certificate for `localhost`, of an authority that nobody else knows.
pub(crate) struct Encrypting {
    pub(crate) port: u16,
    pub(crate) authority: PathBuf,
    _folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Encrypting {
    pub(crate) fn before(port: u16, opening: Opening) -> Self {
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
                tokio::spawn(serve(client, acceptor.clone(), (port, opening)));
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

async fn serve(
    mut client: TcpStream,
    acceptor: TlsAcceptor,
    (port, opening): (u16, Opening),
) -> std::io::Result<()> {
    if opening == Opening::OfPostgres {
        // The request for encryption: its length and its code.
        let mut request = [0; 8];
        client.read_exact(&mut request).await?;
        assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47]);
        client.write_all(b"S").await?;
    }
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
