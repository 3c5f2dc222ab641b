//! A filter says which records are meant by what their dataset tells of them, as in
//! `split = 'train' and year > 2020`.
//!
//! ```text
//! filter  = test, or filters joined by `and`, `or`, `not` and parentheses; `and` binds closer than `or`
//! test    = field = value      also !=, <, <=, >, >=
//!         | field in (value, ...)
//!         | field like 'p_t%'  `%` stands for anything, `_` for one character
//!         | field contains 'text'
//!         | field is null      the record has no such field
//! value   = 'text' | 12.5 | true | false
//! ```
//!
//! In place of `is`, `in`, `like` and `contains`, `is not`, `not in` and so on say the opposite. A field is a
//! column of the dataset, in double quotes where its name is no plain word, or else `id`, `text`, `label` or
//! `kind`. Catalogues keep every value as text: beside a number it is compared as a number, and is none of them
//! where it is no number. Each test holds or does not, also of a record that lacks the field: then
//! `year > 2020` does not hold, and `not year > 2020` and `year != 2020` do.
//!
//! A filter is data. It is parsed to a tree and asked of one record after the other: no part of it ever becomes
//! part of a statement of SQL, and the same filter can be asked of a dataset that no project knows.

mod fields;
mod parse;
mod pattern;
mod words;

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::catalogue::CatalogueRecord;

pub(crate) use self::fields::{Known, Sieve, all as all_fields};
use self::pattern::Pattern;

/// Which records are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    text: String,
    /// What is asked after, each once.
    fields: Vec<Field>,
    condition: Condition,
}

/// Something that records may have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    /// Where it is named first, in characters from 1.
    column: usize,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
enum Condition {
    /// All of these.
    All(Vec<Self>),
    /// One of these.
    Any(Vec<Self>),
    Not(Box<Self>),
    /// A test of the field with this index.
    Test(usize, Test),
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Is(Relation, Value),
    In(Vec<Value>),
    Like(Pattern),
    IsNull,
}

/// How a field must stand to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Number(f64),
    Boolean(bool),
}

impl Filter {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it holds of a record.
    pub fn holds(&self, record: &CatalogueRecord) -> bool {
        self.holds_of(record.into())
    }

    fn holds_of(&self, known: Known<'_>) -> bool {
        self.condition.holds(&|field_idx| self.fields.get(field_idx)?.of(known))
    }
}

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        parse::filter(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Condition {
    fn holds<'a>(&self, value: &impl Fn(usize) -> Option<&'a str>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(value)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(value)),
            Self::Not(part) => !part.holds(value),
            Self::Test(field_idx, test) => test.holds(value(*field_idx)),
        }
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let Some(value) = value else { return matches!(self, Self::IsNull) };
        match self {
            Self::Is(relation, other) => {
                other.compare(value).is_some_and(|order| relation.includes(order))
            }
            Self::In(others) => {
                others.iter().any(|other| other.compare(value) == Some(Ordering::Equal))
            }
            Self::Like(pattern) => pattern.matches(value),
            Self::IsNull => false,
        }
    }
}

impl Relation {
    fn includes(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl Value {
    /// How a value of a record stands to it; none where the two cannot be compared.
    fn compare(&self, value: &str) -> Option<Ordering> {
        match self {
            Self::Text(text) => Some(value.cmp(text)),
            Self::Number(number) => value.trim().parse::<f64>().ok()?.partial_cmp(number),
            Self::Boolean(boolean) => {
                let names = [(true, "true"), (false, "false")];
                let named = names.iter().find(|(_, name)| name.eq_ignore_ascii_case(value.trim()));
                named.map(|(value, _)| value.cmp(boolean))
            }
        }
    }
}

/// A filter that cannot be read, or asks after what no record has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFilter {
    /// The filter.
    pub text: String,
    /// Where the mistake begins, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
    /// The fields that there are, where that is known.
    pub fields: Vec<String>,
}

/// Fields that are listed at most.
const N_LISTED: usize = 50;

impl fmt::Display for BadFilter {
    /// The mistake, the filter on one line with a mark below, and what there is to ask after.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, column, reason, fields } = self;
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        write!(
            f,
            "the filter is wrong at column {column}: {reason}\n  {line}\n  {:>column$}",
            "^"
        )?;
        if fields.is_empty() {
            return f.write_str("\nhint: write it as in: split = 'train' and year > 2020");
        }
        let listed = fields.iter().take(N_LISTED).map(String::as_str).collect::<Vec<_>>();
        write!(f, "\nhint: the fields are {}", listed.join(", "))?;
        match fields.len().saturating_sub(N_LISTED) {
            0 => Ok(()),
            n_more => write!(f, " and {n_more} more"),
        }
    }
}

