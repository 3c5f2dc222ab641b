//! The commands explain themselves: in their help, in the page of reference, in manual pages.

use std::fs;

use crate::support::Bench;

const COMMANDS: [&str; 18] = [
    "init",
    "index",
    "search",
    "label",
    "audit",
    "session",
    "simulate",
    "predict",
    "classifier",
    "model",
    "serve",
    "inspect",
    "doctor",
    "duplicates",
    "copy",
    "compact",
    "demo",
    "completions",
];

#[test]
fn the_overview_lists_every_command() {
    let help = Bench::new().ok(&["--help"]);
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    assert_eq!(names, [&COMMANDS[..], &["help"]].concat());
}

#[test]
fn the_help_opens_with_what_it_is_for() {
    let bench = Bench::new();
    let promise = "Finds the records that you mean in a dataset, and learns a classifier";
    assert!(bench.ok(&["-h"]).starts_with(promise));
    assert!(bench.ok(&["--help"]).starts_with(promise));
}

/// One snapshot a command, so that a change of its words is seen and meant.
#[test]
fn every_command_explains_itself() {
    let bench = Bench::new();
    for command in COMMANDS {
        insta::assert_snapshot!(command, bench.ok(&[command, "--help"]));
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(Bench::new().ok(&["completions", shell]).contains("simulate"), "{shell}");
    }
}

#[test]
fn completions_that_nobody_reads_to_the_end_are_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Bench::new().command(&["completions", "bash"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// The page says what every command says, so that it is read without the command.
#[test]
fn the_page_of_reference_is_what_the_command_line_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
    let kept = fs::read_to_string(page).unwrap();
    let made = linprobe_cli::reference();
    assert!(kept == made, "docs/reference/cli.md is out of date: cargo xtask docs");
    for command in COMMANDS {
        assert!(kept.contains(&format!("\n## linprobe {command}\n")), "{command}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let bench = Bench::new();
    bench.ok(&["man", "man1"]);
    let page = |name: &str| fs::read_to_string(bench.path("man1").join(name)).unwrap();
    for command in COMMANDS {
        assert!(page(&format!("linprobe-{command}.1")).contains(".SH SYNOPSIS"), "{command}");
    }
    assert!(page("linprobe.1").contains("label"));
    assert!(page("linprobe-session-export.1").contains("fiftyone"));
}
