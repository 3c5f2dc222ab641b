//! Patterns of `like`: `%` stands for anything, `_` for one character. Case does not matter.

/// What a text must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Anything,
    Any,
    Char(char),
}

impl Pattern {
    pub(super) fn like(pattern: &str) -> Self {
        let part = |c| match c {
            '%' => Part::Anything,
            '_' => Part::Any,
            c => Part::Char(c),
        };
        Self(pattern.to_lowercase().chars().map(part).collect())
    }

    /// The pattern of all texts that hold another.
    pub(super) fn containing(text: &str) -> Self {
        let text = text.to_lowercase();
        let inner = text.chars().map(Part::Char);
        Self([Part::Anything].into_iter().chain(inner).chain([Part::Anything]).collect())
    }

    /// Whether a text looks so. Where a part does not fit, the last `%` takes one character more: what
    /// an earlier one took need never be changed.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let (mut place, mut part) = (0, 0);
        let mut last_anything = None;
        while let Some(&c) = text.get(place) {
            match self.0.get(part) {
                Some(Part::Anything) => {
                    last_anything = Some((part, place));
                    part += 1;
                }
                Some(Part::Any) => (place, part) = (place + 1, part + 1),
                Some(&Part::Char(wanted)) if wanted == c => (place, part) = (place + 1, part + 1),
                _ => {
                    let Some((anything, taken)) = last_anything else { return false };
                    last_anything = Some((anything, taken + 1));
                    (place, part) = (taken + 1, anything + 1);
                }
            }
        }
        self.0.iter().skip(part).all(|part| *part == Part::Anything)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_stand_for_the_whole_text_whatever_its_case() {
        let like = |pattern, text| Pattern::like(pattern).matches(text);
        assert!(like("c_t", "CAT") && !like("c_t", "cart") && like("c%t", "cart"));
        assert!(like("%", "") && like("", "") && !like("", "a") && !like("_", ""));
        assert!(like("%ab%ab", "abxabab") && !like("a%", "ba"));
        assert!(like("%Ä%", "xäx"));
        assert!(Pattern::containing("50%").matches("at 50% off"));
        assert!(!Pattern::containing("50%").matches("at 50 off"));
    }

    /// The plainest way, which takes exponential time.
    fn plainly(parts: &[Part], text: &[char]) -> bool {
        match (parts.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((Part::Anything, parts)), rest) => {
                plainly(parts, text)
                    || rest.is_some_and(|(_, rest)| {
                        plainly(&[&[Part::Anything], parts].concat(), rest)
                    })
            }
            (Some((Part::Any, parts)), Some((_, rest))) => plainly(parts, rest),
            (Some((Part::Char(wanted), parts)), Some((c, rest))) => {
                wanted == c && plainly(parts, rest)
            }
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_the_plainest_way_finds(pattern in "[ab%_]{0,8}", text in "[ab]{0,10}") {
            let pattern = Pattern::like(&pattern);
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(pattern.matches(&text), plainly(&pattern.0, &chars));
        }
    }
}
