//! The program as one file that runs on any Linux: linked with musl's C library, so it needs none of the machine.
//!
//! The price is that such a program loads no library: ONNX Runtime and OpenVINO are not for it, and it says so.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail, ensure};

use crate::shell;

/// What compiles SQLite and the decoder of JPEG for musl.
const COMPILER: &str = "musl-gcc";

/// Builds it, if all that it takes is here.
pub(crate) fn run() -> Result<()> {
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    let missing = Found::here(&target)?.missing(&target);
    if !missing.is_empty() {
        bail!("the static program cannot be built here:\n{}", missing.join("\n"));
    }
    let package = ["--package", "linprobe-cli", "--bin", "linprobe"];
    let build = [&["build", "--release", "--locked", "--target", &target], &package[..]].concat();
    shell::cargo(&build)?;
    let program = shell::target_folder()?.join(&target).join("release/linprobe");
    ensure!(is_static(&program)?, "{} asks for libraries", program.display());
    shell::run(&mut shell::command(&program, &["demo", "--simulate"]))?;
    let graph = ["model", "check", "fixtures/embed/graphs/sentences"];
    let refused = shell::command(&program, &graph).output()?.status.code() == Some(1);
    ensure!(refused, "a graph, which takes a library, should be refused");
    shell::say(&format!("{}", program.display()));
    Ok(())
}

/// What is found of what it takes.
struct Found {
    /// Rust's libraries for the target.
    libraries: bool,
    /// The compiler of C.
    compiler: bool,
}

impl Found {
    fn here(target: &str) -> Result<Self> {
        let folder = ["--print", "target-libdir", "--target", target];
        let folder = shell::output(&mut shell::command("rustc", &folder))?;
        let compiler = shell::succeeds(&mut shell::command(COMPILER, &["--version"]));
        Ok(Self { libraries: PathBuf::from(folder.trim()).is_dir(), compiler })
    }

    /// What is missing, each with what brings it.
    fn missing(&self, target: &str) -> Vec<String> {
        let libraries =
            format!("Rust's libraries for {target} are missing\nhint: rustup target add {target}");
        let compiler = format!(
            "{COMPILER}, the C compiler for musl, is missing\nhint: apt-get install musl-tools"
        );
        let parts = [(self.libraries, libraries), (self.compiler, compiler)];
        parts.into_iter().filter(|(found, _)| !found).map(|(_, said)| said).collect()
    }
}

/// Whether a program names nobody that would load libraries for it.
fn is_static(program: &Path) -> Result<bool> {
    let mut headers = shell::command("readelf", &["--program-headers"]);
    Ok(!shell::output(headers.arg(program))?.contains("INTERP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_what_brings_it() {
        let target = "x86_64-unknown-linux-musl";
        assert_eq!(Found { libraries: true, compiler: true }.missing(target), [""; 0]);
        let said = Found { libraries: false, compiler: false }.missing(target).join("\n");
        assert!(said.contains("hint: rustup target add x86_64-unknown-linux-musl"), "{said}");
        assert!(said.contains("hint: apt-get install musl-tools"), "{said}");
    }

    #[test]
    fn nothing_but_cargo_and_a_c_compiler_builds_the_program() {
        let metadata = shell::metadata().unwrap();
        for package in metadata["packages"].as_array().unwrap() {
            let targets = package["targets"].as_array().unwrap();
            let kinds = targets.iter().flat_map(|target| target["kind"].as_array().unwrap());
            let scripts: Vec<_> = kinds.filter(|kind| *kind == "custom-build").collect();
            assert!(
                scripts.is_empty(),
                "{} has a build script, which could ask for Node",
                package["name"]
            );
        }
    }

    #[test]
    fn a_program_that_needs_libraries_is_told_from_one_that_does_not() {
        assert!(!is_static(&env::current_exe().unwrap()).unwrap());
    }
}
