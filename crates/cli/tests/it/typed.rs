//! What pages tell a reader to type can be read by the program: every command line of `linprobe`, in blocks and in prose, every
//! address of a store, every filter. None of it is run here.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use linprobe::Filter;
use linprobe_store::{Access, Variables};

use crate::{
    pages::{Code, Page, pages},
    shell::{commands, words},
};

/// The beginnings of addresses of stores.
const SCHEMES: [&str; 4] = ["postgres://", "qdrant://", "pinecone://", "milvus://"];

/// Words that may stand before a command.
const BEFORE: [&str; 8] = ["!", "if", "then", "else", "while", "until", "do", "exec"];

/// The words behind the name of the program, where a simple command calls it: by its name or its path, through cargo, or in
/// a container whose program it is.
fn arguments(words: &[String]) -> Option<&[String]> {
    let n_before = words.iter().take_while(|word| is_before(word)).count();
    let words = words.get(n_before..)?;
    let (first, second) = (words.first()?.as_str(), words.get(1).map(String::as_str));
    let place = match (first, second) {
        ("cargo", Some("run")) if !words.iter().any(|word| word == "--package") => {
            words.iter().position(|word| word == "--")
        }
        ("docker", Some("run")) => words.iter().position(|word| word == "linprobe"),
        ("xargs", _) => words.iter().position(|word| word == "linprobe"),
        _ if first == "linprobe" || first.ends_with("/linprobe") => Some(0),
        _ => None,
    };
    words.get(place? + 1..).filter(|arguments| !arguments.is_empty())
}

/// `NAME=value`, and words of the shell.
fn is_before(word: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_lowercase);
    BEFORE.contains(&word) || word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// What is wrong with a command line. Values that stand for others, and what they belong to, are left out.
fn mistake(arguments: &[String]) -> Option<Error> {
    let line = ["linprobe".to_owned()].into_iter().chain(arguments.iter().cloned());
    let error = linprobe_cli::parser().try_get_matches_from(line).err()?;
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return None;
    }
    match placeholder(&error, arguments) {
        Some(place) => mistake(&[&arguments[..place - 1], &arguments[place + 1..]].concat()),
        None => Some(error),
    }
}

/// Where a value is that cannot be read, because it is a placeholder or a variable of a script.
fn placeholder(error: &Error, arguments: &[String]) -> Option<usize> {
    let value = refused_value(error)?;
    let is_placeholder = value.ends_with(char::is_uppercase) || value.contains('$');
    arguments.iter().position(|word| is_placeholder && *word == value)
}

/// The value that cannot be read; none where there is none.
fn refused_value(error: &Error) -> Option<String> {
    match error.get(ContextKind::InvalidValue)? {
        ContextValue::String(value) => Some(value.clone()).filter(|value| !value.is_empty()),
        _ => None,
    }
}

/// What is wrong with a part of a command line, as prose has them, besides that something is missing.
fn mistake_in_part(arguments: &[String]) -> Option<Error> {
    mistake(arguments).filter(|error| match error.kind() {
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => false,
        ErrorKind::InvalidValue => refused_value(error).is_some(),
        _ => true,
    })
}

/// Each of the commands that "a|b" stands for.
fn alternatives(words: &[String]) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for word in words {
        let each = |line: &Vec<String>| -> Vec<Vec<String>> {
            word.split('|').map(|word| [line.as_slice(), &[word.to_owned()]].concat()).collect()
        };
        all = all.iter().flat_map(each).collect();
    }
    all
}

/// What is wrong with a span of code in prose, where it is a command of the program, a part of one, or options.
fn mistake_in_span(span: &str) -> Option<Error> {
    // Dots stand for more of the same.
    let words: Vec<String> = words(span).into_iter().filter(|word| word != "...").collect();
    let first = words.first()?;
    let names: Vec<String> = linprobe_cli::parser()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    if let Some(arguments) = arguments(&words) {
        return alternatives(arguments).iter().find_map(|line| mistake_in_part(line));
    }
    if names.contains(first) && words.len() > 1 {
        return alternatives(&words).iter().find_map(|line| mistake_in_part(line));
    }
    if first.starts_with("--") {
        return mistake_in_options(&words);
    }
    None
}

/// Options by themselves are right where some command takes them.
fn mistake_in_options(options: &[String]) -> Option<Error> {
    let mistakes: Vec<Option<Error>> = all_commands(&linprobe_cli::parser(), &[])
        .iter()
        .map(|command| mistake_in_part(&[command.as_slice(), options].concat()))
        .collect();
    if mistakes.iter().any(Option::is_none) { None } else { mistakes.into_iter().flatten().next() }
}

/// The names of all commands: `["session", "log"]`.
fn all_commands(of: &clap::Command, names: &[String]) -> Vec<Vec<String>> {
    let below = of.get_subcommands().flat_map(|command| {
        all_commands(command, &[names, &[command.get_name().to_owned()]].concat())
    });
    [vec![names.to_vec()], below.collect()].concat()
}

/// The commands of the program in a block, with the lines that they stand in.
fn lines_of(block: &Code) -> Vec<(usize, Vec<String>)> {
    let script = block.text.replace("ExecStart=", "");
    let commands = commands(&script).into_iter();
    let own = commands.filter_map(|own| Some((own.line, arguments(&own.words)?.to_vec())));
    own.map(|(line, arguments)| (block.line + line, arguments)).collect()
}

