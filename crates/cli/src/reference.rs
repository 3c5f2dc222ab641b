//! The command line as a page of the documentation: what `docs/reference/cli.md` holds.
//!
//! It is made of what the parser itself knows, so the page says what the commands take, no more and no less.

use clap::{Arg, Command, CommandFactory, builder::StyledStr};

use crate::args::Cli;

const OPENING: &str = "# Reference: the command line\n\n\
    Made of the parser of the command by `cargo xtask docs`; `linprobe COMMAND --help` says the same. Options come behind their command, \
    in any order.";

/// The variables that are read elsewhere than by the parser.
const ENVIRONMENT: &str = include_str!("reference/environment.md");

/// The reference of all commands, in Markdown.
pub fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = vec![OPENING.to_owned()];
    page.extend(root.get_about().map(sentence));
    page.push("## Options of every command".to_owned());
    page.push(list(root.get_arguments().filter(|arg| is_shown(arg))));
    page.extend(root.get_after_help().map(sentence));
    for command in commands(&root) {
        describe(command, 2, &mut page);
    }
    page.push(ENVIRONMENT.to_owned());
    page.join("\n\n")
}

/// The commands of a command that people are told of.
fn commands(parent: &Command) -> impl Iterator<Item = &Command> {
    parent.get_subcommands().filter(|own| !own.is_hide_set() && own.get_name() != "help")
}

fn describe(command: &Command, depth: usize, page: &mut Vec<String>) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    page.push(format!("{} {name}", "#".repeat(depth)));
    page.extend(command.get_long_about().or(command.get_about()).map(sentence));
    let usage = command.clone().render_usage().to_string();
    page.push(format!("```text\n{}\n```", usage.trim_start_matches("Usage: ").trim()));
    let own = command.get_arguments().filter(|arg| is_shown(arg) && !arg.is_global_set());
    let (mut args, options): (Vec<&Arg>, Vec<&Arg>) = own.partition(|arg| arg.is_positional());
    args.extend(options);
    if !args.is_empty() {
        page.push(list(args.into_iter()));
    }
    page.extend(command.get_after_help().map(sentence));
    for own in commands(command) {
        describe(own, depth + 1, page);
    }
}

fn is_shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn list<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    args.map(entry).collect::<Vec<_>>().join("\n")
}

/// An argument, what it is, and what it is where nobody says so.
fn entry(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let help = arg.get_long_help().or(arg.get_help()).map(sentence).unwrap_or_default();
    let mut words = vec![format!("- `{short}{arg}`: {help}")];
    if arg.get_action().takes_values() {
        let defaults =
            arg.get_default_values().iter().map(|value| format!("`{}`", value.display()));
        words.extend(defaults.map(|value| format!("Default: {value}.")));
        words.extend(arg.get_env().map(|name| format!("Environment: `{}`.", name.display())));
    }
    [vec![words.join(" ")], choices(arg)].concat().join("\n")
}

/// The values that an argument may have: in one line, or each with what it means.
fn choices(arg: &Arg) -> Vec<String> {
    let values = arg.get_possible_values();
    let explained = values.iter().any(|value| value.get_help().is_some());
    let named = values.iter().map(|value| match value.get_help() {
        Some(help) => format!("  - `{}`: {}", value.get_name(), sentence(help)),
        None => format!("`{}`", value.get_name()),
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() || explained {
        named
    } else {
        vec![format!("  One of {}.", named.join(", "))]
    }
}

/// Help has no full stop at its end where it is one sentence.
fn sentence(words: &StyledStr) -> String {
    let words = words.to_string();
    let words = words.trim();
    if words.ends_with(['.', ']']) { words.to_owned() } else { format!("{words}.") }
}
