//! The Python package: built as the wheel that people install, and tested from there.

use std::path::Path;

use anyhow::Result;

use crate::{docs, shell, tools};

/// What the tests of the package use beside it.
const PACKAGES: [&str; 18] = [
    "anywidget",
    "datasets",
    "huggingface_hub",
    "ipykernel",
    "matplotlib",
    "maturin>=1.9.4,<2",
    "mypy",
    "nbclient",
    "numpy",
    "onnxruntime",
    "pandas",
    "pillow",
    "polars",
    "pyarrow",
    "pytest",
    "safetensors",
    "scikit-learn",
    "tqdm",
];

/// Where the wheel is built.
const WHEELS: &str = "target/wheels";

/// The page of reference and the types, then the tests and the examples of the documentation, then whether the stubs tell the truth.
pub(crate) fn check() -> Result<()> {
    let python = tools::python(&PACKAGES)?;
    install_wheel(&python)?;
    run(&python, &[docs::PYTHON, "--check"])?;
    let config = ["--config-file", "python/pyproject.toml"];
    run(&python, &[&["-m", "mypy"], &config[..], &["python/linprobe"]].concat())?;
    run(&python, &["-m", "pytest", "-q", "-rs", "-c", "python/pyproject.toml", "python/tests"])?;
    let config = ["--mypy-config-file", "python/pyproject.toml"];
    run(&python, &[&["-m", "mypy.stubtest", "linprobe"], &config[..]].concat())
}

/// Builds with the profile and features of the tests, which have compiled nearly all that the wheel needs.
fn install_wheel(python: &Path) -> Result<()> {
    let manifest = ["--manifest-path", "python/Cargo.toml"];
    let how =
        ["--profile", "dev", "--features", "as-tested", "--strip", "--quiet", "--out", WHEELS];
    run(python, &[&["-m", "maturin", "build"], &manifest[..], &how].concat())?;
    let found = ["--no-index", "--find-links", WHEELS, "--no-deps", "--force-reinstall"];
    run(python, &[&["-m", "pip", "install", "--quiet"], &found[..], &["linprobe"]].concat())
}

fn run(python: &Path, args: &[&str]) -> Result<()> {
    shell::run(&mut shell::command(python, args))
}
