//! How large the page is before it shows, which is itself, and the scripts and styles that it names; and
//! how soon it can be used.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use ureq::Agent;

use crate::Result;

/// The bytes on the wire, compressed.
pub(crate) fn first_load_bytes(url: &str) -> Result<usize> {
    let agent = Agent::new_with_defaults();
    let page = String::from_utf8(fetch(&agent, url, "identity")?)?;
    let quoted = page.split('"').skip(1).step_by(2);
    let named = quoted.filter_map(|word| word.strip_prefix("./"));
    let mut n_bytes = fetch(&agent, url, "gzip")?.len();
    for name in named {
        n_bytes += fetch(&agent, &format!("{url}{name}"), "gzip")?.len();
    }
    Ok(n_bytes)
}

/// The milliseconds until an address can be used, as a script for Node tells.
pub(crate) fn interactive_ms(script: &OsStr, address: &str) -> Result<f64> {
    let mut node = Command::new("node");
    let told = node.arg(script).arg(address).stderr(Stdio::inherit()).output()?;
    if !told.status.success() {
        return Err(format!("the browser's script failed: {}", told.status).into());
    }
    Ok(String::from_utf8(told.stdout)?.trim().parse()?)
}

fn fetch(agent: &Agent, url: &str, encoding: &str) -> Result<Vec<u8>> {
    let mut answer = agent.get(url).header("accept-encoding", encoding).call()?;
    Ok(answer.body_mut().read_to_vec()?)
}
