//! Connections, and statements that are asked over them until they are answered or it makes no sense any more.
//!
//! Whatever is asked stands in a transaction, and what it needs is set for that transaction alone: a pooler between
//! here and the server may give the next one to somebody else. A connection on which anything failed is closed; the
//! next statement gets another.

use std::{
    fmt,
    future::Future,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use linprobe_core::StoreError;
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use super::{address::Address, failure::Failure, tls::Tls};
use crate::remote::{RETRIES, RETRIES_TO_OPEN, Retries, sleep, spawn, within};

/// A connection that was used this recently is taken to be alive.
const FRESH: Duration = Duration::from_secs(30);

/// An older one has so long to say that it is.
const PING: Duration = Duration::from_secs(5);

/// The server gives up by itself when a statement takes too long. One that says nothing for so much longer is
/// gone.
const GRACE: Duration = Duration::from_secs(5);

/// Connections that are kept when nobody uses them.
const MAX_IDLE: usize = 4;

/// Connections to one server.
pub(super) struct Pool {
    address: Address,
    tls: Tls,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    client: Client,
    since: Instant,
}

/// What statements may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Look, the first time.
    Open,
    /// Look.
    Read,
    /// Write, all of them or none.
    Write,
}

/// A statement and the values of its parameters.
pub(super) struct Statement<'a> {
    pub(super) sql: String,
    pub(super) values: Vec<Value<'a>>,
}

/// The value of a parameter.
pub(super) enum Value<'a> {
    Text(&'a str),
    Texts(Vec<&'a str>),
    Reals(&'a [f32]),
    Double(f64),
    Int(i64),
}

impl Pool {
    /// Makes no connection yet.
    pub(super) fn new(address: Address) -> Result<Self, StoreError> {
        let tls = Tls::new(&address.trust).map_err(|reason| StoreError::Address {
            address: address.shown.clone(),
            reason,
            hint: "sslrootcert= names a file of certificates in PEM".to_owned(),
        })?;
        Ok(Self { address, tls, idle: Mutex::default() })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The rows of one statement.
    pub(super) async fn rows(
        &self,
        deed: Deed,
        statement: Statement<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut answers = self.ask(deed, &[statement]).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// The rows of each statement, in one transaction. What is written may be written twice, when a connection
    /// breaks before the server has said that it is done: so it has to be something that does no harm twice.
    pub(super) async fn ask(
        &self,
        deed: Deed,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        let mut retries = Retries::new(if deed == Deed::Open { RETRIES_TO_OPEN } else { RETRIES });
        loop {
            let failure = match self.attempt(deed, statements).await {
                Ok(answers) => return Ok(answers),
                Err(failure) => failure,
            };
            let wait = if failure.is_transient() { retries.next_wait() } else { None };
            let Some(wait) = wait else { return Err(failure.into_error(&self.address)) };
            if let Err(error) = sleep(wait).await {
                return Err(Failure::System(error).into_error(&self.address));
            }
        }
    }

    async fn attempt(
        &self,
        deed: Deed,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, Failure> {
        let client = self.connection().await?;
        let timeout = self.address.timeout;
        let access = if deed == Deed::Write { "" } else { " READ ONLY" };
        let ms = timeout.as_millis();
        let begin = format!("BEGIN{access}; SET LOCAL statement_timeout = {ms}");
        answer(timeout + GRACE, client.batch_execute(&begin)).await?;
        let mut answers = Vec::with_capacity(statements.len());
        for statement in statements {
            answers.push(answer(timeout + GRACE, statement.run(&client)).await?);
        }
        answer(timeout + GRACE, client.batch_execute("COMMIT")).await?;
        self.keep(client);
        Ok(answers)
    }

    /// A connection that is alive, as far as can be told.
    async fn connection(&self) -> Result<Client, Failure> {
        while let Some(Idle { client, since }) = self.take() {
            let is_alive = !client.is_closed()
                && (since.elapsed() < FRESH
                    || answer(PING, client.check_connection()).await.is_ok());
            if is_alive {
                return Ok(client);
            }
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<Client, Failure> {
        let (server, tls) = (self.address.server.clone(), self.tls.clone());
        let connecting = spawn(async move {
            let (client, connection) = server.connect(tls).await?;
            drop(spawn(connection));
            Ok::<_, tokio_postgres::Error>(client)
        })?;
        let abort = connecting.abort_handle();
        let limit = self.address.connect_timeout;
        match within(limit, connecting).await? {
            Ok(connected) => Ok(connected.map_err(io::Error::other)??),
            Err(_elapsed) => {
                abort.abort();
                Err(Failure::Silent(limit))
            }
        }
    }

    fn take(&self) -> Option<Idle> {
        self.lock().pop()
    }

    fn keep(&self, client: Client) {
        let mut idle = self.lock();
        if idle.len() < MAX_IDLE {
            idle.push(Idle { client, since: Instant::now() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("address", &self.address.shown).finish_non_exhaustive()
    }
}

impl Statement<'_> {
    async fn run(&self, client: &Client) -> Result<Vec<Row>, tokio_postgres::Error> {
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            self.values.iter().map(Value::typed).collect();
        client.query_typed(&self.sql, &values).await
    }
}

impl Value<'_> {
    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Text(value) => (value, Type::TEXT),
            Self::Texts(values) => (values, Type::TEXT_ARRAY),
            Self::Reals(values) => (values, Type::FLOAT4_ARRAY),
            Self::Double(value) => (value, Type::FLOAT8),
            Self::Int(value) => (value, Type::INT8),
        }
    }
}

/// Waits for an answer, but no longer than this.
async fn answer<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Failure> {
    match within(limit, asked).await? {
        Ok(answered) => Ok(answered?),
        Err(_elapsed) => Err(Failure::Silent(limit)),
    }
}
