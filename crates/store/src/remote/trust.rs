//! Whose certificates are believed.

use std::fs;

use linprobe_core::StoreError;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::{Form, Place};

/// Those of the file in PEM that an address names with `ca`, or else of Mozilla's list.
pub(super) fn trust(place: &Place, form: &Form) -> Result<TlsConfig, StoreError> {
    let Some(file) = place.text("ca") else { return Ok(TlsConfig::default()) };
    let bad = |reason: String| form.bad(&place.host, format!("ca={file}: {reason}"));
    let pem = fs::read(file).map_err(|error| bad(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(one) = item.map_err(|error| bad(error.to_string()))? {
            certificates.push(one);
        }
    }
    if certificates.is_empty() {
        return Err(bad("there is no certificate in it".to_owned()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::from(certificates)).build())
}
