//! Which names this server answers to, and which pages may ask it.
//!
//! A stranger can make a name of theirs point at this machine, so that a page of theirs counts as of the
//! same origin (DNS rebinding). But the browser still says which name it asked for: addresses in digits
//! and `localhost` cannot be made to point elsewhere, and any other name has to be allowed.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};

use crate::problem::{Kind, Problem};

/// The names that this server answers to.
#[derive(Debug)]
pub(crate) struct Hosts {
    bound: IpAddr,
    allowed: Vec<String>,
}

impl Hosts {
    /// Of a server that is bound to an address, and of further names.
    pub(crate) fn new(bound: IpAddr, allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { bound, allowed }
    }

    /// Refuses a request that was meant for another host, or comes from the page of another.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let host = one(headers, &header::HOST).ok_or_else(|| forbidden("it names no host"))?;
        if !self.answers_to(host) {
            let words = format!("this is not {host}\nhint: allow the name with --allow-host");
            return Err(Problem::new(Kind::ForbiddenOrigin, words));
        }
        if one(headers, &"sec-fetch-site").is_some_and(|site| site == "cross-site")
            && one(headers, &"sec-fetch-mode").is_none_or(|mode| mode != "navigate")
        {
            return Err(forbidden("it comes from another site"));
        }
        match headers.get(header::ORIGIN).map(|origin| origin.to_str()) {
            None => Ok(()),
            Some(Ok(origin)) if is_of(origin, host) => Ok(()),
            Some(_) => Err(forbidden("it comes from another origin")),
        }
    }

    fn answers_to(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else { return false };
        let digits: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        let is_local = name == "localhost" || digits.is_some_and(|ip| ip.is_loopback());
        let reaches_loopback = self.bound.is_loopback() || self.bound.is_unspecified();
        let is_bound = digits.is_some_and(|ip| ip == self.bound || self.bound.is_unspecified());
        (is_local && reaches_loopback) || is_bound || self.allowed.contains(&name)
    }
}

/// The name without the port, in lower case.
fn name_of(host: &str) -> Option<String> {
    let uri: Uri = format!("http://{host}/").parse().ok()?;
    let has_user = uri.authority()?.as_str().contains('@');
    (!has_user).then(|| uri.host().unwrap_or_default().to_ascii_lowercase())
}

fn is_of(origin: &str, host: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// The value of a header that must stand there once.
fn one<'a>(headers: &'a HeaderMap, name: &impl AsRef<str>) -> Option<&'a str> {
    let mut values = headers.get_all(name.as_ref()).iter();
    let value = values.next().filter(|_| values.next().is_none());
    value.and_then(|value| value.to_str().ok())
}

fn forbidden(why: &str) -> Problem {
    Problem::new(Kind::ForbiddenOrigin, format!("the request is refused: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Hosts {
        Hosts::new([127, 0, 0, 1].into(), &["linprobe.example".to_owned()])
    }

    #[test]
    fn a_local_server_answers_to_local_names_and_to_those_it_was_given() {
        for host in
            ["localhost", "localhost:7575", "127.0.0.1:7575", "[::1]:80", "LINPROBE.example"]
        {
            assert!(local().answers_to(host), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example:7575", "10.0.0.4:7575", "", "a@localhost"]
        {
            assert!(!local().answers_to(host), "{host}");
        }
    }

    #[test]
    fn a_server_on_every_address_answers_to_addresses_and_to_no_unknown_name() {
        let hosts = Hosts::new([0, 0, 0, 0].into(), &[]);
        assert!(hosts.answers_to("10.0.0.4:7575") && hosts.answers_to("localhost:7575"));
        assert!(!hosts.answers_to("evil.example"));
    }

    #[test]
    fn an_origin_is_of_a_host_only_as_a_whole() {
        assert!(is_of("http://localhost:7575", "localhost:7575"));
        for origin in
            ["null", "http://localhost:3000", "http://localhost:7575.evil.example", "file://"]
        {
            assert!(!is_of(origin, "localhost:7575"), "{origin}");
        }
    }
}
