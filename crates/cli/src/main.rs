//! The terminal door of linprobe.

fn main() {}
