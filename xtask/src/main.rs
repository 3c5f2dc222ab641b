//! The one command of linprobe's developers: `cargo xtask ci` checks and tests everything,
//! `cargo xtask quick` the part that takes seconds, `cargo xtask bench AREA` measures.

mod bench;
mod ci;
mod dist;
mod docs;
mod links;
#[cfg(test)]
mod mentions;
mod python;
mod shell;
mod style;
mod tools;
mod web;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks, tests and measures linprobe")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs every check and test, and installs what they need.
    Ci,
    /// Formatting, lints and the tests that need nothing but cargo.
    Quick,
    /// Builds the web page into the crate that serves it; needs Node.
    Web(web::WebArgs),
    /// Builds, checks and tests the Python package.
    Python,
    /// Makes the pages of reference in docs.
    Docs,
    /// Builds the program for other machines: one file that needs no library.
    Dist,
    /// Measures one area beside its peers.
    Bench(bench::BenchArgs),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().task {
        Task::Ci => ci::run(),
        Task::Quick => ci::quick(),
        Task::Web(args) => web::run(&args),
        Task::Python => python::run(),
        Task::Docs => docs::run(),
        Task::Dist => dist::run(),
        Task::Bench(args) => bench::run(&args),
    }
}
