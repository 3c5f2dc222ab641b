//! Where the commands of a page run: a folder that holds what `docs/guides/data` does, and servers of this machine in the place
//! of those that the page asks.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use linprobe_hub::{
    RepoKind,
    fake::{Behaviour, FakeRepo, HubServer},
};
use linprobe_store::fake::FakeQdrant;
use serde_json::json;

use crate::{
    bucket,
    pages::ROOT,
    support::{Bench, copy, text},
};

/// What a person at the terminal is for: who labels passes everything over, and a page is opened and closed again.
const PERSON: &str = r#"#!/bin/sh
case " $* " in
*" serve "* | *" --web "*)
    "$PROGRAM" "$@" > served 2>&1 &
    until grep -q '127.0.0.1:' served; do kill -0 $! 2> /dev/null || { cat served; exit 1; }; sleep .1; done
    kill $!
    wait $! || test $? = 143
    ;;
*" label "*) exec "$PROGRAM" "$@" --json < /dev/null ;;
*) exec "$PROGRAM" "$@" ;;
esac
"#;

/// A program that is given something to read, and wants nothing more.
const READER: &str = "#!/bin/sh\ntest \"$(wc -c)\" -gt 100\n";

/// Runs scripts, one after the other, in one folder.
pub(crate) struct Stage {
    bench: Bench,
    environment: Vec<(&'static str, String)>,
    /// Folders of programs, before all others.
    path: String,
}

impl Stage {
    /// `$STORE` is a collection of Qdrant that is not there yet.
    pub(crate) fn new() -> Self {
        let bench = Bench::new();
        copy(Path::new(&format!("{ROOT}/docs/guides/data")), bench.folder());
        let program = PathBuf::from(bench.command(&[]).get_program());
        let own = program.parent().unwrap().display();
        let path = format!("{own}:{}", env::var("PATH").unwrap());
        let mut stage = Self { bench, environment: Vec::new(), path };
        stage.set("HF_HUB_OFFLINE", "1");
        stage.set("FIXTURES", &format!("{ROOT}/fixtures"));
        stage.set("PROGRAM", &program.display().to_string());
        stage.set("STORE", &FakeQdrant::start(None).address("points"));
        stage
    }

    /// One with somebody at its terminal, who has no database to ask.
    pub(crate) fn attended() -> Self {
        let mut stage = Self::new();
        for (name, script) in [("linprobe", PERSON), ("psql", READER), ("curl", READER)] {
            let program = stage.bench.path("person").join(name);
            fs::create_dir_all(program.parent().unwrap()).unwrap();
            stage.bench.write(&format!("person/{name}"), script);
            fs::set_permissions(program, Permissions::from_mode(0o755)).unwrap();
        }
        stage.path = format!("{}:{}", stage.bench.path("person").display(), stage.path);
        stage.set("LINPROBE_PORT", "0");
        stage
    }

    /// Gives a variable to the commands that run from now on.
    pub(crate) fn set(&mut self, variable: &'static str, value: &str) {
        self.environment.push((variable, value.to_owned()));
    }

    pub(crate) fn folder(&self) -> &Path {
        self.bench.folder()
    }

    /// From now on there is a hub with one dataset: what is in the folder `hub`, where `320px` is one of two configurations.
    pub(crate) fn start_hub(&mut self, dataset: &str) {
        let mut files = BTreeMap::new();
        files_below(&self.bench.path("hub"), "", &mut files);
        let config = |name: &str| json!({ "config_name": name, "data_dir": name });
        let mut repo = FakeRepo::new(RepoKind::Dataset, dataset, files);
        repo.card = json!({ "configs": [config("320px"), config("full_size")] });
        let hub = HubServer::start(vec![repo], Behaviour::default());
        self.set("HF_HUB_OFFLINE", "0");
        self.set("HF_ENDPOINT", &hub.endpoint());
    }

    /// From now on buckets are folders in `buckets`.
    pub(crate) fn start_buckets(&mut self) {
        let address = bucket::serve(self.bench.path("buckets"));
        self.set("AWS_ENDPOINT_URL", &address);
        self.set("STORAGE_EMULATOR_HOST", &address);
    }

    /// Runs commands up to the first that fails, which none may; gives all that they print.
    pub(crate) fn run(&self, script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &format!("exec 2>&1\n{script}")]).current_dir(self.folder());
        command.env_clear().env("PATH", &self.path).env("HOME", self.folder());
        command.env("TMPDIR", self.folder()).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success(), "{script}\n{said}");
        said
    }
}

/// The files of a folder by their paths in it.
fn files_below(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files_below(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(path).unwrap());
        }
    }
}
