//! What an address of a vector engine says: the server, what is asked for there, and how.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use linprobe_core::StoreError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

/// How long an answer may take where the address says nothing.
const TIMEOUT: Duration = Duration::from_mins(2);

/// All that means something in an address, or may not stand there.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the addresses of an engine are written.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) scheme: &'static str,
    /// The port where the address names none.
    pub(crate) port: Option<u16>,
    /// The parameters that there are, besides `timeout`.
    pub(crate) parameters: &'static [&'static str],
    /// The variable that a key comes from.
    pub(crate) variable: &'static str,
    /// The header in which the key is sent, and what stands before it there.
    pub(crate) key: [&'static str; 2],
    /// What goes along with every request.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// What is right, for whoever wrote something else.
    pub(crate) hint: &'static str,
}

/// An address, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The address in the form in which it is kept: with its port.
    pub(crate) shown: String,
    /// With its port.
    pub(crate) host: String,
    /// What stands behind the host.
    pub(crate) path: String,
    pub(crate) timeout: Duration,
    parameters: BTreeMap<String, String>,
}

impl Place {
    pub(crate) fn parse(address: &str, form: &Form) -> Result<Self, StoreError> {
        let rest = address.strip_prefix(form.scheme).and_then(|rest| rest.strip_prefix("://"));
        let rest = rest.unwrap_or_default();
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        if host.contains('@') {
            // What stands before the sign may be a key.
            let reason = format!("a key is not part of it, but comes from {}", form.variable);
            return Err(form.bad("...", reason));
        }
        let bad = |reason: String| form.bad(place, reason);
        let host = form.with_port(host).map_err(bad)?;
        let path = path.trim_end_matches('/');
        let parameters = form.parameters(query).map_err(bad)?;
        let timeout = parameters.get("timeout").map(|text| seconds(text)).transpose();
        let mut shown = format!("{}://{host}", form.scheme);
        if !path.is_empty() {
            shown = format!("{shown}/{path}");
        }
        if !query.is_empty() {
            shown = format!("{shown}?{query}");
        }
        let path = decoded("the path", path).map_err(bad)?;
        let timeout = timeout.map_err(bad)?.unwrap_or(TIMEOUT);
        Ok(Self { shown, host, path, timeout, parameters })
    }

    /// A parameter that says something.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A parameter that is an object of JSON.
    pub(crate) fn object(&self, name: &str, form: &Form) -> Result<Option<Value>, StoreError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => Ok(Some(object)),
            Ok(_) => Err(form.bad(&self.host, format!("{name}={text} is no object of JSON"))),
            Err(bad) => Err(form.bad(&self.host, format!("{name}={text} is no JSON: {bad}"))),
        }
    }

    /// The name of a collection, which is all that may stand behind the host.
    pub(crate) fn collection(&self, form: &Form) -> Result<&str, StoreError> {
        if self.path.is_empty() || self.path.contains('/') {
            return Err(form.bad(&self.host, "it names no collection"));
        }
        Ok(&self.path)
    }

    /// Where requests go. An engine whose address can say nothing of `tls` is asked over it, but on this machine.
    pub(crate) fn base(&self, form: &Form) -> String {
        let is_secure = match self.text("tls") {
            Some(tls) => tls == "true",
            None => !form.parameters.contains(&"tls") && !self.is_here(),
        };
        format!("{}://{}", if is_secure { "https" } else { "http" }, self.host)
    }

    /// Whether the server is this machine.
    pub(crate) fn is_here(&self) -> bool {
        is_this_machine(&self.host)
    }
}

impl Form {
    /// Says what is wrong with an address.
    pub(crate) fn bad(&self, place: &str, reason: impl Into<String>) -> StoreError {
        StoreError::Address {
            address: format!("{}://{place}", self.scheme),
            reason: reason.into(),
            hint: self.hint.to_owned(),
        }
    }

    fn with_port(&self, host: &str) -> Result<String, String> {
        let (name, port) = match host.rsplit_once(':') {
            // The colons of an address in brackets belong to it.
            Some((_, after)) if after.ends_with(']') => (host, None),
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err("it names no server".to_owned());
        }
        match (port, self.port) {
            (Some(port), _) => match port.parse::<u16>() {
                Ok(port) => Ok(format!("{name}:{port}")),
                Err(bad) => Err(format!("port {port:?}: {bad}")),
            },
            (None, Some(port)) => Ok(format!("{name}:{port}")),
            (None, None) => Ok(name.to_owned()),
        }
    }

    fn parameters(&self, query: &str) -> Result<BTreeMap<String, String>, String> {
        let mut found = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name != "timeout" && !self.parameters.contains(&name) {
                return Err(format!("there is no parameter {name:?}"));
            }
            found.insert(name.to_owned(), decoded(name, value)?);
        }
        match found.get("tls").map(String::as_str) {
            None | Some("true" | "false") => Ok(found),
            Some(other) => Err(format!("tls={other} is neither true nor false")),
        }
    }
}

/// Whether a host, with or without a port, is this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        // The colons of an address in brackets belong to it.
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A name as it stands in a path or a query.
pub(crate) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, RESERVED).to_string()
}

fn decoded(name: &str, text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_bad| format!("{name} is not UTF-8"))?.into_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text.parse().map_err(|bad| format!("timeout={text}: {bad}"))?;
    if seconds == 0 { Err("timeout=0".to_owned()) } else { Ok(Duration::from_secs(seconds.into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form {
        scheme: "engine",
        port: Some(6333),
        parameters: &["text", "tls"],
        variable: "ENGINE_API_KEY",
        key: ["api-key", ""],
        headers: &[],
        hint: "engine://host:port/collection",
    };

    #[test]
    fn an_address_names_server_collection_and_parameters() {
        let place = Place::parse("engine://db/a%20b/?text=the%20title&timeout=7", &FORM).unwrap();
        assert_eq!((place.host.as_str(), place.path.as_str()), ("db:6333", "a b"));
        assert_eq!((place.text("text"), place.text("tls")), (Some("the title"), None));
        assert_eq!(place.timeout, Duration::from_secs(7));
        assert_eq!(place.shown, "engine://db:6333/a%20b?text=the%20title&timeout=7");
        assert_eq!(Place::parse(&place.shown, &FORM).unwrap(), place);
        assert!(!place.is_here());
    }

    #[test]
    fn this_machine_is_known() {
        for (host, is_here) in [
            ("localhost", true),
            ("127.0.0.1:9", true),
            ("[::1]", true),
            ("[::1]:9", true),
            ("10.0.0.1", false),
            ("localhost.example", false),
        ] {
            let place = Place::parse(&format!("engine://{host}/c"), &FORM).unwrap();
            assert_eq!(place.is_here(), is_here, "{host}");
        }
    }

    #[test]
    fn nonsense_is_refused_and_a_key_is_not_shown() {
        for (address, words) in [
            ("engine:///c", "no server"),
            ("engine://db:many/c", "port"),
            ("engine://db/c?api_key=secret", "no parameter \"api_key\""),
            ("engine://secret@db/c", "ENGINE_API_KEY"),
            ("engine://db/c?tls=maybe", "neither"),
            ("engine://db/c?timeout=0", "timeout=0"),
        ] {
            let refused = Place::parse(address, &FORM).unwrap_err().to_string();
            assert!(refused.contains(words) && refused.contains("\nhint: engine://"), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