/// Whether a block is something to type.
fn is_typed(block: &Code) -> bool {
    ["", "sh"].contains(&block.language.as_str())
}

/// What of a page cannot be read, with the line.
fn mistakes(page: &Page) -> Vec<String> {
    let told = |line: usize, error: &Error| {
        let said = error.to_string();
        format!("{}:{line}: {}", page.name, said.lines().next().unwrap_or_default())
    };
    let blocks = page.blocks.iter().filter(|block| is_typed(block)).flat_map(lines_of);
    let of_blocks = blocks.filter_map(|(line, arguments)| Some(told(line, &mistake(&arguments)?)));
    let spans = page.spans.iter();
    let of_spans = spans.filter_map(|span| Some(told(span.line, &mistake_in_span(&span.text)?)));
    of_blocks.chain(of_spans).collect()
}

#[test]
fn every_command_of_the_pages_can_be_read() {
    let pages = pages();
    let n_commands: usize = pages
        .iter()
        .flat_map(|page| page.blocks.iter().filter(|block| is_typed(block)))
        .flat_map(lines_of)
        .count();
    assert!(n_commands > 100, "{n_commands} were found");
    let mistakes: Vec<String> = pages.iter().flat_map(mistakes).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn what_the_program_does_not_take_is_seen() {
    for wrong in [
        "linprobe lable",
        "linprobe session list --all",
        "linprobe completions tcsh",
        "linprobe label --strategy best --session NAME",
        "linprobe predict --threshold NAME --positive",
        "linprobe classifier export NAME --query pgvector|mysql",
        "cargo run --release -- demonstrate",
        "docker run --rm linprobe --folder tickets search",
        "session export NAME FILE --as log",
        "--labels-once",
        "--strategy best",
    ] {
        assert!(mistake_in_span(wrong).is_some(), "{wrong}");
    }
    for right in [
        "linprobe index --shard I/N",
        "linprobe predict --threshold precision>=P",
        "linprobe session conflicts NAME...",
        "linprobe completions bash|zsh",
        "session export --format",
        "--threshold",
        "label",
        "cargo run --package other -- demonstrate",
    ] {
        assert!(mistake_in_span(right).is_none(), "{right}");
    }
    let block =
        "LINPROBE_PORT=1 linprobe serve\nif ! linprobe inspect; then linprobe list | cat; fi\n";
    let block = Code { line: 7, language: "sh".to_owned(), text: block.to_owned() };
    let page = Page { name: "page".to_owned(), blocks: vec![block], spans: Vec::new() };
    assert_eq!(mistakes(&page), ["page:8: error: unrecognized subcommand 'list'"]);
}

/// Looks at an address as opening it begins, and goes no further.
fn read_address(address: &str) -> Result<(), String> {
    let variables = Variables::from_lookup(|_| None);
    let opening = pin!(linprobe_store::open(address, Access::Read, &variables));
    match opening.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// The addresses of stores in the code of a page.
fn addresses(page: &Page) -> Vec<(usize, String)> {
    let all = page.blocks.iter().chain(&page.spans);
    let words = all.flat_map(|code| {
        let words = code.text.split(|c: char| c.is_whitespace() || "'\"".contains(c));
        words.map(|word| (code.line, word))
    });
    let own = words.filter(|(_, word)| SCHEMES.iter().any(|scheme| word.starts_with(scheme)));
    own.map(|(line, word)| (line, on_this_machine(word))).collect()
}

/// The address with this machine for its server, so that nobody else is asked, and a number for a placeholder of a port.
fn on_this_machine(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap();
    let (user, rest) = rest.split_once('@').unwrap_or(("", rest));
    let at = if user.is_empty() { "" } else { "@" };
    let behind = rest.trim_start_matches(|c: char| !":/?".contains(c)).replace(":port", ":1");
    format!("{scheme}://{user}{at}127.0.0.1{behind}")
}

#[test]
fn every_address_of_a_store_can_be_read() {
    let mut n_addresses = 0;
    for page in pages() {
        for (line, address) in addresses(&page) {
            let read = read_address(&address);
            assert!(read.is_ok(), "{}:{line}: {address}: {read:?}", page.name);
            n_addresses += 1;
        }
    }
    assert!(n_addresses > 10, "{n_addresses} were found");
    for wrong in [
        "postgres://host/shop?table=items&serach=exact",
        "qdrant://host/items?database=x",
        "qdrant://host",
        "pinecone://host/items",
        "milvus://host/items?consistency=weak",
        "chroma://host/items",
    ] {
        assert!(read_address(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_filter_of_the_pages_can_be_read() {
    let mut n_filters = 0;
    for page in pages() {
        let blocks = page
            .blocks
            .iter()
            .filter(|block| is_typed(block))
            .flat_map(|block| commands(&block.text));
        let spans = page.spans.iter().flat_map(|span| commands(&span.text));
        for words in blocks.chain(spans).map(|command| command.words) {
            let places = (1..words.len()).filter(|place| words[place - 1] == "--where");
            for filter in places.map(|place| &words[place]) {
                let read = filter.parse::<Filter>();
                assert!(read.is_ok(), "{}: {filter}: {read:?}", page.name);
                n_filters += 1;
            }
        }
    }
    assert!(n_filters > 5, "{n_filters} were found");
    assert!("year > and".parse::<Filter>().is_err());
}
