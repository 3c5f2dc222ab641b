//! Builds and tests the web page, and the widget of notebooks, which is built of the same sources. Both are committed, so that
//! cargo and maturin need no Node; here they are built again and compared, and their stamps tell without Node that
//! their sources have changed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::shell;

/// Where the page is written, and where it is built to.
const SOURCES: &str = "web";
const ASSETS: &str = "crates/server/assets";

/// The widget, in the folder of the Python package.
const PACKAGE: &str = "python/linprobe";
const WIDGET: &str = "widget.js";

/// The list of what decides how the built page and the widget look.
const STAMPED: &str = "stamped.json";

#[derive(Args)]
pub(crate) struct WebArgs {
    /// Checks and tests the page instead, in a browser too.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &WebArgs) -> Result<()> {
    install()?;
    if args.check { check() } else { build() }
}

/// Builds the page into the crate that embeds it, and the widget into the package that carries it.
fn build() -> Result<()> {
    npm(&["run", "build"])?;
    npm(&["run", "build:widget"])
}

/// Fails if the committed page or widget was built from other sources; needs no Node.
pub(crate) fn check_stamp() -> Result<()> {
    let hash = hash_of_sources()?;
    for (folder, file) in [(ASSETS, "sources.sha256"), (PACKAGE, WIDGET)] {
        let path = shell::root().join(folder).join(file);
        let built = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        ensure!(
            built.lines().next().is_some_and(|stamp| stamp.ends_with(&hash)),
            "{folder}/{file} was built from other sources than {SOURCES}\nhint: run \"cargo xtask web\""
        );
    }
    Ok(())
}

/// Checks, tests and rebuilds the page, then labels with it in a browser.
pub(crate) fn check() -> Result<()> {
    for task in ["types:check", "check", "lint", "test"] {
        npm(&["run", task])?;
    }
    check_build()?;
    scenes()
}

/// Plays the scenes in Chromium, over the real binary.
fn scenes() -> Result<()> {
    // The one of the tests: without what they switch on, dependencies would be compiled once more.
    shell::cargo(&["test", "--quiet", "--workspace", "--no-run"])?;
    let mut playwright = npm_command(&["run", "e2e"]);
    let binary = shell::target_folder()?.join("debug/linprobe");
    shell::run(playwright.env("LINPROBE_BIN", binary).env("CHROMIUM", chromium()?))
}

/// The same page and the same widget must come out of the same sources, byte for byte.
fn check_build() -> Result<()> {
    let (page, package) = (shell::root().join("target/web"), shell::root().join("target/widget"));
    for (task, into) in [("build", &page), ("build:widget", &package)] {
        let folder = into.to_str().context("the path of the workspace is not UTF-8")?;
        npm(&["run", task, "--", "--outDir", folder, "--logLevel", "warn"])?;
    }
    let widget = |folder: &Path| fs::read(folder.join(WIDGET)).context(WIDGET);
    ensure!(
        files_of(&shell::root().join(ASSETS))? == files_of(&page)?
            && widget(&shell::root().join(PACKAGE))? == widget(&package)?,
        "{ASSETS} or {PACKAGE}/{WIDGET} is not what {SOURCES} builds to\nhint: run \"cargo xtask web\""
    );
    Ok(())
}

fn files_of(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut paths = Vec::new();
    files_under(folder, &mut paths)?;
    let read = |path: PathBuf| Ok((path.strip_prefix(folder)?.to_path_buf(), fs::read(&path)?));
    paths.into_iter().map(read).collect()
}

/// Name, NUL, content, NUL of each file, in the order of their names, as `web/stamp.ts` hashes them.
fn hash_of_sources() -> Result<String> {
    let folder = shell::root().join(SOURCES);
    let list = folder.join(STAMPED);
    let list = fs::read_to_string(&list).with_context(|| format!("{}", list.display()))?;
    let mut paths = Vec::new();
    for path in serde_json::from_str::<Vec<String>>(&list)? {
        files_under(&folder.join(path), &mut paths)?;
    }
    let mut hash = Sha256::new();
    for (name, path) in named(&folder, paths)? {
        hash.update(format!("{name}\0"));
        hash.update(fs::read(path)?);
        hash.update("\0");
    }
    let hex = hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    Ok(hex)
}

fn named(folder: &Path, paths: Vec<PathBuf>) -> Result<BTreeMap<String, PathBuf>> {
    let mut named = BTreeMap::new();
    for path in paths {
        let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        if !name.contains(".test.") {
            named.insert(name, path);
        }
    }
    Ok(named)
}

fn files_under(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("{}", path.display()))? {
        files_under(&entry?.path(), files)?;
    }
    Ok(())
}

/// The packages that the page is built from and tested with, as the lock file names them.
pub(crate) fn install() -> Result<()> {
    let found = shell::succeeds(&mut shell::command("npm", &["--version"]));
    ensure!(found, "npm is missing\nhint: install Node.js 20.19 or later");
    npm(&["ci", "--no-audit", "--no-fund"])
}

fn npm(args: &[&str]) -> Result<()> {
    shell::run(&mut npm_command(args))
}

fn npm_command(args: &[&str]) -> std::process::Command {
    let mut npm = shell::command("npm", args);
    npm.current_dir(shell::root().join(SOURCES)).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm
}

/// Debian's Chromium; installed where it is missing and may be.
pub(crate) fn chromium() -> Result<PathBuf> {
    let chromium = PathBuf::from("/usr/bin/chromium");
    if !chromium.exists() {
        let install = ["install", "--yes", "--no-install-recommends", "chromium"];
        let installed = shell::run(shell::command("apt-get", &["update"]).arg("--quiet"))
            .and_then(|()| shell::run(&mut shell::command("apt-get", &install)));
        ensure!(installed.is_ok(), "Chromium is missing\nhint: install it as /usr/bin/chromium");
    }
    Ok(chromium)
}
