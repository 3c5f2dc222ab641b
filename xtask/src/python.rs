//! The Python package: built as the wheel that people install, and tested from there.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{docs, shell, tools};

/// What the tests of the package use beside it.
pub(crate) const PACKAGES: [&str; 18] = [
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

/// Names a Python with ray, numpy, pyarrow, pytest, nbclient and ipykernel: Ray starts a cluster, which takes as long as all other tests.
const RAY: &str = "LINPROBE_TEST_RAY";

/// Where the wheel is built.
const WHEELS: &str = "target/wheels";

/// The page of reference and the types, then the tests and the examples of the documentation, then whether the stubs tell the truth.
pub(crate) fn run() -> Result<()> {
    let python = &tools::python(&PACKAGES)?;
    build_wheel(python)?;
    try_alone(python)?;
    install_wheel(python)?;
    call(python, &[docs::PYTHON, "--check"])?;
    let config = ["--config-file", "python/pyproject.toml"];
    call(python, &[&["-m", "mypy"], &config[..], &["python/linprobe"]].concat())?;
    call(python, &["-m", "pytest", "-q", "-rs", "-c", "python/pyproject.toml", "python/tests"])?;
    if let Some(with_ray) = env::var_os(RAY).map(PathBuf::from) {
        install_wheel(&with_ray)?;
        let test = ["-c", "python/pyproject.toml", "python/tests/test_ray.py"];
        call(&with_ray, &[&["-m", "pytest", "-q"], &test[..]].concat())?;
    }
    let config = ["--mypy-config-file", "python/pyproject.toml"];
    call(python, &[&["-m", "mypy.stubtest", "linprobe"], &config[..]].concat())
}

/// Builds with the profile and features of the tests, which have compiled nearly all that the wheel needs.
fn build_wheel(python: &Path) -> Result<()> {
    let manifest = ["--manifest-path", "python/Cargo.toml"];
    let how =
        ["--profile", "dev", "--features", "as-tested", "--strip", "--quiet", "--out", WHEELS];
    call(python, &[&["-m", "maturin", "build"], &manifest[..], &how].concat())
}

/// What a user does first.
const FIRST_STEPS: &str = "import tempfile, linprobe\n\
    project = linprobe.Project(tempfile.mkdtemp())\n\
    project.index(['a cat', 'a tax form'], progress=False)\n\
    assert project.search('a kitten', k=1)[0].id == '0'";

/// Installs the wheel as people do: where nothing else is, with what it says that it needs.
fn try_alone(python: &Path) -> Result<()> {
    let folder = shell::target_folder()?.join("alone");
    let path = folder.to_str().context("the path of the workspace is not UTF-8")?;
    call(python, &["-m", "venv", "--clear", path])?;
    let programs = folder.join("bin");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let mut install = shell::command(programs.join("python"), &install);
    shell::run(install.arg(wheel()?))?;
    shell::run(&mut shell::command(programs.join("python"), &["-c", FIRST_STEPS]))?;
    shell::run(&mut shell::command(programs.join("linprobe"), &["--version"]))
}

/// The wheel for all versions of Python since 3.9.
fn wheel() -> Result<PathBuf> {
    let files = fs::read_dir(shell::root().join(WHEELS))?;
    let paths: Vec<PathBuf> = files.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    let is_one = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.contains("-cp39-abi3-") && name.ends_with(".whl")
    };
    paths.iter().find(is_one).cloned().with_context(|| format!("no wheel for abi3 in {WHEELS}"))
}

fn install_wheel(python: &Path) -> Result<()> {
    let found = ["--no-index", "--find-links", WHEELS, "--no-deps", "--force-reinstall"];
    call(python, &[&["-m", "pip", "install", "--quiet"], &found[..], &["linprobe"]].concat())
}

fn call(python: &Path, args: &[&str]) -> Result<()> {
    shell::run(&mut shell::command(python, args))
}
