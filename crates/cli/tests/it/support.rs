//! Runs the binary in a folder of its own.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a project in `project`, and the binary to run over it.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A project with an indexed table of texts.
    pub(crate) fn with_texts() -> Self {
        let bench = Self::new();
        bench.write("texts.csv", &texts());
        bench.ok(&["init"]);
        bench.ok(&["index", "texts.csv"]);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// The command, in the folder, over its project, with nothing of the caller's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linprobe"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("LINPROBE_PROJECT_DIR", "project").env("HOME", self.folder.path());
        command.env("HF_HUB_OFFLINE", "1").env("TMPDIR", self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs to a good end; gives what was written to standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs to a bad end; gives the exit code and what was said.
    pub(crate) fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?} should fail");
        let said = text(&output.stderr);
        let folder = self.folder.path().display().to_string();
        (output.status.code().unwrap(), said.trim().replace(&folder, "[folder]"))
    }

    /// Runs with `--json`; gives the objects.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        objects(&self.ok(&[args, &["--json"]].concat()))
    }

    /// Runs a labelling script: lines in, objects out.
    pub(crate) fn script(&self, args: &[&str], lines: &[Value]) -> Vec<Value> {
        let mut child = self.spawn_script(args);
        let mut stdin = child.stdin.take().unwrap();
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        objects(&text(&output.stdout))
    }

    pub(crate) fn spawn_script(&self, args: &[&str]) -> Child {
        let mut command = self.command(&[&["label", "--json"], args].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Forty texts about stars and forty about bread, as a table with ids and classes.
pub(crate) fn texts() -> String {
    let stars = ["telescope", "galaxy", "planet", "comet", "nebula", "orbit", "eclipse", "quasar"];
    let bread = ["dough", "yeast", "oven", "flour", "crust", "sourdough", "baguette", "bakery"];
    let mut rows = vec!["id,text,topic".to_owned()];
    for (topic, words) in [("astronomy", stars), ("baking", bread)] {
        for (n, word) in words.iter().enumerate() {
            let pairs = words
                .iter()
                .enumerate()
                .take(5)
                .map(|(m, other)| format!("{topic}-{n}{m},the {word} and the {other},{topic}"));
            rows.extend(pairs);
        }
    }
    rows.join("\n")
}

/// A file of vectors.
pub(crate) fn write_npy(path: &Path, rows: &[[f32; 3]]) {
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 3), }}", rows.len());
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let padded = format!("{header:<117}\n");
    bytes.extend(u16::try_from(padded.len()).unwrap().to_le_bytes());
    bytes.extend(padded.as_bytes());
    bytes.extend(rows.iter().flatten().flat_map(|value| value.to_le_bytes()));
    #[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
    std::fs::write(path, bytes).unwrap();
}
