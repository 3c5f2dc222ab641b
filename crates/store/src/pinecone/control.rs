//! From the name of an index to its host, which Pinecone's control plane knows.

use linprobe_core::StoreError;
use serde::Deserialize;

use super::FORM;
use crate::remote::{Http, Place, Request, Variables, encoded};

/// Where it is, unless a variable says otherwise, the one that Pinecone's own clients read.
const CONTROL: &str = "https://api.pinecone.io";
const VARIABLE: &str = "PINECONE_CONTROLLER_HOST";

#[derive(Debug, Deserialize)]
struct Described {
    host: String,
}

#[derive(Debug, Deserialize)]
struct Indexes {
    indexes: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

/// Whether what an address names is an index, and no host.
pub(super) fn is_name(host: &str) -> bool {
    !host.contains(['.', ':', '[']) && host != "localhost"
}

/// The host of the index that an address names.
pub(super) async fn host_of(place: &Place, variables: &Variables) -> Result<String, StoreError> {
    let base = variables.get(VARIABLE).unwrap_or(CONTROL).trim_end_matches('/');
    let base = if base.contains("://") { base.to_owned() } else { format!("https://{base}") };
    let control = Http::at(base, place, &FORM, variables)?;
    let request = Request::get(format!("/indexes/{}", encoded(&place.host))).first();
    match control.ask::<Described>(request).await {
        Ok(Described { host }) => Ok(host.split("://").last().unwrap_or(&host).to_owned()),
        Err(failure) if failure.is_missing() => {
            let there: Indexes = control.tell(Request::get("/indexes").first()).await?;
            let names: Vec<&str> = there.indexes.iter().map(|it| it.name.as_str()).collect();
            let reason = format!("there is no index {:?}", place.host);
            Err(control.unfit(reason, format!("name one of: {}", names.join(", "))))
        }
        Err(failure) => Err(failure.into_error(control.server())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_hosts() {
        for (host, expected) in [
            ("items-2", true),
            ("items-1a2b3c4.svc.aped-4627-b74a.pinecone.io", false),
            ("localhost", false),
            ("localhost:5081", false),
            ("127.0.0.1", false),
            ("[::1]", false),
        ] {
            assert_eq!(is_name(host), expected, "{host}");
        }
    }
}
