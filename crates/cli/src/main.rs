//! The binary `linprobe`.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    ExitCode::from(linprobe_cli::run(env::args_os()))
}
