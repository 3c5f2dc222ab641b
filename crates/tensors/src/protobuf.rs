//! Messages of Protocol Buffers, such as ONNX files are: fields by their numbers. Nothing is allocated to read them.

/// A message is none, or cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is damaged")]
pub struct Damaged;

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number, or something that is kept as one.
    Number(u64),
    /// A text, a message or packed numbers.
    Bytes(&'a [u8]),
    /// A number of a fixed size.
    Fixed(&'a [u8]),
}

/// The fields of a message, one after the other; after an error there are no more.
#[derive(Clone, Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Damaged);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Reads numbers that stand together in one field.
///
/// # Errors
/// [`Damaged`] when the last is cut short.
pub fn packed(bytes: &[u8]) -> Result<Vec<u64>, Damaged> {
    let mut rest = Fields(bytes);
    let mut numbers = Vec::new();
    while !rest.0.is_empty() {
        numbers.push(rest.number().ok_or(Damaged)?);
    }
    Ok(numbers)
}

impl<'a> Fields<'a> {
    /// What stands in the fields of one number: texts, messages or packed numbers.
    pub fn each(self, number: u32) -> impl Iterator<Item = Result<&'a [u8], Damaged>> {
        self.filter_map(move |field| match field {
            Ok((found, Value::Bytes(bytes))) if found == number => Some(Ok(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.bytes(8).map(Value::Fixed)?,
            2 => {
                let n_bytes = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.bytes(n_bytes)?)
            }
            5 => self.bytes(4).map(Value::Fixed)?,
            _ => return None,
        };
        Some((u32::try_from(key >> 3).ok()?, value))
    }

    fn bytes(&mut self, n_bytes: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(n_bytes)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A number in groups of seven bits, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes(1)?.first()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

/// A message that is being written: fields by their numbers, in the order in which they are added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl Message {
    /// The message as a file has it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The number of bytes so far.
    pub fn n_bytes(&self) -> usize {
        self.0.len()
    }

    /// Adds a number; a negative one as its complement of two.
    pub fn number(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field) << 3);
        self.varint(value);
    }

    /// Adds a number in single precision.
    pub fn float(&mut self, field: u32, value: f32) {
        self.varint(u64::from(field) << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Adds a text, a message or packed numbers.
    pub fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.head(field, bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Adds what stands in a field of another message.
    pub fn value(&mut self, field: u32, value: Value<'_>) {
        match value {
            Value::Number(number) => self.number(field, number),
            Value::Bytes(bytes) => self.bytes(field, bytes),
            Value::Fixed(bytes) => {
                let kind = if bytes.len() == 8 { 1 } else { 5 };
                self.varint(u64::from(field) << 3 | kind);
                self.0.extend_from_slice(bytes);
            }
        }
    }

    /// Adds a text.
    pub fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    /// Adds a message.
    pub fn message(&mut self, field: u32, message: &Self) {
        self.bytes(field, &message.0);
    }

    /// Adds a message whose fields stand in several, one after the other. Each is dropped once it is copied, so
    /// that large ones are not held twice.
    pub fn message_of(&mut self, field: u32, parts: Vec<Self>) {
        let n_bytes = parts.iter().map(Self::n_bytes).sum();
        self.head(field, n_bytes);
        self.0.reserve_exact(n_bytes);
        for part in parts {
            self.0.extend_from_slice(&part.0);
        }
    }

    /// The same with a number.
    #[must_use]
    pub fn with_number(mut self, field: u32, value: u64) -> Self {
        self.number(field, value);
        self
    }

    /// The same with a text.
    #[must_use]
    pub fn with_text(mut self, field: u32, text: &str) -> Self {
        self.text(field, text);
        self
    }

    /// The same with a message.
    #[must_use]
    pub fn with_message(mut self, field: u32, message: &Self) -> Self {
        self.message(field, message);
        self
    }

    /// What stands before the bytes of a field.
    fn head(&mut self, field: u32, n_bytes: usize) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(n_bytes as u64);
    }

    /// Seven bits to a byte, the lowest first; the highest bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_format_has_them() {
        assert_eq!(Message::default().with_number(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().with_text(2, "testing").into_bytes(), b"\x12\x07testing");
        assert_eq!(Message::default().with_number(20, 0).into_bytes(), [0xa0, 0x01, 0x00]);
    }

    #[test]
    fn fields_are_copied_as_they_stand() {
        let mut message = Message::default().with_number(1, 300).with_text(2, "text");
        message.float(3, -1.5);
        message.value(4, Value::Fixed(&2.5_f64.to_le_bytes()));
        let bytes = message.clone().into_bytes();
        let mut copy = Message::default();
        for field in Fields(&bytes) {
            let (number, value) = field.unwrap();
            copy.value(number, value);
        }
        assert_eq!(copy, message);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut part = Message::default();
        part.float(2, 1.5);
        let mut message = Message::default().with_number(1, u64::MAX);
        message.message_of(3, vec![part, Message::default().with_text(4, "text")]);
        let bytes = message.into_bytes();
        let fields: Vec<_> = Fields(&bytes).map(Result::unwrap).collect();
        let [(1, Value::Number(u64::MAX)), (3, Value::Bytes(within))] = *fields else { panic!() };
        let within: Vec<_> = Fields(within).map(Result::unwrap).collect();
        let float = 1.5_f32.to_le_bytes();
        assert_eq!(within, [(2, Value::Fixed(&float)), (4, Value::Bytes(b"text"))]);
    }
}
