//! A server of Milvus, of PyPI's package `milvus`, which brings the programs along.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// Names a Python with the package.
pub const MILVUS: &str = "LINPROBE_TEST_MILVUS";

/// Runs the server, and ends it when its input ends, with the test or before.
const KEEPER: &str = include_str!("run_milvus.py");

/// A server with a folder of its own, which goes with it, or at the latest with this process.
#[derive(Debug)]
pub struct MilvusServer {
    keeper: Mutex<Keeper>,
    port: u16,
}

#[derive(Debug)]
struct Keeper {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl MilvusServer {
    /// Starts a server, by the Python that `LINPROBE_TEST_MILVUS` names, with settings such as `authorization_enabled=true`.
    ///
    /// # Panics
    /// It does not start.
    pub fn start(settings: &[&str]) -> Self {
        let python = env::var_os(MILVUS).expect(MILVUS);
        let mut command = Command::new(python);
        command.arg("-c").arg(KEEPER).args(settings);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start a Python with the package milvus");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("an output"));
        let mut keeper = Keeper { process, input, output };
        let port = keeper.tell("up").parse().expect("a port");
        Self { keeper: Mutex::new(keeper), port }
    }

    /// Starts it again.
    pub fn up(&self) {
        self.tell("up");
    }

    /// Ends it at once, without a word to anybody, as a crash does.
    pub fn crash(&self) {
        self.tell("crash");
    }

    /// The port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a collection; more of it comes behind.
    pub fn address(&self, collection: &str) -> String {
        format!("milvus://127.0.0.1:{}/{collection}", self.port)
    }

    fn tell(&self, command: &str) -> String {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).tell(command)
    }
}

impl Keeper {
    /// What is answered to a command.
    fn tell(&mut self, command: &str) -> String {
        let input = self.input.as_mut().expect("an input");
        writeln!(input, "{command}").expect("tell the keeper of a server");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("hear the keeper of a server");
        answer.trim().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.process.wait());
    }
}
