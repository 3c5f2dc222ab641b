//! The API under requests that nobody would write by hand, made from its own description.

use std::{path::PathBuf, process::Command};

use serde_json::json;

use crate::stage::{Stage, write};

/// What stands in paths and queries, so that requests reach something.
const CONFIG: &[u8] = b"[parameters]
project = \"texts\"
session = \"stars\"
id = \"r/1\"
job = \"1\"
a = \"stars@0\"
b = \"stars\"
";

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, with schemathesis beside it: cargo xtask ci"]
fn no_request_makes_the_server_fail() {
    let python = std::env::var_os("LINPROBE_TEST_PYTHON").expect("a Python is named");
    let schemathesis = PathBuf::from(python).with_file_name("st");
    let stage = Stage::with_texts();
    let start = json!({ "name": "stars", "start": { "phrases": ["stars"] } });
    stage.did("/api/projects/texts/sessions", &start);
    let config = stage.path("schemathesis.toml");
    write(&config, CONFIG);
    let url = format!("{}api/openapi.json", stage.listen());
    let mut command = Command::new(schemathesis);
    command.current_dir(stage.path("")).args([
        "--config-file",
        config.to_str().unwrap(),
        "run",
        &url,
    ]);
    command.args(["--header", "x-linprobe: 1", "--checks", "not_a_server_error"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "40", "--seed", "1"]);
    command.args(["--request-timeout", "30", "--no-color"]);
    let output = command.output().expect("schemathesis can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
}
