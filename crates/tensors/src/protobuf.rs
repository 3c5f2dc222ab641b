//! Messages of Protocol Buffers, such as ONNX files are: fields by their numbers. Nothing is allocated.

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
