//! From words to a tree, by descent: what binds loosest is read first.

use super::{
    BadFilter, Condition, Field, Filter, Pattern, Relation, Test, Value,
    words::{Kind, Word, words},
};

/// How deep parentheses and `not` may be nested: each level is a call.
const MAX_DEPTH: usize = 100;

/// Words that are no fields unless they stand in double quotes.
const RESERVED: [&str; 10] =
    ["and", "or", "not", "in", "like", "contains", "is", "null", "true", "false"];

/// Reads a whole filter.
pub(super) fn filter(text: &str) -> Result<Filter, BadFilter> {
    let mut parser = Parser { text, words: words(text)?, place: 0, depth: 0, fields: Vec::new() };
    let condition = parser.any()?;
    match parser.words.get(parser.place) {
        None => Ok(Filter { text: text.to_owned(), fields: parser.fields, condition }),
        Some(Word { kind: Kind::Sign(")"), .. }) => Err(parser.bad("no parenthesis is open here")),
        Some(_) => Err(parser.bad("and, or, or the end is expected")),
    }
}

/// A mistake at a place.
pub(super) fn bad(text: &str, column: usize, reason: impl Into<String>) -> BadFilter {
    BadFilter { text: text.to_owned(), column, reason: reason.into(), fields: Vec::new() }
}

struct Parser<'a> {
    text: &'a str,
    words: Vec<Word>,
    /// The word that is read next.
    place: usize,
    depth: usize,
    fields: Vec<Field>,
}

