//! The binary `linprobe`.

use std::{env, process::ExitCode};

#[cfg(target_env = "musl")]
use mimalloc::MiMalloc;

/// With musl's own, which gives memory back to the system at once, embedding by a small model takes three times as long.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(linprobe_cli::run(env::args_os()))
}
