//! Prints the reference of the command line: what `docs/reference/cli.md` holds.

/// Prints it.
#[expect(clippy::print_stdout, reason = "the reference is the output")]
fn main() {
    print!("{}", linprobe_cli::reference());
}
