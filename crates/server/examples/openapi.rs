//! Prints the description of the API: what `docs/openapi.json` holds.

/// Prints it.
#[expect(clippy::print_stdout, reason = "the description is the output")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", linprobe_server::document().to_pretty_json()?);
    Ok(())
}
