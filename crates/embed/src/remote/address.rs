//! Where a remote model is, and what is spoken there.

use std::fmt;

use ureq::http::Uri;

use super::RemoteError;

/// A server and, where it has several, which of its models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a slash at its end.
    pub(super) base: String,
    /// The model, on servers that speak as OpenAI does.
    pub(super) model: Option<String>,
}

impl Address {
    /// Reads `http://host/v1#model` or `http://host`.
    pub(super) fn parse(name: &str) -> Result<Self, RemoteError> {
        let (base, model) = match name.split_once('#') {
            Some((base, model)) => (base, Some(model)),
            None => (name, None),
        };
        let base = base.trim_end_matches('/');
        let bad = |reason: &str| RemoteError::Address { reason: reason.to_owned() };
        let uri: Uri = base
            .parse()
            .map_err(|error| bad(&format!("it is no address of a server ({error})")))?;
        let authority = uri.authority().filter(|_| uri.scheme().is_some());
        let authority = authority.ok_or_else(|| bad("it names no server"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a password must not stand in an address: set LINPROBE_REMOTE_TOKEN"));
        }
        match model {
            Some("") => Err(bad("no model stands behind the #")),
            None if base.ends_with("/v1") => {
                Err(bad("which of the server's models is meant: add #model"))
            }
            model => Ok(Self { base: base.to_owned(), model: model.map(str::to_owned) }),
        }
    }

    /// Whether it is OpenAI itself that is asked, and by no line that others read.
    pub(super) fn is_openai(&self) -> bool {
        self.base.starts_with("https://api.openai.com/")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{}#{model}", self.base),
            None => f.write_str(&self.base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_behind_a_hash_and_a_slash_at_the_end_means_nothing() {
        let address = Address::parse("https://api.openai.com/v1/#text-embedding-3-small").unwrap();
        assert_eq!(address.to_string(), "https://api.openai.com/v1#text-embedding-3-small");
        assert!(address.is_openai());
        let address = Address::parse("http://localhost:8080/").unwrap();
        assert_eq!(address, Address { base: "http://localhost:8080".to_owned(), model: None });
    }

    #[test]
    fn what_is_no_address_of_a_model_is_refused_without_repeating_a_password() {
        for name in ["http://", "http://h/v1", "http://h/v1#", "http://a b/", "http://u:secret@h"] {
            let error = Address::parse(name).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains("hint: "), "{error}");
        }
    }

    #[test]
    fn another_host_is_not_taken_for_openai() {
        let evil = Address::parse("https://api.openai.com.evil.org/v1#m").unwrap();
        assert!(!evil.is_openai());
        assert!(!Address::parse("http://api.openai.com/v1#m").unwrap().is_openai());
    }
}