impl std::error::Error for BadFilter {}

#[cfg(test)]
mod tests {
    use linprobe_core::{Metadata, RecordId};
    use proptest::prelude::*;

    use super::*;

    fn record(metadata: &[(&str, &str)]) -> CatalogueRecord {
        let metadata: Metadata =
            metadata.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        CatalogueRecord {
            id: RecordId::new("a.jpg").unwrap(),
            kind: "image".to_owned(),
            text: None,
            label: Some("cat".to_owned()),
            metadata,
        }
    }

    #[track_caller]
    fn holds(filter: &str, metadata: &[(&str, &str)]) -> bool {
        filter.parse::<Filter>().unwrap().holds(&record(metadata))
    }

    #[test]
    fn a_value_beside_a_number_is_a_number() {
        for (filter, value, expected) in [
            ("year > 2020", "2021", true),
            ("year > 2020", "2020", false),
            ("year >= 2020", "2020.0", true),
            ("year < 1e3", " 999 ", true),
            ("year <= -0.5", "-1", true),
            ("year > 2020", "later", false),
            ("year = 7", "7.0", true),
            ("year = '7'", "7.0", false),
            ("year <> 7", "8", true),
            ("year > '2020-03-01'", "2020-10-01", true),
        ] {
            assert_eq!(holds(filter, &[("year", value)]), expected, "{filter} of {value:?}");
        }
    }

