//! Parts of what is sent, and whether it is known already (RFC 9110, sections 13 and 14).

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops,
};

use axum::http::{HeaderMap, HeaderValue, header};

/// Which part of some bytes to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// All.
    Whole,
    /// These.
    Part(ops::Range<usize>),
    /// There are none where they were asked for.
    None,
}

impl Range {
    /// What a request asks for. Several parts at once, and what cannot be read, are the whole.
    pub(crate) fn asked(headers: &HeaderMap, tag: &HeaderValue, n_bytes: usize) -> Self {
        let is_other = headers.get(header::IF_RANGE).is_some_and(|known| known != tag);
        let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
        let Some(asked) = asked.and_then(|range| range.strip_prefix("bytes=")) else {
            return Self::Whole;
        };
        match asked.split_once('-') {
            Some(_) if is_other => Self::Whole,
            Some(("", last)) => match last.parse::<usize>() {
                Ok(0) => Self::None,
                Ok(n) => Self::part(n_bytes.saturating_sub(n), n_bytes, n_bytes),
                Err(_) => Self::Whole,
            },
            Some((first, "")) => match first.parse() {
                Ok(first) => Self::part(first, n_bytes, n_bytes),
                Err(_) => Self::Whole,
            },
            Some((first, last)) => match (first.parse(), last.parse::<usize>()) {
                (Ok(first), Ok(last)) if first <= last => {
                    Self::part(first, last.saturating_add(1), n_bytes)
                }
                _ => Self::Whole,
            },
            None => Self::Whole,
        }
    }

    fn part(first: usize, end: usize, n_bytes: usize) -> Self {
        if first < n_bytes { Self::Part(first..end.min(n_bytes)) } else { Self::None }
    }
}

/// Tells bytes from others. Not against somebody who tries: they are their own.
pub(crate) fn tag(bytes: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let tag = format!("\"{:016x}-{:x}\"", hasher.finish(), bytes.len());
    HeaderValue::from_str(&tag).expect("hexadecimal digits can stand in a header")
}

/// Whether whoever asks has these bytes already.
pub(crate) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let mut known = known.into_iter().flat_map(|known| known.split(',')).map(str::trim);
    // The middle layer that compresses makes the tag a weak one.
    known.any(|known| known == "*" || known.trim_start_matches("W/").as_bytes() == tag.as_bytes())
}

/// The header that says which part is sent.
pub(crate) fn content_range(part: &ops::Range<usize>, n_bytes: usize) -> HeaderValue {
    let text = format!("bytes {}-{}/{n_bytes}", part.start, part.end - 1);
    HeaderValue::from_str(&text).expect("digits can stand in a header")
}

/// The header that says that there is no such part.
pub(crate) fn unsatisfied(n_bytes: usize) -> HeaderValue {
    HeaderValue::from_str(&format!("bytes */{n_bytes}")).expect("digits can stand in a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &'static str) -> Range {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        Range::asked(&headers, &tag(b"0123456789"), 10)
    }

    #[test]
    fn a_part_is_what_was_asked_for_and_never_more_than_there_is() {
        assert_eq!(asked("bytes=0-3"), Range::Part(0..4));
        assert_eq!(asked("bytes=4-"), Range::Part(4..10));
        assert_eq!(asked("bytes=-3"), Range::Part(7..10));
        assert_eq!(asked("bytes=-30"), Range::Part(0..10));
        assert_eq!(asked("bytes=8-99999999999999999999"), Range::Whole);
        assert_eq!(asked("bytes=8-18446744073709551615"), Range::Part(8..10));
    }

    #[test]
    fn what_lies_behind_the_end_is_not_there() {
        assert_eq!(asked("bytes=10-12"), Range::None);
        assert_eq!(asked("bytes=-0"), Range::None);
    }

    #[test]
    fn what_cannot_be_read_is_the_whole() {
        for range in ["bytes=a-b", "bytes=5-2", "rows=1-2", "bytes=0-1,4-5", "bytes="] {
            assert_eq!(asked(range), Range::Whole, "{range}");
        }
    }
}
