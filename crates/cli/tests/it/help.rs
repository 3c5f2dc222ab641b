//! The commands explain themselves.

use crate::support::Bench;

#[test]
fn the_overview_lists_every_command() {
    let help = Bench::new().ok(&["--help"]);
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    assert_eq!(
        names,
        [
            "init",
            "index",
            "search",
            "label",
            "session",
            "simulate",
            "predict",
            "classifier",
            "inspect",
            "demo",
            "completions",
            "help"
        ]
    );
}

/// One snapshot a command, so that a change of its words is seen and meant.
#[test]
fn every_command_explains_itself() {
    let bench = Bench::new();
    let commands = [
        "init",
        "index",
        "search",
        "label",
        "session",
        "simulate",
        "predict",
        "classifier",
        "inspect",
        "demo",
        "completions",
    ];
    for command in commands {
        insta::assert_snapshot!(command, bench.ok(&[command, "--help"]));
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(Bench::new().ok(&["completions", shell]).contains("simulate"), "{shell}");
    }
}
