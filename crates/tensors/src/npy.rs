//! The header of `NumPy`'s own format: a magic number, and a Python dict in a line of text.
//!
//! The format is laid down in
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. The dict is a literal
//! with three known keys, so three searches read it; a parser of Python literals would nest as deep
//! as a hostile file asks.

use std::io::{self, Read};

use crate::{Element, Endian, Order};

/// The longest header that is read, in bytes; `NumPy`'s own limit is 10,000.
const MAX_HEADER_BYTES: usize = 1 << 16;

const MAGIC: &[u8] = b"\x93NUMPY";

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// What the array is made of.
    pub element: Element,
    /// The order of the bytes of a number.
    pub endian: Endian,
    /// The order of the numbers.
    pub order: Order,
    /// The size of each axis.
    pub shape: Vec<u64>,
    /// Its own length, magic number included.
    pub n_bytes: u64,
}

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// The system failed.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    /// It is another file, or damaged.
    #[error("{0}")]
    Format(&'static str),
}

impl From<io::Error> for NpyError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Format("it ends in the header"),
            _ => Self::Io(error),
        }
    }
}

impl NpyHeader {
    /// Reads a header; the values follow it.
    ///
    /// # Errors
    /// [`NpyError`] when there is none.
    pub fn read(mut reader: impl Read) -> Result<Self, NpyError> {
        let mut start = [0; 8];
        reader.read_exact(&mut start)?;
        let [magic @ .., major, _minor] = start;
        if magic != MAGIC {
            return Err(NpyError::Format("it does not start with the magic number"));
        }
        let (n_bytes, n_length_bytes) = match major {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length)?;
                (usize::from(u16::from_le_bytes(length)), 2)
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length)?;
                (usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX), 4)
            }
            _ => return Err(NpyError::Format("its version is not known")),
        };
        if n_bytes > MAX_HEADER_BYTES {
            return Err(NpyError::Format("its header is too long"));
        }
        let mut text = vec![0; n_bytes];
        reader.read_exact(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let n_bytes = (start.len() + n_length_bytes + n_bytes) as u64;
        parse(&text, n_bytes).ok_or(NpyError::Format("its header is not understood"))
    }
}

fn parse(text: &str, n_bytes: u64) -> Option<NpyHeader> {
    let order = match value_of(text, "fortran_order")? {
        value if value.starts_with("True") => Order::Fortran,
        value if value.starts_with("False") => Order::C,
        _ => return None,
    };
    let (shape, _) = value_of(text, "shape")?.strip_prefix('(')?.split_once(')')?;
    let sizes = shape.split(',').map(|size| size.trim().trim_end_matches('L'));
    let shape = sizes.filter(|size| !size.is_empty()).map(|size| size.parse().ok());
    let shape = shape.collect::<Option<_>>()?;
    let (element, endian) = element_of(value_of(text, "descr")?)?;
    Some(NpyHeader { element, endian, order, shape, n_bytes })
}

/// What follows a key of the dict.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) =
        text.split_once(&format!("{key}'")).or_else(|| text.split_once(&format!("{key}\"")))?;
    rest.trim_start().strip_prefix(':').map(str::trim_start)
}

/// Reads a type such as `'<f4'`; a list stands for a record of several.
fn element_of(descr: &str) -> Option<(Element, Endian)> {
    let Some(code) = descr.strip_prefix(['\'', '"']) else {
        return Some((Element::Other("record".to_owned()), Endian::Little));
    };
    let (code, _) = code.split_once(['\'', '"'])?;
    let endian = if code.starts_with('>') { Endian::Big } else { Endian::Little };
    let plain = code.trim_start_matches(['<', '>', '|', '=']);
    let size = plain.get(1..).and_then(|size| size.parse().ok()).unwrap_or(0);
    let element = match (plain.as_bytes().first()?, size) {
        (b'f', 2) => Element::F16,
        (b'f', 4) => Element::F32,
        (b'f', 8) => Element::F64,
        (b'i', 1 | 2 | 4 | 8) => Element::Signed(size),
        (b'u', 1 | 2 | 4 | 8) => Element::Unsigned(size),
        (b'S', _) => Element::Bytes(size),
        (b'U', _) => Element::Unicode(size),
        (b'O', _) => Element::Object,
        _ => Element::Other(code.to_owned()),
    };
    Some((element, endian))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: &str, order: &str, shape: &str) -> Option<NpyHeader> {
        parse(&format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}  \n"), 0)
    }

    #[test]
    fn headers_as_numpy_writes_them_are_understood() {
        let read = header("'<f4'", "False", "(1600, 512)").unwrap();
        assert_eq!(
            (read.element, read.endian, read.order),
            (Element::F32, Endian::Little, Order::C)
        );
        assert_eq!(read.shape, [1600, 512]);
        let read = header("'>f2'", "True", "(3,)").unwrap();
        assert_eq!(
            (read.element, read.endian, read.order),
            (Element::F16, Endian::Big, Order::Fortran)
        );
        assert_eq!(read.shape, [3]);
        assert_eq!(header("'<f8'", "False", "()").unwrap().shape, Vec::<u64>::new());
        assert_eq!(header("'|O'", "False", "(3L,)").unwrap().element, Element::Object);
        assert_eq!(header("'<U12'", "False", "(3,)").unwrap().element, Element::Unicode(12));
        let record = header("[('a', '<f4')]", "False", "(3,)").unwrap().element;
        assert_eq!(record, Element::Other("record".into()));
    }

    #[test]
    fn a_header_that_says_something_else_is_refused() {
        assert_eq!(header("'<f4'", "Maybe", "(1, 2)"), None);
        assert_eq!(header("'<f4'", "False", "(1, -2)"), None);
        assert_eq!(header("'<f4'", "False", "(1, 99999999999999999999)"), None);
        assert_eq!(header("'<f4'", "False", "(1, 2"), None);
        assert_eq!(parse("{'descr': '<f4'}", 0), None);
        assert_eq!(
            parse("{'descr'\": '<f4', 'fortran_order'\": False, 'shape'\": (1, 2)}", 0),
            None
        );
    }

    #[test]
    fn a_header_longer_than_the_limit_is_refused_before_it_is_allocated() {
        let file = [MAGIC, &[2, 0], &u32::MAX.to_le_bytes()].concat();
        let fault = NpyHeader::read(file.as_slice()).unwrap_err();
        assert_eq!(fault.to_string(), "its header is too long");
    }
}