    #[test]
    fn a_test_of_what_is_missing_does_not_hold_and_its_opposite_does() {
        for filter in
            ["x = 1", "x < 1", "x in (1, 'a')", "x like '%'", "x contains ''", "x = false"]
        {
            assert!(!holds(filter, &[]), "{filter}");
            assert!(holds(&format!("not {filter}"), &[]), "not {filter}");
        }
        for filter in
            ["x is null", "x != 1", "x not in (1)", "x not like '%'", "x not contains 'a'"]
        {
            assert!(holds(filter, &[]), "{filter}");
        }
        assert!(!holds("x is not null", &[]));
        assert!(holds("x is not null", &[("x", "")]));
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closer_than_both() {
        let row = [("a", "1"), ("b", "2")];
        assert!(holds("a = 1 or a = 2 and b = 3", &row));
        assert!(!holds("(a = 1 or a = 2) and b = 3", &row));
        assert!(!holds("not a = 1 or b = 3", &row));
        assert!(holds("not (a = 1 and b = 3)", &row));
        assert!(holds("NOT a = 2 AND B IS NULL And b Is Not Null", &row));
    }

    #[test]
    fn lists_patterns_and_truth_are_asked_as_in_sql() {
        let row = [("split", "train"), ("caption", "A Cat, asleep"), ("ok", "True"), ("n", "3")];
        assert!(holds("split in ('test', \"train\")", &row));
        assert!(holds("n in (1, 2, 3.0)", &row));
        assert!(holds("split not in ('test')", &row));
        assert!(holds("caption like 'a cat%'", &row));
        assert!(!holds("caption like 'cat'", &row));
        assert!(holds("caption contains 'CAT'", &row));
        assert!(holds("ok = true and ok != false", &row));
        assert!(holds("caption = 'A Cat, asleep'", &row));
    }

    #[test]
    fn columns_come_before_what_every_record_has() {
        assert!(holds("label = 'cat' and id = 'a.jpg' and kind = 'image' and text is null", &[]));
        assert!(holds("kind = 'owl'", &[("kind", "owl")]));
        assert!(holds("\"my year\" = 1 and `my year` = 1", &[("my year", "1")]));
        assert!(holds("meta.year = 1 and a-b = 'it''s'", &[("meta.year", "1"), ("a-b", "it's")]));
    }

    #[track_caller]
    fn mistake(filter: &str) -> (usize, String) {
        let bad = filter.parse::<Filter>().unwrap_err();
        (bad.column, bad.reason)
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        for (filter, column, reason) in [
            ("", 1, "a field is expected"),
            ("split =", 8, "a value is expected"),
            ("split = train", 9, "train is no value: a text stands in quotes, as in 'train'"),
            ("split = 'train", 9, "the quote is never closed"),
            (
                "split 'train'",
                7,
                "a comparison is expected, one of = != < <= > >= in like contains is",
            ),
            ("year > 2020 year", 13, "and, or, or the end is expected"),
            ("'a' = 1", 1, "a field is expected; a name in quotes stands in double ones"),
            ("2 > year", 1, "a field is expected"),
            ("(a = 1", 7, "the parenthesis at column 1 is never closed"),
            ("a = 1)", 6, "no parenthesis is open here"),
            ("a in 1", 6, "( is expected"),
            ("a in ()", 7, "a value is expected"),
            ("a in (1 2)", 9, ", or ) is expected"),
            ("a is 3", 6, "null is expected"),
            ("a not = 3", 7, "in, like or contains is expected"),
            ("a like 3", 8, "a text in quotes is expected"),
            ("a > true", 5, "true and false are equal to something or not, and never more or less"),
            ("day = 2020-01-01", 7, "2020-01-01 is no number; a text stands in quotes"),
            ("a = 1; drop table", 6, "; means nothing here"),
            ("é = 1 and ü =", 14, "a value is expected"),
            ("and = 1", 1, "a field is expected; a column of this name stands in double quotes"),
        ] {
            assert_eq!(mistake(filter), (column, reason.to_owned()), "{filter}");
        }
    }

    #[test]
    fn a_mistake_is_shown_below_the_filter() {
        let mut bad = "split = train".parse::<Filter>().unwrap_err();
        bad.fields = vec!["label".to_owned(), "split".to_owned()];
        insta::assert_snapshot!(bad, @r"
        the filter is wrong at column 9: train is no value: a text stands in quotes, as in 'train'
          split = train
                  ^
        hint: the fields are label, split
        ");
    }

    #[test]
    fn hostile_filters_are_refused_soon() {
        let deep = format!("{}a = 1{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(mistake(&deep).1.starts_with("a filter has at most"), "{:?}", mistake(&deep));
        let deep = format!("{}a = 1", "not ".repeat(1000));
        assert_eq!(mistake(&deep).1, "it is nested deeper than 100 times");
        let deep = format!("{}a = 1{}", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(mistake(&deep).1, "it is nested deeper than 100 times");
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_a_mistake_within_it(text in "\\PC{0,40}") {
            if let Err(bad) = text.parse::<Filter>() {
                prop_assert!((1..=text.chars().count() + 1).contains(&bad.column));
                prop_assert!(!bad.to_string().is_empty());
            }
        }

        #[test]
        fn words_of_the_language_in_any_order_never_panic(
            words in prop::collection::vec(prop::sample::select(vec![
                "a", "'x'", "3", "=", "!=", "<", "(", ")", ",", "and", "or", "not", "in", "like",
                "contains", "is", "null", "true",
            ]), 0..12),
        ) {
            let text = words.join(" ");
            if let Ok(filter) = text.parse::<Filter>() {
                filter.holds(&record(&[("a", "3")]));
                prop_assert_eq!(filter.as_str(), text);
            }
        }

        #[test]
        fn not_is_the_opposite(value in prop::option::of("[0-9a]{0,2}"), filter in prop::sample::select(vec![
            "x = 1", "x > 5", "x <= 'a'", "x in (1, 'a')", "x like '%a'", "x contains '1'", "x is null",
        ])) {
            let metadata: Vec<(&str, &str)> = value.iter().map(|v| ("x", v.as_str())).collect();
            prop_assert_ne!(holds(filter, &metadata), holds(&format!("not ({filter})"), &metadata));
        }
    }
}
