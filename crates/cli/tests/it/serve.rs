//! `linprobe serve` as a process: told where it is, killed, ended, started again.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

use serde_json::{Value, json};

use crate::support::Bench;

/// A running server; killed when the test is over.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(bench: &Bench, args: &[&str]) -> Self {
        let mut command = bench.command(&[&["serve", "--json"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let address = told["url"].as_str().unwrap().trim_start_matches("http://");
        Self { address: address.trim_end_matches('/').to_owned(), child }
    }

    fn port(&self) -> &str {
        self.address.rsplit_once(':').unwrap().1
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nx-linprobe: 1\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const SESSION: &str = "/api/projects/project/sessions/s";

fn say(server: &Running, n: u64) -> Value {
    let answer = json!({ "request": format!("r{n}"), "id": format!("baking-1{n}"), "label": 0.5 });
    server.post(&format!("{SESSION}/answers"), &json!({ "answers": [answer] }))
}

#[test]
fn labels_survive_a_server_that_is_killed_and_one_that_is_ended() {
    let bench = Bench::with_texts();
    let server = Running::start(&bench, &["--port", "0"]);
    let start = json!({ "name": "s", "start": { "phrases": ["bread"] } });
    server.post("/api/projects/project/sessions", &start);
    assert_eq!(say(&server, 1)["n_labels"], 1);
    let port = server.port().to_owned();
    drop(server);
    let mut server = Running::start(&bench, &["--port", &port]);
    assert_eq!(say(&server, 1)["answers"][0]["status"], "repeated");
    assert_eq!(say(&server, 2)["n_labels"], 2);
    let ended = std::process::Command::new("kill").arg(server.child.id().to_string()).status();
    assert!(ended.unwrap().success());
    assert!(server.child.wait().unwrap().success(), "it ends well when it is told to");
    let server = Running::start(&bench, &["--port", &port]);
    assert_eq!(say(&server, 2)["n_labels"], 2);
}

#[test]
fn another_address_than_this_machines_own_needs_a_token_which_is_printed() {
    let bench = Bench::with_texts();
    let args = ["serve", "--json", "--port", "0", "--host", "0.0.0.0"];
    let mut child = bench.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["token"].as_str().unwrap().len(), 32, "{told}");
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let bench = Bench::with_texts();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = bench.run(&["serve", "--port", &port]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && told.contains("hint: another server may be there"),
        "{told}"
    );
}
