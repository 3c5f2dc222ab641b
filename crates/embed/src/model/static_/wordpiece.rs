//! WordPiece for uncased BERT vocabularies, for the one encoder whose cost is its tokenizer.
//!
//! The `tokenizers` crate keeps the place of every character through every step, which nobody here
//! asks for: a one-line text takes it 18 microseconds, where tokenizing and embedding together take
//! 5 with this module. Tests hold it to the tokens of that crate exactly.

use std::collections::HashMap;

use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

/// Longer words, in characters, are unknown.
const MAX_WORD_CHARS: usize = 100;

/// Marks a token that continues a word.
const CONTINUES: &str = "##";

/// Spells words with the tokens of a vocabulary, the longest first.
#[derive(Debug)]
pub(super) struct WordPiece {
    first: HashMap<&'static str, u32>,
    further: HashMap<&'static str, u32>,
    longest: usize,
}

impl WordPiece {
    /// Reads a vocabulary with a token a line: the first line is token 0.
    pub(super) fn new(vocabulary: &'static str) -> Self {
        let mut pieces = Self { first: HashMap::new(), further: HashMap::new(), longest: 0 };
        for (token, line) in (0..).zip(vocabulary.lines()) {
            pieces.longest = pieces.longest.max(line.len());
            match line.strip_prefix(CONTINUES) {
                Some(piece) if !piece.is_empty() => pieces.further.insert(piece, token),
                _ => pieces.first.insert(line, token),
            };
        }
        pieces
    }

    /// The number of tokens in the vocabulary.
    pub(super) fn n_tokens(&self) -> usize {
        self.first.len() + self.further.len()
    }

    /// The first `max_tokens` tokens of a text, without special ones and without unknown words.
    pub(super) fn tokenize(&self, text: &str, max_tokens: usize) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut cleaned = String::new();
        for chunk in text.split(is_space) {
            cleaned.clear();
            clean(chunk, &mut cleaned);
            for word in cleaned.split(' ') {
                self.spell(word, &mut tokens);
                if tokens.len() >= max_tokens {
                    tokens.truncate(max_tokens);
                    return tokens;
                }
            }
        }
        tokens
    }

    /// Appends the tokens of a word, or nothing when it cannot be spelt.
    fn spell(&self, word: &str, tokens: &mut Vec<u32>) {
        if word.len() > MAX_WORD_CHARS && word.chars().count() > MAX_WORD_CHARS {
            return;
        }
        let n_before = tokens.len();
        let mut rest = word;
        let mut pieces = &self.first;
        while !rest.is_empty() {
            let Some((token, length)) = longest_prefix(pieces, rest, self.longest) else {
                tokens.truncate(n_before);
                return;
            };
            tokens.push(token);
            rest = rest.get(length..).unwrap_or_default();
            pieces = &self.further;
        }
    }
}

/// The longest prefix among the pieces: its token and its length in bytes.
fn longest_prefix(
    pieces: &HashMap<&'static str, u32>,
    rest: &str,
    longest: usize,
) -> Option<(u32, usize)> {
    (1..=rest.len().min(longest)).rev().find_map(|length| {
        let token = pieces.get(rest.get(..length)?)?;
        Some((*token, length))
    })
}

/// Lower case without accents and control characters; what stands alone is put between spaces.
fn clean(chunk: &str, cleaned: &mut String) {
    if chunk.is_ascii() {
        chunk.chars().filter(|c| !c.is_ascii_control()).for_each(|c| push_lower(c, cleaned));
    } else {
        let visible = chunk.chars().filter(|&c| !c.is_other() && c != char::REPLACEMENT_CHARACTER);
        let decomposed = visible.nfd().map(|(c, _)| c).filter(|c| !c.is_mark_nonspacing());
        decomposed.for_each(|c| push_lower(c, cleaned));
    }
}

fn push_lower(c: char, cleaned: &mut String) {
    if stands_alone(c) {
        cleaned.extend([' ', c, ' ']);
    } else if c.is_ascii() {
        cleaned.push(c.to_ascii_lowercase());
    } else {
        cleaned.extend(c.to_lowercase());
    }
}

/// White space that parts words. Other control characters are dropped and part nothing.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c.is_whitespace() && !c.is_control())
}

/// Whether a character is a word of its own: punctuation, or a Chinese character.
fn stands_alone(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_punctuation() } else { c.is_punctuation() || is_chinese(c) }
}

/// The blocks of Chinese characters as BERT lists them.
fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0xF900..=0xFAFF
            | 0x2F800..=0x2FA1F
    )
}
