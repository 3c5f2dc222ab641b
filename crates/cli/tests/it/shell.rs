//! As much of a shell's grammar as tells the commands of a script from each other.

use std::{iter::Peekable, mem, str::Chars};

/// A simple command.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Simple {
    /// The line of the script that it begins in, from 0.
    pub(crate) line: usize,
    /// Its words without their quotes, and without redirections.
    pub(crate) words: Vec<String>,
}

/// The commands of a script, in their order.
pub(crate) fn commands(script: &str) -> Vec<Simple> {
    let mut reader = Reader::default();
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        reader.take(c, &mut chars);
    }
    reader.end_command();
    reader.commands
}

/// The words of a command as prose has it, where "a|b" and "x>=0" are words like others.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut reader = Reader { is_prose: true, ..Reader::default() };
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        reader.take(c, &mut chars);
    }
    reader.end_word();
    reader.command.words
}

#[derive(Default)]
struct Reader {
    commands: Vec<Simple>,
    command: Simple,
    word: Option<String>,
    /// Whether nothing stands for a pipe, a redirection and so on.
    is_prose: bool,
    /// Whether the next word is what a redirection names.
    is_target: bool,
    line: usize,
}

impl Reader {
    fn take(&mut self, c: char, rest: &mut Peekable<Chars<'_>>) {
        match c {
            '\'' | '"' => self.quoted(c, rest),
            '\\' => match rest.next() {
                Some('\n') => self.line += 1,
                escaped => self.word().extend(escaped),
            },
            '#' if self.word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            '<' | '>' if !self.is_prose => self.redirect(rest),
            '|' | '&' | ';' | '(' | ')' if !self.is_prose => self.end_command(),
            '\n' => {
                self.end_command();
                self.line += 1;
            }
            c if c.is_whitespace() => self.end_word(),
            c => self.word().push(c),
        }
    }

    /// The word that is being read; begins one.
    fn word(&mut self) -> &mut String {
        if self.command.words.is_empty() && self.word.is_none() {
            self.command.line = self.line;
        }
        self.word.get_or_insert_default()
    }

    fn quoted(&mut self, quote: char, rest: &mut Peekable<Chars<'_>>) {
        self.word();
        while let Some(c) = rest.next_if(|c| *c != quote) {
            let escapes = quote == '"' && c == '\\';
            let c = if escapes { rest.next().unwrap_or(c) } else { c };
            self.word().push(c);
            self.line += usize::from(c == '\n');
        }
        rest.next();
    }

    /// `2>&1` is none of the command's words.
    fn redirect(&mut self, rest: &mut Peekable<Chars<'_>>) {
        self.word.take_if(|word| word.chars().all(|c| c.is_ascii_digit()));
        self.end_word();
        rest.next_if_eq(&'&');
        self.is_target = true;
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !mem::take(&mut self.is_target) {
            self.command.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let command = mem::take(&mut self.command);
        if !command.words.is_empty() {
            self.commands.push(command);
        }
    }
}

#[test]
fn commands_are_told_from_what_stands_between_them() {
    let script = "a 'b c' > d 2>&1 | e \"f\\\"g\" # h 'i\n\nif j \\\n  k; then l <m & fi\n";
    let found: Vec<(usize, String)> =
        commands(script).into_iter().map(|own| (own.line, own.words.join("_"))).collect();
    let expected = [(0, "a_b c"), (0, "e_f\"g"), (2, "if_j_k"), (3, "then_l"), (3, "fi")];
    assert_eq!(found, expected.map(|(line, words)| (line, words.to_owned())));
    assert_eq!(words("a|b 'c d' e>=0"), ["a|b", "c d", "e>=0"]);
}
