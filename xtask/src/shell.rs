//! Runs other programs, from the root of the workspace, and says what it runs.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// A command that runs in the root of the workspace.
pub(crate) fn command(program: impl AsRef<Path>, args: &[&str]) -> Command {
    let mut command = Command::new(program.as_ref());
    command.args(args).current_dir(root()).stdin(Stdio::null());
    for name in own_variables() {
        command.env_remove(name);
    }
    command
}

/// What cargo has told this program of itself. Build scripts that look at such variables would run again, and all
/// that hangs on them, whenever cargo is started from here after it was started by hand.
fn own_variables() -> impl Iterator<Item = OsString> {
    let is_own = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    env::vars_os().map(|(name, _)| name).filter(is_own)
}

/// Runs cargo.
pub(crate) fn cargo(args: &[&str]) -> Result<()> {
    run(&mut command("cargo", args))
}

/// Runs a command to its end, and says how long that took; fails if it fails. What it says is talk: standard output is
/// for measurements.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    say(&format!("$ {}", shown(command)));
    let started = Instant::now();
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(status.success(), "{} failed: {status}", shown(command));
    say(&format!("  took {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Does what consists of several commands, and says how long that took.
pub(crate) fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    run()?;
    let seconds = started.elapsed().as_secs();
    say(&format!("== {name}: {} min {} s", seconds / 60, seconds % 60));
    Ok(())
}

/// Runs a command and gives what it wrote to standard output; its talk passes through.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    say(&format!("$ {}", shown(command)));
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(output.status.success(), "{} failed: {}", shown(command), output.status);
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

/// What cargo says of the workspace.
pub(crate) fn metadata() -> Result<Value> {
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    Ok(serde_json::from_str(&output(&mut command("cargo", &metadata))?)?)
}

/// The folder that cargo builds into.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"].as_str().context("cargo names no target folder")?;
    Ok(PathBuf::from(folder))
}

/// Whether a command can be run and succeeds; shows nothing of it.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Talks to the person at the terminal.
#[expect(clippy::print_stderr, reason = "a command-line program talks on standard error")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
