//! The commands explain themselves.

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
