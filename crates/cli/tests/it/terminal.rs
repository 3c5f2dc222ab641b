//! The loop as a person at a terminal has it: keys in, records out.

use std::process::Stdio;

use rexpect::session::{PtySession, spawn_command};

use crate::{journey::label_rounds, pages::Page, support::Bench};

const PATIENCE_MS: u64 = 30_000;

fn label(bench: &Bench, args: &[&str]) -> PtySession {
    at_terminal(bench, &[&["label"], args].concat())
}

fn at_terminal(bench: &Bench, args: &[&str]) -> PtySession {
    let mut command = bench.command(args);
    command.env("TERM", "xterm-256color").env("NO_COLOR", "1").stdin(Stdio::inherit());
    spawn_command(command, Some(PATIENCE_MS)).unwrap()
}

fn press(terminal: &mut PtySession, keys: &str) {
    terminal.send(keys).unwrap();
    terminal.flush().unwrap();
}

#[test]
fn a_session_is_led_by_keys_alone_and_kept() {
    let bench = Bench::with_texts();
    let mut terminal = label(&bench, &["astronomy", "-k", "3", "--session", "keys"]);
    terminal.exp_string("fitted on 0 labels").unwrap();
    terminal.exp_string("round 1, 1 of 3").unwrap();
    terminal.exp_string("explores: stands for many high scores").unwrap();
    terminal.exp_string("? keys").unwrap();
    press(&mut terminal, "?");
    terminal.exp_string("backspace").unwrap();
    terminal.exp_string("round 1, 1 of 3").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "9");
    terminal.exp_string("+1.00").unwrap();
    terminal.exp_string("round 1, 2 of 3").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "3");
    terminal.exp_string("-0.50").unwrap();
    terminal.exp_string("round 1, 3 of 3").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "\u{7f}");
    terminal.exp_string("took back -0.50").unwrap();
    terminal.exp_string("round 1, 2 of 3").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "x");
    terminal.exp_string("round 1, 3 of 3").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, " ");
    terminal.exp_string("skipped").unwrap();
    terminal.exp_string("enter fits").unwrap();
    press(&mut terminal, "\r");
    terminal.exp_string("fitted on 2 labels (1 positive, 1 negative)").unwrap();
    terminal.exp_string("round 2, 1 of 3").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "q");
    terminal.exp_string("2 labels are kept").unwrap();
    terminal.exp_string("linprobe label --session").unwrap();
    terminal.exp_eof().unwrap();

    let mut terminal = label(&bench, &["-k", "3", "--project", "./project"]);
    terminal.exp_string("fitted on 2 labels").unwrap();
    terminal.exp_string("round 2, 1 of 3").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "\u{3}");
    terminal.exp_string("2 labels are kept").unwrap();
    terminal.exp_string("linprobe --project ./project label --session").unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn enter_passes_over_the_rest_of_a_round() {
    let bench = Bench::with_texts();
    let mut terminal = label(&bench, &["astronomy", "-k", "5", "--session", "short"]);
    terminal.exp_string("round 1, 1 of 5").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "a");
    terminal.exp_string("round 1, 2 of 5").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "\r");
    terminal.exp_string("fitted on 1 labels").unwrap();
    terminal.exp_string("round 2, 1 of 5").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "q");
    terminal.exp_eof().unwrap();
    assert_eq!(bench.json(&["session", "show", "short"])[0]["n_seen"], 10);
}

#[test]
fn an_audit_is_judged_by_keys_alone_and_reported_in_the_end() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 2);
    let mut terminal = at_terminal(&bench, &["audit", "stars", "--budget", "4"]);
    terminal.exp_string("audit of").unwrap();
    terminal.exp_string("audit, 1 of 4").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "a");
    terminal.exp_string("+1.00").unwrap();
    terminal.exp_string("audit, 2 of 4").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "\u{7f}");
    terminal.exp_string("took back the answer to").unwrap();
    terminal.exp_string("audit, 1 of 4").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "\r");
    terminal.exp_string("an audit fits nothing").unwrap();
    terminal.exp_string("audit, 1 of 4").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, " ");
    terminal.exp_string("skipped").unwrap();
    terminal.exp_string("audit, 2 of 4").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "q");
    terminal.exp_eof().unwrap();

    let mut terminal = at_terminal(&bench, &["audit", "stars"]);
    for place in 2..=4 {
        terminal.exp_string(&format!("audit, {place} of 4")).unwrap();
        terminal.exp_string("q quit").unwrap();
        press(&mut terminal, "x");
        terminal.exp_string("-1.00").unwrap();
    }
    terminal.exp_string("q quits").unwrap();
    press(&mut terminal, "\u{7f}");
    terminal.exp_string("took back the answer to").unwrap();
    terminal.exp_string("audit, 4 of 4").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "x");
    terminal.exp_string("-1.00").unwrap();
    terminal.exp_string("q quits").unwrap();
    press(&mut terminal, "q");
    terminal.exp_string("3 judged at random").unwrap();
    terminal.exp_eof().unwrap();
}

