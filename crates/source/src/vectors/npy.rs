//! NumPy's own format: a magic number, a Python dict in a line of text, and the values.
//!
//! The format is laid down in
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. The dict is a literal
//! with three known keys, so three searches read it; a parser of Python literals would nest as deep
//! as a hostile file asks.

use std::{
    io::{self, Read},
    path::Path,
};

use linprobe_core::SourceError;

use super::array::{Array, Element, Endian, Order, Packing, Place, file_len};
use crate::failure::{damaged, io};

/// The longest header that is read, in bytes; `NumPy`'s own limit is 10,000.
const MAX_HEADER_BYTES: usize = 1 << 16;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The array of an npy file, named after the file.
pub(crate) fn array(path: &Path) -> Result<Array, SourceError> {
    let place = Place {
        file: path.to_owned(),
        offset: 0,
        n_bytes: file_len(path).map_err(io(path))?,
        n_header_bytes: 0,
        packing: Packing::Plain,
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    array_at(name, place)
}

/// The array of an npy file that stands at a place in another.
pub(crate) fn array_at(name: String, mut place: Place) -> Result<Array, SourceError> {
    let mut reader = place.open_at(0).map_err(io(&place.file))?;
    let header = match read_header(&mut reader) {
        Ok(header) => header,
        Err(Fault::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(io(&place.file)(error));
        }
        Err(fault) => {
            let reason = format!("{name} is no npy array: {}", fault.reason());
            return Err(damaged(&place.file, reason));
        }
    };
    place.n_header_bytes = header.n_bytes;
    let Header { element, endian, order, shape, .. } = header;
    Ok(Array { name, element, endian, order, shape, place })
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    element: Element,
    endian: Endian,
    order: Order,
    shape: Vec<u64>,
    /// Its own length, magic number included.
    n_bytes: u64,
}

/// Why there is no header.
#[derive(Debug)]
enum Fault {
    Io(io::Error),
    Format(&'static str),
}

impl Fault {
    fn reason(&self) -> &str {
        match self {
            Self::Io(_) => "it ends in the header",
            Self::Format(reason) => reason,
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn read_header(reader: &mut impl Read) -> Result<Header, Fault> {
    let mut start = [0; 8];
    reader.read_exact(&mut start)?;
    let [magic @ .., major, _minor] = start;
    if magic != MAGIC {
        return Err(Fault::Format("it does not start with the magic number"));
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
        _ => return Err(Fault::Format("its version is not known")),
    };
    if n_bytes > MAX_HEADER_BYTES {
        return Err(Fault::Format("its header is too long"));
    }
    let mut text = vec![0; n_bytes];
    reader.read_exact(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let n_bytes = (start.len() + n_length_bytes + n_bytes) as u64;
    parse(&text, n_bytes).ok_or(Fault::Format("its header is not understood"))
}

fn parse(text: &str, n_bytes: u64) -> Option<Header> {
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
    Some(Header { element, endian, order, shape, n_bytes })
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

    fn header(descr: &str, order: &str, shape: &str) -> Option<Header> {
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
        let fault = read_header(&mut file.as_slice()).unwrap_err();
        assert_eq!(fault.reason(), "its header is too long");
    }
}
