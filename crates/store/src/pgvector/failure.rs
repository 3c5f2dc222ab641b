//! What went wrong with a server, whether it passes by itself, and what a person can do about it.

use std::{error::Error as _, io, time::Duration};

use linprobe_core::StoreError;
use tokio_postgres::error::SqlState;

use super::address::Address;

/// Why a statement was not answered.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server, or the way to it.
    Server(tokio_postgres::Error),
    /// Nothing came back for so long.
    Silent(Duration),
    /// This machine.
    System(io::Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl Failure {
    /// Whether the same may go well a little later: the server starts again, a connection broke, others were in the
    /// way. A server that says nothing was waited for long enough.
    pub(super) fn is_transient(&self) -> bool {
        let Self::Server(error) = self else { return false };
        match error.code() {
            Some(code) => {
                code.code().starts_with("08")
                    || [
                        SqlState::ADMIN_SHUTDOWN,
                        SqlState::CRASH_SHUTDOWN,
                        SqlState::CANNOT_CONNECT_NOW,
                        SqlState::T_R_SERIALIZATION_FAILURE,
                        SqlState::T_R_DEADLOCK_DETECTED,
                        SqlState::TOO_MANY_CONNECTIONS,
                    ]
                    .contains(code)
            }
            None => is_of_the_network(error),
        }
    }

    /// The same for a person.
    pub(super) fn into_error(self, address: &Address) -> StoreError {
        let store = address.shown.clone();
        match self {
            Self::Silent(limit) => {
                let words = format!("no answer within {} s", limit.as_secs());
                StoreError::Unreachable { store, source: words.into() }
            }
            Self::System(source) => StoreError::Failed { store, source: source.into() },
            Self::Server(error) => of_server(&error, address),
        }
    }
}

fn is_of_the_network(error: &tokio_postgres::Error) -> bool {
    let is_io = error.source().is_some_and(<dyn std::error::Error>::is::<io::Error>);
    error.is_closed() || (is_io && !is_of_tls(error))
}

/// The client tells a failed handshake apart in its words only.
fn is_of_tls(error: &tokio_postgres::Error) -> bool {
    error.to_string() == "error performing TLS handshake"
}

fn of_server(error: &tokio_postgres::Error, address: &Address) -> StoreError {
    let told = Told { address, reason: words(error) };
    match error.code() {
        Some(code) => told.with_code(code),
        None if is_of_tls(error) => told.refused(
            "sslmode= in the address says whether to encrypt and whom to believe, sslrootcert= whose certificates",
        ),
        None if is_of_the_network(error) => told.unreachable(),
        None if told.reason.contains("password missing") => told.refused(NO_PASSWORD),
        None => told.failed(),
    }
}

/// What a server has told, about to become an error.
struct Told<'a> {
    address: &'a Address,
    reason: String,
}

impl Told<'_> {
    fn with_code(self, code: &SqlState) -> StoreError {
        match code {
            &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                self.refused(NO_PASSWORD)
            }
            &SqlState::INSUFFICIENT_PRIVILEGE => {
                let user = self.address.user();
                let hint = format!(
                    "let its owner say: GRANT SELECT ON the table TO {user}; to write also INSERT, UPDATE, DELETE"
                );
                self.refused(hint)
            }
            &SqlState::READ_ONLY_SQL_TRANSACTION => {
                self.refused("name the primary server, and a user who may write")
            }
            &SqlState::QUERY_CANCELED => {
                let seconds = self.address.timeout.as_secs();
                self.refused(format!(
                    "it may take {seconds} s: allow more with &timeout=seconds in the address"
                ))
            }
            &SqlState::TOO_MANY_CONNECTIONS => self.refused("wait until others have gone"),
            code if code.code().starts_with("08") || code.code().starts_with("57P") => {
                self.unreachable()
            }
            code => match hint_for_table(code) {
                Some(hint) => self.unfit(hint),
                None => self.failed(),
            },
        }
    }

    fn refused(self, hint: impl Into<String>) -> StoreError {
        let store = self.address.shown.clone();
        StoreError::Refused { store, reason: self.reason, hint: hint.into() }
    }

    fn unfit(self, hint: &str) -> StoreError {
        let store = self.address.shown.clone();
        StoreError::Unfit { store, reason: self.reason, hint: hint.to_owned() }
    }

    fn unreachable(self) -> StoreError {
        StoreError::Unreachable { store: self.address.shown.clone(), source: self.reason.into() }
    }

    fn failed(self) -> StoreError {
        StoreError::Failed { store: self.address.shown.clone(), source: self.reason.into() }
    }
}

fn hint_for_table(code: &SqlState) -> Option<&'static str> {
    Some(match code {
        &SqlState::INVALID_CATALOG_NAME | &SqlState::INVALID_SCHEMA_NAME => {
            "name a database and a schema that are there"
        }
        &SqlState::UNDEFINED_TABLE | &SqlState::UNDEFINED_COLUMN => {
            "see whether the table is still there, with its columns"
        }
        &SqlState::NOT_NULL_VIOLATION => {
            "only ids and embeddings are written: let the other columns be empty, or have defaults"
        }
        _ => return None,
    })
}

const NO_PASSWORD: &str = "give the password in PGPASSWORD, in ~/.pgpass or in the address; it is not kept in the project";

/// The server's own words, or those of the client and what caused it.
fn words(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        let detail = said.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{detail}", said.message());
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
