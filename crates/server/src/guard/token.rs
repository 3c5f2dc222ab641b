//! The token of a server that other machines can reach.

use std::fmt;

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use crate::problem::{Kind, Problem};

/// The token, and the cookie that stands for it as long as the server runs.
pub(crate) struct Tokens {
    token: String,
    cookie_name: String,
    cookie: String,
}

impl Tokens {
    /// For a token, on a port: cookies of two servers on one machine must differ by name.
    pub(crate) fn new(token: String, port: u16) -> Result<Self, Problem> {
        Ok(Self { token, cookie_name: format!("linprobe-{port}"), cookie: random_name()? })
    }

    /// The cookie for whoever knows the token.
    pub(super) fn cookie_for(&self, token: &str) -> Option<String> {
        let Self { cookie_name, cookie, .. } = self;
        let set = || format!("{cookie_name}={cookie}; HttpOnly; SameSite=Strict; Path=/");
        same(token, &self.token).then(set)
    }

    /// Refuses a request that carries neither the token nor the cookie.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let has_token = bearer.is_some_and(|token| same(token, &self.token));
        if has_token || self.cookies(headers).any(|cookie| same(cookie, &self.cookie)) {
            return Ok(());
        }
        let words = "this server needs its token\nhint: it was printed when the server started";
        Err(Problem::new(Kind::Unauthorized, words))
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| name.trim() == self.cookie_name).map(|(_, value)| value.trim())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// Takes as long whichever bytes differ.
fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// 128 random bits, in hexadecimal digits.
pub(crate) fn random_name() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Problem::new(Kind::Internal, format!("the system gives no random numbers: {error}"))
    })?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}
