//! Connections that are encrypted, as `sslmode` says. The servers at hand are built without it, so what stands before
//! one here does what a server does: it says that it can, and goes on encrypted.

use linprobe_core::{StoreError, VectorStore};
use linprobe_store::PgvectorStore;
use pollster::block_on;

use crate::{
    postgres::{new_table, read, server, write},
    tls::{Encrypting, Opening},
};

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn whom_a_mode_believes_is_whom_libpq_would_believe() {
    let table = new_table();
    write(&server().address(&table), 2).unwrap();
    let line = Encrypting::before(server().port(), Opening::OfPostgres);
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
