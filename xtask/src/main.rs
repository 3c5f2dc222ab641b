//! The one command of linprobe's developers: checks, tests, benchmarks.

fn main() {}
