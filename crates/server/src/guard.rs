//! Who may ask what: the checks that every request passes before a handler sees it.
//!
//! The server reads and writes what belongs to one person, often without a password, on a machine whose
//! browser also runs the scripts of strangers. So a request must name this server as its host, which no
//! page of a stranger can do even when its name is made to point here; it must not come from another
//! origin; it must carry a header that no form can send if it changes something; and where the server can
//! be reached from other machines, it must carry a token.

mod bucket;
mod headers;
mod origin;
mod token;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderName, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::{
    blocking::{Place, at_place},
    problem::{Kind, Problem},
    served::Shared,
};

use bucket::Bucket;
pub(crate) use headers::secure;
pub(crate) use origin::Hosts;
pub(crate) use token::{Tokens, random_name};

/// A request that changes something carries it: a form of another site cannot.
const CHANGES: HeaderName = HeaderName::from_static("x-linprobe");

/// Requests that are served at once, to those with the token and to others each.
const MAX_CONCURRENT: usize = 256;

/// Requests a second in the long run, and at once, of these and of those: one page that scrolls asks for hundreds.
const RATE: (u32, u32) = (500, 2000);

/// Tokens that may be tried a second in the long run, and at once: nobody mistypes faster.
const LOGIN_RATE: (u32, u32) = (1, 20);

/// How long a request may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What all requests are held to.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Hosts,
    tokens: Option<Tokens>,
    known: Lane,
    /// Those that come from elsewhere or without the token: however many there are, they take nothing from the others.
    strangers: Lane,
    logins: Bucket,
}

/// Requests that share their limits.
#[derive(Debug)]
struct Lane {
    rate: Bucket,
    places: Arc<Semaphore>,
}

impl Guard {
    pub(crate) fn new(hosts: Hosts, tokens: Option<Tokens>) -> Self {
        let (known, strangers) = (Lane::new(), Lane::new());
        Self { hosts, tokens, known, strangers, logins: Bucket::new(LOGIN_RATE) }
    }

    /// The cookie for a token; none where no token is needed.
    pub(crate) fn log_in(&self, token: &str) -> Result<Option<String>, Problem> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        if !self.logins.take() {
            return Err(too_many());
        }
        tokens.cookie_for(token).map(Some).ok_or_else(|| {
            let words = "this is not the token\nhint: the server printed it when it started";
            Problem::new(Kind::Unauthorized, words)
        })
    }

    /// Gives a request its place, or says what is wrong with it.
    fn admit(&self, request: &Request) -> Result<Place, Problem> {
        let sent = self.check_sender(request);
        let tokens = self.tokens.as_ref();
        let known = tokens.map_or(Ok(()), |tokens| tokens.check(request.headers()));
        let lane = if sent.is_ok() && known.is_ok() { &self.known } else { &self.strangers };
        let place = lane.enter()?;
        sent?;
        if !is_public(request.uri().path()) {
            known?;
        }
        Ok(place)
    }

    fn check_sender(&self, request: &Request) -> Result<(), Problem> {
        self.hosts.check(request.headers())?;
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if changes && !request.headers().contains_key(CHANGES) {
            let words = "a request that changes something must carry the header x-linprobe: 1";
            return Err(Problem::new(Kind::ForbiddenOrigin, words));
        }
        Ok(())
    }
}

impl Lane {
    fn new() -> Self {
        Self { rate: Bucket::new(RATE), places: Arc::new(Semaphore::new(MAX_CONCURRENT)) }
    }

    fn enter(&self) -> Result<Place, Problem> {
        if !self.rate.take() {
            return Err(too_many());
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map(Arc::new).map_err(|_full| {
            Problem::new(Kind::Busy, "too many requests at once\nhint: try again in a moment")
        })
    }
}

/// What may be had without a token: the page, which holds nothing, and the way to log in.
fn is_public(path: &str) -> bool {
    !path.starts_with("/api") || path == "/api/health" || path == "/api/login"
}

fn too_many() -> Problem {
    Problem::new(Kind::TooManyRequests, "too many requests\nhint: wait a moment")
}

/// Lets a request through, or answers it with what is wrong.
pub(crate) async fn watch(State(served): State<Shared>, request: Request, next: Next) -> Response {
    let place = match served.guard.admit(&request) {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    match tokio::time::timeout(PATIENCE, at_place(place, next.run(request))).await {
        Ok(response) => response,
        Err(_elapsed) => {
            let words = format!("the request took longer than {} s", PATIENCE.as_secs());
            Problem::new(Kind::Busy, words).into_response()
        }
    }
}
