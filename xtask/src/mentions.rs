//! What the pages of documentation name is there: tasks, scripts of npm, packages and examples, files, variables of the environment.
//! Commands of the program itself are read by its own tests.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Parser, error::ErrorKind};
use serde_json::Value;

use crate::{Args, links, shell};

/// Folders whose files are named from the checkout.
const FOLDERS: [&str; 8] =
    ["crates", "docs", "fixtures", "notebooks", "python", "scripts", "web", "xtask"];

/// Files that come and go.
const MADE: [&str; 1] = ["web/node_modules"];

/// How variables of this project begin.
const VARIABLES: [&str; 2] = ["LINPROBE_", "XTASK_"];

/// Endings of files in which variables are read.
const ENDINGS: [&str; 5] = ["rs", "py", "ipynb", "ts", "mjs"];

/// What can be named.
struct Checkout {
    scripts: Value,
    /// Folders of crates.
    crates: Vec<PathBuf>,
    /// All sources, one after the other.
    sources: String,
}

impl Checkout {
    fn read() -> Result<Self> {
        let root = shell::root();
        let package = fs::read_to_string(root.join("web/package.json"))?;
        let mut sources = fs::read_to_string(root.join("Dockerfile"))?;
        for folder in ["crates", "fixtures", "notebooks", "python", "scripts", "web/e2e", "xtask"] {
            read_below(&root.join(folder), &mut sources)?;
        }
        for file in fs::read_dir(root.join("web"))? {
            read_source(&file?.path(), &mut sources)?;
        }
        let crates = fs::read_dir(root.join("crates"))?.map(|entry| Ok(entry?.path()));
        let scripts = serde_json::from_str::<Value>(&package)?["scripts"].take();
        Ok(Self { scripts, crates: crates.collect::<Result<_>>()?, sources })
    }

    /// What a piece of code names and is not there.
    fn missing(&self, code: &str) -> Vec<String> {
        let code = code.split(" #").next().unwrap_or_default();
        let words: Vec<&str> = code.split_whitespace().collect();
        let mut missing = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let next = words.get(place + 1).copied().unwrap_or_default();
            let is_there = match *word {
                "xtask" if place > 0 && words[place - 1] == "cargo" => is_task(&words[place..]),
                "run" if place > 0 && words[place - 1] == "npm" => !self.scripts[next].is_null(),
                "--package" | "-p" if words[0] == "cargo" => {
                    self.crates.iter().any(|folder| is_called(folder, next))
                }
                "--example" => self.example(next).is_some(),
                path => is_a_file(path),
            };
            if !is_there {
                missing.push(format!("{word} {next}"));
            }
        }
        let variables = variables(code).filter(|name| !self.sources.contains(name));
        missing.extend(variables.map(str::to_owned));
        missing.extend(self.missing_options(&words));
        missing
    }

    /// The sources of an example.
    fn example(&self, name: &str) -> Option<PathBuf> {
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let examples = self.crates.iter().map(|folder| folder.join("examples").join(name));
        let mut files = examples.flat_map(|path| [path.with_extension("rs"), path]);
        files.find(|path| !name.is_empty() && name.chars().all(is_name) && path.exists())
    }

    /// Options of an example that its sources know nothing of.
    fn missing_options(&self, words: &[&str]) -> Vec<String> {
        let Some(example) = words.first().and_then(|name| self.example(name)) else {
            return Vec::new();
        };
        let mut sources = String::new();
        if read_below(&example, &mut sources).is_err() {
            return vec![example.display().to_string()];
        }
        let options = words.iter().filter(|word| word.starts_with("--") && **word != "--help");
        options.filter(|option| !sources.contains(**option)).map(|o| (*o).to_owned()).collect()
    }
}

/// Adds the sources of a folder, but for what is made.
fn read_below(path: &Path, sources: &mut String) -> Result<()> {
    if !path.is_dir() {
        return read_source(path, sources);
    }
    for entry in fs::read_dir(path).with_context(|| format!("{}", path.display()))? {
        read_below(&entry?.path(), sources)?;
    }
    Ok(())
}

fn read_source(path: &Path, sources: &mut String) -> Result<()> {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if path.is_file() && ENDINGS.contains(&ending) {
        sources.push_str(&fs::read_to_string(path)?);
    }
    Ok(())
}

/// Whether a crate is called so.
fn is_called(folder: &Path, name: &str) -> bool {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.contains(&format!("\nname = {name:?}\n"))
}

/// Whether the words are a command line of this program. A value in capitals stands for any.
fn is_task(words: &[&str]) -> bool {
    match Args::try_parse_from(words) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::InvalidValue => {
            words.iter().any(|word| word.chars().all(char::is_uppercase))
        }
        Err(_) => false,
    }
}

/// Whether something that is named as a file of the checkout is one. What is no such name is not looked at.
fn is_a_file(word: &str) -> bool {
    let folder = word.split('/').next().unwrap_or_default();
    let is_pattern = word.contains(['*', '{', '<', '[', '(']);
    let is_named = word.contains('/') && FOLDERS.contains(&folder) && !is_pattern;
    !is_named || MADE.contains(&word) || shell::root().join(word).exists()
}

fn variables(code: &str) -> impl Iterator<Item = &str> {
    let words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| VARIABLES.iter().any(|start| word.starts_with(start) && word != start))
}

/// The code of a page: each line of a block, and each span of prose.
fn code(page: &str) -> Vec<String> {
    let (mut code, mut prose, mut is_inside) = (Vec::new(), String::new(), false);
    for line in page.lines() {
        let is_fence = line.trim_start().starts_with("```");
        is_inside ^= is_fence;
        if is_inside && !is_fence {
            code.push(line.to_owned());
        } else {
            prose.extend([if is_fence { "" } else { line }, "\n"]);
        }
    }
    for paragraph in prose.split("\n\n") {
        code.extend(paragraph.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")));
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_pages_name_is_there() {
        let checkout = Checkout::read().unwrap();
        let mut missing = Vec::new();
        for file in links::files().unwrap() {
            if file.extension() == Some(OsStr::new("md")) {
                let page = fs::read_to_string(&file).unwrap();
                let code = code(&page);
                let own = code.iter().flat_map(|code| checkout.missing(code));
                missing.extend(own.map(|name| format!("{}: {name}", file.display())));
            }
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }

    #[test]
    fn what_is_not_there_is_seen() {
        let checkout = Checkout::read().unwrap();
        for wrong in [
            "cargo xtask all",
            "XTASK_BENCH_QUICK=1 cargo xtask bench stores",
            "cargo xtask web --test",
            "npm run tests",
            "cargo test -p linprobe-stores kernel",
            "cargo run --example audits",
            "learn_bench --halves",
            "crates/store/src/no_such_file.rs",
            "LINPROBE_PROJECT_FOLDER=x linprobe",
        ] {
            // This file names them, too.
            let name = wrong.replace("PROJECT_FOLDER", &["NO", "SUCH"].join("_"));
            assert_eq!(checkout.missing(&name).len(), 1, "{wrong}");
        }
        for right in ["cargo xtask bench AREA --json", "npm run e2e  # all", "crates/*/x", "a/b"] {
            assert!(checkout.missing(right).is_empty(), "{right}");
        }
    }

    #[test]
    fn code_is_told_from_prose() {
        let page = "a `b\nc` d\n```sh\ne `f`\n```\n`g\n\n`h`\n";
        assert_eq!(code(page), ["e `f`", "b c", "g", "h"]);
    }
}
