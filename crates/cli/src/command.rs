//! One file a command; what they share is here: the project, the output, and how they end.

mod audit;
mod classifier;
mod compact;
mod copy;
mod demo;
mod doctor;
mod duplicates;
mod index;
mod init;
mod inspect;
mod label;
mod model;
mod predict;
mod said;
mod search;
mod serve;
mod session;
mod simulate;
mod start;

use std::{
    env, fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use linprobe::{Clock, DownloadProgress, Engine, OpenOptions, Project, Resizing, Surroundings};
use serde_json::Value;

use crate::{
    args::{Cli, Command, PROJECT_VARIABLE},
    clock,
    progress::Downloads,
};

/// How a command ended that did not fail.
pub(crate) enum Outcome {
    /// All is well.
    Done,
    /// It is done, and there is something to look at: skipped records, damage.
    WithFindings,
}

impl Outcome {
    /// Done, with findings where there are any.
    pub(crate) fn with_findings(any: bool) -> Self {
        if any { Self::WithFindings } else { Self::Done }
    }
}

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<Outcome> {
    let door =
        Door { folder: cli.project, json: cli.json, engine: cli.engine, resizing: cli.resize };
    match cli.command {
        Command::Init(args) => init::run(&door, &args),
        Command::Index(args) => index::run(&door, &args),
        Command::Search(args) => search::run(&door, &args),
        Command::Label(args) => label::run(&door, &args),
        Command::Audit(args) => audit::run(&door, &args),
        Command::Session(command) => session::run(&door, &command),
        Command::Simulate(args) => simulate::run(&door, &args),
        Command::Predict(args) => predict::run(&door, &args),
        Command::Classifier(command) => classifier::run(&door, &command),
        Command::Model(command) => model::run(&door, &command),
        Command::Serve(args) => serve::run(&door, &args),
        Command::Inspect(args) => inspect::run(&door, &args),
        Command::Doctor(args) => doctor::run(&door, &args),
        Command::Duplicates(args) => duplicates::run(&door, &args),
        Command::Copy(args) => copy::run(&door, &args),
        Command::Compact(args) => compact::run(&door, &args),
        Command::Demo(args) => demo::run(&door, &args),
        Command::Completions { shell } => completions(shell),
        Command::Man { folder } => man(&folder),
    }
}

/// Prints what a shell reads. It is made in memory first: what makes it panics where nobody reads on.
fn completions(shell: Shell) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "linprobe", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Outcome::Done)
}

/// Writes manual pages: `linprobe.1`, `linprobe-label.1` and so on.
fn man(folder: &Path) -> Result<Outcome> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(Outcome::Done)
}

/// What every command needs of the terminal and the command line.
pub(crate) struct Door {
    pub(crate) folder: PathBuf,
    pub(crate) json: bool,
    pub(crate) engine: Engine,
    pub(crate) resizing: Resizing,
}

impl Door {
    /// Opens the project.
    pub(crate) fn project(&self) -> Result<Project> {
        Ok(Project::open(&self.folder, self.surroundings())?)
    }

    /// Where models come from, as the environment says, and the wall clock. Downloads are shown.
    pub(crate) fn surroundings(&self) -> Surroundings {
        let downloads = Downloads::new(self.json);
        let progress = DownloadProgress::new(move |transfer| downloads.show(transfer));
        let Self { engine, resizing, .. } = *self;
        let models = OpenOptions { engine, resizing, progress, ..OpenOptions::default() };
        Surroundings { models, clock: Clock::new(clock::now_ms) }
    }

    /// Shows one answer: as an object where scripts look, else as text for people.
    pub(crate) fn answer(&self, object: &Value, text: &str) -> Result<()> {
        if self.json { print(&object.to_string()) } else { print(text) }
    }

    /// Says something to the person, beside the output; scripts that asked for JSON are spared.
    pub(crate) fn say(&self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { Ok(writeln!(io::stderr(), "{text}")?) }
    }
}

/// How hints call the program, so that it finds the project of a folder: the folder is named unless it is found without.
pub(crate) fn program_for(folder: &Path) -> String {
    let found = env::var_os(PROJECT_VARIABLE).unwrap_or_else(|| ".".into());
    if folder.as_os_str() == found {
        "linprobe".to_owned()
    } else {
        format!("linprobe --project {}", shell_word(&folder.to_string_lossy()))
    }
}

/// A text as a shell takes it for one word.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@+,=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Writes a line to standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Whether a person sits at both ends.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_folder_for_one_word() {
        assert_eq!(shell_word("./data/p-2"), "./data/p-2");
        assert_eq!(shell_word("p 2"), "'p 2'");
        assert_eq!(shell_word("it's $5"), r"'it'\''s $5'");
        assert_eq!(shell_word(""), "''");
    }
}