/// What is printed, without numbers, bars, emphasis and spaces: lines end where the terminal does.
fn without_numbers(text: &str) -> String {
    let is_bar = |c: &char| ('\u{2581}'..='\u{2588}').contains(c);
    let is_number = |c: &char| c.is_ascii_digit() || "+-.,".contains(*c);
    let plain = text.split('\u{1b}').enumerate().map(|(place, part)| {
        let rest = part.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        if place == 0 { part } else { rest.get(1..).unwrap_or_default() }
    });
    let plain: String = plain.collect();
    plain.chars().filter(|c| !c.is_whitespace() && !is_number(c) && !is_bar(c)).collect()
}

/// The text of a terminal's bytes, which come as a character each.
fn from_bytes(said: &str) -> String {
    String::from_utf8(said.chars().map(|c| u8::try_from(c).unwrap()).collect()).unwrap()
}

#[test]
fn the_demo_looks_as_the_readme_shows() {
    let bench = Bench::new();
    let mut terminal = at_terminal(&bench, &["demo"]);
    let mut said = String::new();
    for _ in 0..10 {
        let shown = terminal.exp_string("q quit").unwrap();
        let is_relevant = shown.to_lowercase().contains("astro");
        press(&mut terminal, if is_relevant { "a" } else { "x" });
        said.extend([&shown, "q quit"]);
    }
    said.extend([&terminal.exp_string("q quits").unwrap(), "q quits"]);
    press(&mut terminal, "\r");
    said += &terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "q");
    terminal.exp_eof().unwrap();
    let (said, readme) = (from_bytes(&said), Page::read("README.md"));
    let shown = readme.blocks_of("").find(|block| block.starts_with("embedded ")).unwrap();
    let plain = without_numbers(&said);
    for line in shown.lines().filter(|line| *line != "...") {
        assert!(plain.contains(&without_numbers(line)), "{line}\n{said}");
    }
}

/// Its round would come back each time, and no session of the project would go on.
#[test]
fn a_picture_that_is_gone_is_named_and_can_be_answered() {
    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed");
    let bench = Bench::new();
    std::fs::create_dir(bench.path("pictures")).unwrap();
    for name in ["odd.png", "grey.jpg"] {
        let to = bench.path("pictures").join(name);
        std::fs::copy(format!("{FIXTURES}/images/{name}"), to).unwrap();
    }
    bench.ok(&["init", "--model", &format!("{FIXTURES}/resnet-basic")]);
    bench.ok(&["index", "pictures"]);
    std::fs::remove_file(bench.path("pictures/grey.jpg")).unwrap();
    let mut terminal = label(&bench, &["--like", "odd.png", "--session", "s"]);
    terminal.exp_string("this picture cannot be read").unwrap();
    terminal.exp_string("q quit").unwrap();
    press(&mut terminal, "x");
    terminal.exp_string("enter fits").unwrap();
    press(&mut terminal, "q");
    terminal.exp_string("2 labels are kept").unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn texts_of_strangers_give_the_terminal_no_orders() {
    let bench = Bench::new();
    bench.write("texts.csv", "id,text,label\na,\"moon \u{1b}]0;owned\u{7} red\",\u{1b}[2Jx\n");
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    let said = bench.ok(&["search", "moon"]);
    assert!(said.contains("moon \u{fffd}]0;owned\u{fffd} red  [\u{fffd}[2Jx]"), "{said:?}");
    let mut terminal = label(&bench, &["moon", "--session", "s"]);
    let shown = terminal.exp_string("owned").unwrap();
    assert!(shown.ends_with("]0;") && !shown.ends_with("\u{1b}]0;"), "{shown:?}");
    press(&mut terminal, "q");
    terminal.exp_eof().unwrap();
}