impl Parser<'_> {
    /// Parts joined by `or`.
    fn any(&mut self) -> Result<Condition, BadFilter> {
        self.deeper(|parser| parser.joined("or", Self::all, Condition::Any))
    }

    /// Parts joined by `and`.
    fn all(&mut self) -> Result<Condition, BadFilter> {
        self.joined("and", Self::part, Condition::All)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Condition, BadFilter>,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, BadFilter> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.take_plain(word) {
            parts.push(part(self)?);
        }
        Ok(match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => join(parts.into_iter().chain(last).collect()),
        })
    }

    /// A test, its opposite, or something in parentheses.
    fn part(&mut self) -> Result<Condition, BadFilter> {
        if self.take_plain("not") {
            let part = self.deeper(Self::part)?;
            return Ok(not(part));
        }
        let opened = self.column();
        if !self.take_sign("(") {
            return self.test();
        }
        let inner = self.any()?;
        if self.take_sign(")") {
            return Ok(inner);
        }
        match self.words.get(self.place) {
            None => Err(self.bad(format!("the parenthesis at column {opened} is never closed"))),
            Some(_) => Err(self.bad("and, or, or ) is expected")),
        }
    }

    fn test(&mut self) -> Result<Condition, BadFilter> {
        let field = self.field()?;
        let (test, is_opposite) = self.asked()?;
        let test = Condition::Test(field, test);
        Ok(if is_opposite { not(test) } else { test })
    }

    /// What is asked of a field, and whether its opposite is meant.
    fn asked(&mut self) -> Result<(Test, bool), BadFilter> {
        if let Some((relation, is_opposite)) = self.relation() {
            return Ok((self.relation_to_value(relation)?, is_opposite));
        }
        if self.take_plain("is") {
            let is_opposite = self.take_plain("not");
            if !self.take_plain("null") {
                return Err(self.bad("null is expected"));
            }
            return Ok((Test::IsNull, is_opposite));
        }
        let is_opposite = self.take_plain("not");
        let test = if self.take_plain("in") {
            Test::In(self.list()?)
        } else if self.take_plain("like") {
            Test::Like(Pattern::like(&self.quoted()?))
        } else if self.take_plain("contains") {
            Test::Like(Pattern::containing(&self.quoted()?))
        } else if is_opposite {
            return Err(self.bad("in, like or contains is expected"));
        } else {
            let reason = "a comparison is expected, one of = != < <= > >= in like contains is";
            return Err(self.bad(reason));
        };
        Ok((test, is_opposite))
    }

    /// A comparison, and whether its opposite is meant.
    fn relation(&mut self) -> Option<(Relation, bool)> {
        let Some(Word { kind: Kind::Sign(sign), .. }) = self.words.get(self.place) else {
            return None;
        };
        let relation = match *sign {
            "=" | "==" => (Relation::Equal, false),
            "!=" | "<>" => (Relation::Equal, true),
            "<" => (Relation::Less, false),
            "<=" => (Relation::AtMost, false),
            ">" => (Relation::Greater, false),
            ">=" => (Relation::AtLeast, false),
            _ => return None,
        };
        self.place += 1;
        Some(relation)
    }

    fn relation_to_value(&mut self, relation: Relation) -> Result<Test, BadFilter> {
        let column = self.column();
        let value = self.value()?;
        if matches!(value, Value::Boolean(_)) && relation != Relation::Equal {
            let reason = "true and false are equal to something or not, and never more or less";
            return Err(bad(self.text, column, reason));
        }
        Ok(Test::Is(relation, value))
    }

    fn list(&mut self) -> Result<Vec<Value>, BadFilter> {
        if !self.take_sign("(") {
            return Err(self.bad("( is expected"));
        }
        let mut values = vec![self.value()?];
        while self.take_sign(",") {
            values.push(self.value()?);
        }
        if self.take_sign(")") { Ok(values) } else { Err(self.bad(", or ) is expected")) }
    }

    /// The index of a field that is named here.
    fn field(&mut self) -> Result<usize, BadFilter> {
        let column = self.column();
        let name = match self.words.get(self.place).map(|word| &word.kind) {
            Some(Kind::Plain(name)) if is_reserved(name) => {
                let reason = "a field is expected; a column of this name stands in double quotes";
                return Err(self.bad(reason));
            }
            Some(Kind::Plain(name) | Kind::Quoted('"' | '`', name)) => name.clone(),
            Some(Kind::Quoted(..)) => {
                let reason = "a field is expected; a name in quotes stands in double ones";
                return Err(self.bad(reason));
            }
            _ => return Err(self.bad("a field is expected")),
        };
        self.place += 1;
        let known = self.fields.iter().position(|field| field.name == name);
        Ok(known.unwrap_or_else(|| {
            self.fields.push(Field { name, column });
            self.fields.len() - 1
        }))
    }

    fn value(&mut self) -> Result<Value, BadFilter> {
        let value = match self.words.get(self.place).map(|word| &word.kind) {
            Some(Kind::Quoted('\'' | '"', text)) => Value::Text(text.clone()),
            Some(Kind::Number(number)) => Value::Number(*number),
            Some(Kind::Plain(word)) if word.eq_ignore_ascii_case("true") => Value::Boolean(true),
            Some(Kind::Plain(word)) if word.eq_ignore_ascii_case("false") => Value::Boolean(false),
            Some(Kind::Plain(word)) if !is_reserved(word) => {
                let reason = format!("{word} is no value: a text stands in quotes, as in '{word}'");
                return Err(self.bad(reason));
            }
            _ => return Err(self.bad("a value is expected")),
        };
        self.place += 1;
        Ok(value)
    }

    fn quoted(&mut self) -> Result<String, BadFilter> {
        match self.words.get(self.place).map(|word| &word.kind) {
            Some(Kind::Quoted('\'' | '"', text)) => {
                let text = text.clone();
                self.place += 1;
                Ok(text)
            }
            _ => Err(self.bad("a text in quotes is expected")),
        }
    }

    /// Passes over a word of the language, if it comes next.
    fn take_plain(&mut self, wanted: &str) -> bool {
        let next = self.words.get(self.place).map(|word| &word.kind);
        let found = matches!(next, Some(Kind::Plain(word)) if word.eq_ignore_ascii_case(wanted));
        self.place += usize::from(found);
        found
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let next = self.words.get(self.place).map(|word| &word.kind);
        let found = matches!(next, Some(Kind::Sign(sign)) if *sign == wanted);
        self.place += usize::from(found);
        found
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, BadFilter>,
    ) -> Result<T, BadFilter> {
        if self.depth >= MAX_DEPTH {
            return Err(self.bad(format!("it is nested deeper than {MAX_DEPTH} times")));
        }
        self.depth += 1;
        let outcome = read(self);
        self.depth -= 1;
        outcome
    }

    /// Where the next word begins, or the filter ends.
    fn column(&self) -> usize {
        let end = || self.text.chars().count() + 1;
        self.words.get(self.place).map_or_else(end, |word| word.column)
    }

    fn bad(&self, reason: impl Into<String>) -> BadFilter {
        bad(self.text, self.column(), reason)
    }
}

fn not(part: Condition) -> Condition {
    Condition::Not(Box::new(part))
}

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}
