//! A filter as words, each with its place.

use super::BadFilter;

/// The longest filter, in characters.
const MAX_CHARS: usize = 20_000;

/// Signs of two characters, then those of one.
const SIGNS: [&str; 11] = ["!=", "<>", "<=", ">=", "==", "=", "<", ">", "(", ")", ","];

/// A word and where it begins, in characters from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) column: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name or a word of the language.
    Plain(String),
    /// What stood between two of these quotes.
    Quoted(char, String),
    Number(f64),
    Sign(&'static str),
}

/// Takes a filter apart.
pub(super) fn words(text: &str) -> Result<Vec<Word>, BadFilter> {
    let chars: Vec<char> = text.chars().collect();
    let bad = |column: usize, reason: String| super::parse::bad(text, column, reason);
    if chars.len() > MAX_CHARS {
        return Err(bad(MAX_CHARS, format!("a filter has at most {MAX_CHARS} characters")));
    }
    let mut words = Vec::new();
    let mut rest = chars.as_slice();
    loop {
        let n_blank = rest.iter().take_while(|c| c.is_whitespace()).count();
        rest = rest.split_at(n_blank).1;
        let column = chars.len() - rest.len() + 1;
        let Some(&first) = rest.first() else { return Ok(words) };
        let taken = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            '-' | '+' | '.' | '0'..='9' => number(rest),
            _ if first.is_alphabetic() || first == '_' => Ok(plain(rest)),
            _ => sign(rest).ok_or_else(|| format!("{first} means nothing here")),
        };
        let (kind, n_chars) = taken.map_err(|reason| bad(column, reason))?;
        words.push(Word { column, kind });
        rest = rest.split_at(n_chars).1;
    }
}

/// What stands between quotes; a quote is written twice to stand there itself.
fn quoted(chars: &[char], quote: char) -> Result<(Kind, usize), String> {
    let mut text = String::new();
    let mut place = 1;
    loop {
        match (chars.get(place), chars.get(place + 1)) {
            (Some(&c), next) if c == quote => {
                if next != Some(&quote) {
                    return Ok((Kind::Quoted(quote, text), place + 1));
                }
                text.push(quote);
                place += 2;
            }
            (Some(&c), _) => {
                text.push(c);
                place += 1;
            }
            (None, _) => return Err("the quote is never closed".to_owned()),
        }
    }
}

fn number(chars: &[char]) -> Result<(Kind, usize), String> {
    let is_part = |c: &&char| c.is_alphanumeric() || "+-._:".contains(**c);
    let word: String = chars.iter().take_while(is_part).collect();
    match word.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Kind::Number(number), word.chars().count())),
        _ => Err(format!("{word} is no number; a text stands in quotes")),
    }
}

fn plain(chars: &[char]) -> (Kind, usize) {
    let is_part = |c: &&char| c.is_alphanumeric() || "_.-:".contains(**c);
    let word: String = chars.iter().take_while(is_part).collect();
    let n_chars = word.chars().count();
    (Kind::Plain(word), n_chars)
}

fn sign(chars: &[char]) -> Option<(Kind, usize)> {
    let sign =
        SIGNS.into_iter().find(|sign| sign.chars().eq(chars.iter().copied().take(sign.len())))?;
    Some((Kind::Sign(sign), sign.len()))
}
