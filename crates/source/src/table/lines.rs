//! Lines of a file in bounded memory, counted as an editor counts them.
//!
//! What was read can be given back: a quote that is never closed swallows all lines to the end of
//! a csv file, and all but the first of them are read again.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use linprobe_core::SourceError;

use super::MAX_ROW_BYTES;
use crate::failure;

/// The size of a read from the system.
const BUFFER_BYTES: usize = 256 << 10;

/// Opens a text file, unpacked if its name ends in `.gz`.
pub(crate) fn open_text(path: &Path) -> Result<Box<dyn BufRead + Send>, SourceError> {
    let file = File::open(path).map_err(failure::io(path))?;
    let packed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
    Ok(if packed {
        let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file));
        Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked))
    } else {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, file))
    })
}

/// The lines of a text file; after an error there are none.
pub(crate) fn open_lines(path: &Path) -> Result<Lines, SourceError> {
    Ok(Lines {
        path: path.to_owned(),
        reader: open_text(path)?,
        unread: io::Cursor::new(Vec::new()),
        number: 0,
        ended: false,
    })
}

/// Reads lines one at a time.
pub(crate) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    /// Bytes given back, which come before those of the reader.
    unread: io::Cursor<Vec<u8>>,
    /// The number of the last line.
    number: u64,
    ended: bool,
}

impl Lines {
    /// The first bytes of a text file.
    pub(crate) fn peek(path: &Path) -> Result<Vec<u8>, SourceError> {
        let mut start = Vec::new();
        open_text(path)?.take(4).read_to_end(&mut start).map_err(failure::io(path))?;
        Ok(start)
    }

    /// Gives lines back; the next one is again the line after `number`.
    pub(crate) fn unread(&mut self, mut bytes: Vec<u8>, number: u64) {
        let consumed = usize::try_from(self.unread.position()).unwrap_or(usize::MAX);
        bytes.extend_from_slice(self.unread.get_ref().get(consumed..).unwrap_or_default());
        self.unread = io::Cursor::new(bytes);
        self.number = number;
    }

    fn read_line(&mut self) -> io::Result<Option<Line>> {
        let mut content = Ok(Vec::new());
        let mut n_bytes = 0;
        loop {
            let chunk = self.chunk()?;
            let end = memchr::memchr(b'\n', chunk).map(|end| end + 1);
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            let n_part = part.len();
            n_bytes += n_part;
            if n_bytes > MAX_ROW_BYTES {
                content = Err(TooLong);
            } else if let Ok(content) = &mut content {
                content.extend_from_slice(part);
            }
            self.consume(n_part);
            if end.is_some() || n_part == 0 {
                break;
            }
        }
        if n_bytes == 0 {
            return Ok(None);
        }
        self.number += 1;
        if let Ok(content) = &mut content
            && self.number == 1
            && content.starts_with(BYTE_ORDER_MARK)
        {
            content.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Some(Line { number: self.number, content }))
    }

    fn chunk(&mut self) -> io::Result<&[u8]> {
        if self.unread.fill_buf()?.is_empty() {
            self.reader.fill_buf()
        } else {
            self.unread.fill_buf()
        }
    }

    fn consume(&mut self, n_bytes: usize) {
        match self.unread.fill_buf() {
            Ok(unread) if !unread.is_empty() => self.unread.consume(n_bytes),
            _ => self.reader.consume(n_bytes),
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let line = self.read_line();
        self.ended = line.is_err();
        line.map_err(failure::io(&self.path)).transpose()
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One line.
pub(crate) struct Line {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its bytes and what ends it.
    pub(crate) content: Result<Vec<u8>, TooLong>,
}

impl Line {
    /// The line without its end, or why it is no text.
    pub(crate) fn text(&self) -> Result<&str, String> {
        let bytes = self.content.as_ref().map_err(ToString::to_string)?;
        str::from_utf8(without_end(bytes)).map_err(|e| not_utf8(&e))
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.content.as_ref().is_ok_and(|bytes| without_end(bytes).is_empty())
    }

    /// Whether there is nothing but white space in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.content.as_ref().is_ok_and(|bytes| bytes.trim_ascii().is_empty())
    }
}

/// A row of more than [`MAX_ROW_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row is longer than {MAX_ROW_BYTES} bytes")]
pub(crate) struct TooLong;

/// A line without the line feed, and the carriage return before it.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Says where bytes stop being UTF-8.
pub(crate) fn not_utf8(error: &std::str::Utf8Error) -> String {
    format!("not UTF-8 from byte {} on", error.valid_up_to() + 1)
}
