//! The terminal door of linprobe: reads the command line, calls the library, shows what it says.
//!
//! It is a library, too, so that a package of another language can carry the command: [`run`] is all of it.
//!
//! ```
//! use std::ffi::OsString;
//!
//! assert_eq!(linprobe_cli::run(["linprobe", "--version"].map(OsString::from)), 0);
//! assert_eq!(linprobe_cli::run(["linprobe", "no-such-command"].map(OsString::from)), 2);
//! ```
//!
//! What each command does stands in `args.rs`, and how it answers in `command`.

mod advice;
mod args;
mod choices;
mod clock;
mod command;
mod keys;
mod picture;
mod progress;
mod reference;
mod report;
mod sparkline;

use std::{
    ffi::OsString,
    io::{self, Write},
};

use clap::{CommandFactory, Parser};

pub use crate::reference::reference;
use crate::{args::Cli, command::Outcome};

/// The exit code of a command that is done, and has something to look at.
const WITH_FINDINGS: u8 = 3;

/// Runs the command of a command line, whose first word is the name of the program, and gives its exit code: 0 when it is
/// done, 1 when it failed, 2 when the line cannot be read, 3 when there is something to look at.
pub fn run(line: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(line) {
        Ok(cli) => cli,
        Err(answer) => return show(&answer),
    };
    match command::run(cli) {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::WithFindings) => WITH_FINDINGS,
        Err(error) if reader_has_gone(&error) => 0,
        Err(error) => {
            // Nobody is left to tell when even that fails.
            drop(writeln!(io::stderr(), "{}", report::error(&error)));
            1
        }
    }
}

/// What reads the command line, for those who compare pages with it.
pub fn parser() -> clap::Command {
    Cli::command()
}

/// Help and the version are answers to a line that can be read; the rest says what is wrong with it.
fn show(answer: &clap::Error) -> u8 {
    // Nobody is left to tell when that fails.
    drop(answer.print());
    u8::try_from(answer.exit_code()).unwrap_or(1)
}

/// `linprobe search ... | head` is no failure.
fn reader_has_gone(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
