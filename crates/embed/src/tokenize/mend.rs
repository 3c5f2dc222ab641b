//! Texts mended as OpenCLIP has them before it reads them: curly quotes, entities of HTML, ligatures, wide characters.
//!
//! Speer, *ftfy*, 2019, whose `fix_text` of version 6.3 this follows, and Python's `html.unescape` after it. Texts whose
//! encoding was guessed wrongly, such as "schÃ¶n", stay as they are.

use unicode_normalization_alignments::UnicodeNormalization;

/// What Windows has in the place of the control characters from U+0080 on.
const OF_WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// The longest name of an entity that is looked for.
const LONGEST_NAME: usize = 24;

/// Mends a text. What looks like markup from some line on keeps its entities until the end, when those that
/// everybody reads as such are read twice.
pub(super) fn mended(text: &str) -> String {
    let mut is_markup = false;
    let mut mended = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        is_markup |= line.contains('<');
        mended.push_str(&settled(line, is_markup));
    }
    let once = htmlize::unescape(mended.as_str());
    htmlize::unescape(once.as_ref()).trim().to_owned()
}

/// Mends a line until nothing changes.
fn settled(line: &str, is_markup: bool) -> String {
    let mut line = line.to_owned();
    loop {
        let unescaped = if is_markup { line.clone() } else { unescaped(&line) };
        let mended = mended_once(&unescaped);
        if mended == line {
            return mended;
        }
        line = mended;
    }
}

fn mended_once(line: &str) -> String {
    let mut usual = String::with_capacity(line.len());
    for c in line.chars().map(of_windows) {
        match taken_apart(c) {
            Some(parts) => usual.extend(parts.chars().map(straightened)),
            None => usual.push(straightened(c)),
        }
    }
    let line = usual.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let line = without_colours(&line).replace(is_lost, "");
    line.nfc().map(|(c, _)| c).collect()
}

/// Entities read where their names are whole: `&not` in the middle of a word is none.
fn unescaped(line: &str) -> String {
    let mut parts = line.split('&');
    let mut unescaped = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let entity = part.split_once(';').and_then(|(name, rest)| Some((entity(name)?, rest)));
        match entity {
            Some((entity, rest)) => unescaped.extend([entity.as_str(), rest]),
            None => unescaped.extend(["&", part]),
        }
    }
    unescaped
}

/// What an entity stands for, also one whose name is shouted.
fn entity(name: &str) -> Option<String> {
    let letters = name.trim_start_matches('#');
    let is_name = !letters.is_empty()
        && letters.len() <= LONGEST_NAME
        && name.len() - letters.len() <= 1
        && letters.chars().all(|c| c.is_ascii_alphanumeric());
    let named = |name: &str| {
        let written = format!("&{name};");
        let entity = htmlize::unescape(written.as_str()).into_owned();
        let is_whole = entity == ";" || !entity.ends_with(';');
        (is_whole && !entity.contains(char::REPLACEMENT_CHARACTER)).then_some(entity)
    };
    let shouted = || {
        let is_shouted = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if is_shouted { Some(named(&name.to_lowercase())?.to_uppercase()) } else { None }
    };
    if is_name { named(name).or_else(shouted) } else { None }
}

fn of_windows(c: char) -> char {
    let place = u32::from(c).checked_sub(0x80).and_then(|place| usize::try_from(place).ok());
    place.and_then(|place| OF_WINDOWS.chars().nth(place)).unwrap_or(c)
}

/// The letters of a ligature, and the usual form of what is wide or narrow.
fn taken_apart(c: char) -> Option<String> {
    match c {
        'ﬅ' => Some("ſt".to_owned()),
        '\u{3000}' => Some(" ".to_owned()),
        'Ĳ' | 'ĳ' | 'ŉ' | 'Ǆ'..='ǌ' | 'Ǳ'..='ǳ' | 'ﬀ'..='ﬆ' | '\u{ff01}'..='\u{ffef}' => {
            Some(c.to_string().nfkc().map(|(c, _)| c).collect())
        }
        _ => None,
    }
}

fn straightened(c: char) -> char {
    match c {
        'ʼ' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        _ => c,
    }
}

/// A line without what makes colours in a terminal.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match rest.strip_prefix(|c: char| c.is_ascii_alphabetic()) {
            Some(rest) => kept.push_str(rest),
            None => kept.extend(["\u{1b}[", part]),
        }
    }
    kept
}

/// What nobody meant to be in a text.
fn is_lost(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `basic_clean` of OpenCLIP gives.
    #[test]
    fn texts_are_mended_as_by_open_clip() {
        for (text, expected) in [
            ("it’s a “photo” of ‛x‟ ʼn", "it's a \"photo\" of 'x\" 'n"),
            (
                "fish &amp; chips &eacute;&EACUTE; &#233;&#xE9; &nTILDE;",
                "fish & chips éÉ éé &nTILDE;",
            ),
            ("this&not that &amp;amp;amp; &semi;", "this¬ that & ;"),
            ("<b>bold&amp;amp;</b>\n&amp;amp;amp; after", "<b>bold&</b>\n&amp; after"),
            ("ﬂuﬃest ﬅ ĲĳǄǅǆ ŉ", "fluffiest ſt IJijDŽDždž 'n"),
            ("ＬＯＵＤ　ＮＯＩＳＥＳ ﾊﾝｶｸ ￡", "LOUD NOISES ハンカク £"),
            ("one\r\ntwo\rthree\u{2028}four", "one\ntwo\nthree\nfour"),
            ("\u{1b}[36;44mblue\u{1b}[0m \u{1b}[x9", "blue 9"),
            ("\u{feff}a\0b\u{200d}c\u{85}\u{93}d\u{94} e\u{301}", "ab\u{200d}c…\"d\" é"),
            ("  &nbsp;trimmed \n", "trimmed"),
            ("&#0; &#x110000; & &; &#; &#12", "� � & &; &#;"),
            ("", ""),
        ] {
            assert_eq!(mended(text), expected, "{text:?}");
        }
    }
}
