//! The terminal door of linprobe: reads the command line, calls the library, shows what it says.

mod advice;
mod args;
mod choices;
mod clock;
mod command;
mod keys;
mod picture;
mod progress;
mod report;
mod sparkline;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{args::Cli, command::Outcome};

fn main() -> ExitCode {
    match command::run(Cli::parse()) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::WithFindings) => ExitCode::from(3),
        Err(error) if reader_has_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when even that fails.
            drop(writeln!(io::stderr(), "{}", report::error(&error)));
            ExitCode::FAILURE
        }
    }
}

/// `linprobe search ... | head` is no failure.
fn reader_has_gone(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
