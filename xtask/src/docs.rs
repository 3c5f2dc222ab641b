//! The pages of reference in `docs`: of the command line, of the HTTP API, of the Python package. They are made of what the programs
//! themselves know, and committed, so that they are read where nothing is built; tests compare them.

mod http;

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The program that writes the page about the Python package; with `--check` it compares.
pub(crate) const PYTHON: &str = "scripts/python_reference.py";

/// Makes all pages anew.
pub(crate) fn run() -> Result<()> {
    let example = ["run", "--quiet", "--package", "linprobe-cli", "--example", "reference"];
    write("cli", &shell::output(&mut shell::command("cargo", &example))?)?;
    write("http", &http::page(&description()?))?;
    shell::run(&mut shell::command("python3", &[PYTHON]))
}

#[expect(clippy::disallowed_methods, reason = "a page that is cut short is made again")]
fn write(name: &str, page: &str) -> Result<()> {
    let path = shell::root().join("docs/reference").join(name).with_extension("md");
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    shell::say(&format!("wrote {}", path.display()));
    Ok(())
}

/// What the server says of its API.
fn description() -> Result<Value> {
    let path = shell::root().join("docs/openapi.json");
    let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_the_http_api_is_what_its_description_says() {
        let kept = fs::read_to_string(shell::root().join("docs/reference/http.md")).unwrap();
        let made = http::page(&description().unwrap());
        assert!(kept == made, "docs/reference/http.md is out of date: cargo xtask docs");
    }
}
