//! Ids of any type of SQL as texts, and back.
//!
//! A record's id is the text that the server makes of the column's value. To find rows by ids, the texts become values
//! again, so that the column's own index is used. A text that is not what the server would have written, as `007` for
//! a number, is no id of any row.

/// The column of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Its name, quoted.
    column: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Int2,
    Int4,
    Int8,
    Uuid,
    /// Compared as text, which no index of the column helps with.
    Other,
}

impl Key {
    /// A column of a type, both as the server's catalogue has them.
    pub(super) fn new(column: String, type_name: &str) -> Self {
        let kind = match type_name {
            "text" | "varchar" => Kind::Text,
            "int2" => Kind::Int2,
            "int4" => Kind::Int4,
            "int8" => Kind::Int8,
            "uuid" => Kind::Uuid,
            _ => Kind::Other,
        };
        Self { column, kind }
    }

    /// The column's name, quoted.
    pub(super) fn column(&self) -> &str {
        &self.column
    }

    /// The id of a row as text, which sorts by its bytes.
    pub(super) fn text(&self) -> String {
        format!("t.{}::text COLLATE \"C\"", self.column)
    }

    /// What rows are found and ordered by.
    pub(super) fn value(&self) -> String {
        if self.kind == Kind::Other { self.text() } else { format!("t.{}", self.column) }
    }

    /// The type that texts are turned into.
    pub(super) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Text | Kind::Other => "text",
            Kind::Int2 => "int2",
            Kind::Int4 => "int4",
            Kind::Int8 => "int8",
            Kind::Uuid => "uuid",
        }
    }

    /// Whether a row can have this id.
    pub(super) fn takes(&self, id: &str) -> bool {
        match self.kind {
            Kind::Text | Kind::Other => true,
            Kind::Int2 => id.parse::<i16>().is_ok_and(|n| n.to_string() == id),
            Kind::Int4 => id.parse::<i32>().is_ok_and(|n| n.to_string() == id),
            Kind::Int8 => id.parse::<i64>().is_ok_and(|n| n.to_string() == id),
            Kind::Uuid => is_uuid(id),
        }
    }
}

fn is_uuid(id: &str) -> bool {
    let fits = |(place, sign): (usize, u8)| match place {
        8 | 13 | 18 | 23 => sign == b'-',
        _ => matches!(sign, b'0'..=b'9' | b'a'..=b'f'),
    };
    id.len() == 36 && id.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_would_write_is_an_id() {
        for (type_name, good, bad) in [
            (
                "int8",
                vec!["7", "-1", "9223372036854775807"],
                vec!["007", "+7", "a/b", "9223372036854775808"],
            ),
            ("int2", vec!["32767"], vec!["32768", ""]),
            (
                "uuid",
                vec!["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
                vec!["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "7"],
            ),
            ("text", vec!["a/b", "007"], vec![]),
        ] {
            let key = Key::new("\"id\"".into(), type_name);
            assert!(good.iter().all(|id| key.takes(id)), "{type_name}");
            assert!(!bad.iter().any(|id| key.takes(id)), "{type_name}");
        }
    }
}
