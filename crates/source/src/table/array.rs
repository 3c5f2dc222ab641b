//! A JSON array as a stream of its elements.
//!
//! Parsers want a whole document. Here a scanner that knows no more than brackets, strings and
//! commas finds where each element ends, and each is parsed alone: one element is in memory at a
//! time, and one that is no JSON is bad alone. An object of arrays, as
//! `{"train": [..], "test": [..]}`, gives the elements of all, each with its array's name as `split`.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use linprobe_core::SourceError;

use super::{
    Row,
    json::fields_of,
    lines::{TooLong, not_utf8, open_text},
};
use crate::{MAX_ROW_BYTES, failure};

/// The rows of a JSON array, or of an object of arrays.
pub(crate) fn rows(path: &Path) -> Result<Elements, SourceError> {
    Ok(Elements {
        path: path.to_owned(),
        reader: Bytes { reader: open_text(path)?, line: 1 },
        place: Place::Start,
        split: None,
        n_rows: 0,
    })
}

/// Reads elements one at a time.
pub(crate) struct Elements {
    path: PathBuf,
    reader: Bytes,
    place: Place,
    /// The name of the array, in an object of arrays.
    split: Option<String>,
    n_rows: u64,
}

/// What comes next in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The first byte.
    Start,
    /// An element, or the end of an array.
    Element,
    /// A name of an array, or the end of the object.
    Name,
    /// Nothing.
    End,
}

impl Elements {
    fn next_row(&mut self) -> io::Result<Option<Row>> {
        loop {
            match self.place {
                Place::Start => self.enter()?,
                Place::Name => self.next_array()?,
                Place::Element => {
                    if let Some(row) = self.next_element()? {
                        return Ok(Some(row));
                    }
                }
                Place::End => return Ok(None),
            }
        }
    }

    fn enter(&mut self) -> io::Result<()> {
        self.reader.skip_byte_order_mark()?;
        self.place = match self.reader.next_visible()? {
            b'[' => Place::Element,
            b'{' => Place::Name,
            _ => return Err(self.reader.unexpected("an array")),
        };
        Ok(())
    }

    /// Goes into the next member that is an array.
    fn next_array(&mut self) -> io::Result<()> {
        let first = self.reader.peek_visible()?;
        if first == b'}' {
            return self.finish();
        }
        let Scanned { content, .. } = self.reader.scan_value()?;
        let name = content.ok().and_then(|name| serde_json::from_slice::<String>(&name).ok());
        let Some(name) = name else {
            return Err(self.reader.unexpected("the name of an array"));
        };
        self.reader.expect(b':', "`:`")?;
        if self.reader.peek_visible()? == b'[' {
            self.reader.next_visible()?;
            self.split = Some(name);
            self.place = Place::Element;
            Ok(())
        } else {
            self.reader.scan_value()?;
            self.after_member()
        }
    }

    fn after_member(&mut self) -> io::Result<()> {
        self.place = Place::Name;
        match self.reader.next_visible()? {
            b',' => Ok(()),
            b'}' => self.finish_after_end(),
            _ => Err(self.reader.unexpected("`,` or `}`")),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.reader.next_visible()?;
        self.finish_after_end()
    }

    fn finish_after_end(&mut self) -> io::Result<()> {
        self.place = Place::End;
        self.reader.expect_end()
    }

    fn after_array(&mut self) -> io::Result<()> {
        match self.split.take() {
            Some(_) => self.after_member(),
            None => self.finish_after_end(),
        }
    }

    fn next_element(&mut self) -> io::Result<Option<Row>> {
        if self.reader.peek_visible()? == b']' {
            self.reader.next_visible()?;
            self.after_array()?;
            return Ok(None);
        }
        let Scanned { line, content } = self.reader.scan_value()?;
        let row = self.row(line, content);
        match self.reader.peek_visible()? {
            b',' => self.reader.expect(b',', "`,`")?,
            b']' => {}
            _ => return Err(self.reader.unexpected("`,` or `]`")),
        }
        Ok(Some(row))
    }

    fn row(&mut self, line: u64, content: Result<Vec<u8>, TooLong>) -> Row {
        let idx = self.n_rows;
        self.n_rows += 1;
        let mut fields = content
            .map_err(|e| e.to_string())
            .and_then(|bytes| fields_of(str::from_utf8(&bytes).map_err(|e| not_utf8(&e))?));
        if let (Ok(fields), Some(split)) = (&mut fields, &self.split) {
            fields.entry("split".to_owned()).or_insert_with(|| split.clone());
        }
        Row { line, idx, fields }
    }
}

impl Iterator for Elements {
    type Item = Result<Row, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next_row();
        if row.is_err() {
            self.place = Place::End;
        }
        row.map_err(failure::io(&self.path)).transpose()
    }
}

/// A value as it stands in the file.
struct Scanned {
    line: u64,
    content: Result<Vec<u8>, TooLong>,
}

/// Bytes of the file with the number of the line that they stand in.
struct Bytes {
    reader: Box<dyn BufRead + Send>,
    line: u64,
}

impl Bytes {
    /// Reads a value up to the comma, colon or bracket that ends it.
    fn scan_value(&mut self) -> io::Result<Scanned> {
        self.peek_visible()?;
        let line = self.line;
        let mut content = Ok(Vec::new());
        let mut n_bytes = 0;
        let mut scanner = Scanner::default();
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Err(cut_short());
            }
            let end = chunk.iter().position(|&byte| scanner.ends_before(byte));
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            let n_part = part.len();
            n_bytes += n_part;
            if n_bytes > MAX_ROW_BYTES {
                content = Err(TooLong);
            } else if let Ok(content) = &mut content {
                content.extend_from_slice(part);
            }
            self.line += memchr::memchr_iter(b'\n', part).count() as u64;
            self.reader.consume(n_part);
            if end.is_some() {
                return Ok(Scanned { line, content });
            }
        }
    }

    /// The next byte that is not white space, left in place.
    fn peek_visible(&mut self) -> io::Result<u8> {
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Err(cut_short());
            }
            let n_blank = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let visible = chunk.get(n_blank).copied();
            let blank = chunk.get(..n_blank).unwrap_or_default();
            self.line += memchr::memchr_iter(b'\n', blank).count() as u64;
            self.reader.consume(n_blank);
            if let Some(visible) = visible {
                return Ok(visible);
            }
        }
    }

    fn next_visible(&mut self) -> io::Result<u8> {
        let byte = self.peek_visible()?;
        self.reader.consume(1);
        Ok(byte)
    }

    fn expect(&mut self, byte: u8, what: &str) -> io::Result<()> {
        if self.next_visible()? == byte { Ok(()) } else { Err(self.unexpected(what)) }
    }

    fn expect_end(&mut self) -> io::Result<()> {
        match self.peek_visible() {
            Ok(_) => Err(self.unexpected("the end of the file")),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && self.at_end()? => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn at_end(&mut self) -> io::Result<bool> {
        Ok(self.reader.fill_buf()?.is_empty())
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        if self.reader.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
            self.reader.consume("\u{feff}".len());
        }
        Ok(())
    }

    fn unexpected(&self, what: &str) -> io::Error {
        let message = format!("line {}: {what} is expected", self.line);
        io::Error::new(io::ErrorKind::InvalidData, message)
    }
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the JSON ends in the middle")
}

/// Follows brackets and strings.
#[derive(Default)]
struct Scanner {
    depth: u64,
    text: Text,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escape,
}

impl Scanner {
    /// Takes a byte of the value; true when the value ended before it.
    fn ends_before(&mut self, byte: u8) -> bool {
        match self.text {
            Text::Escape => self.text = Text::Inside,
            Text::Inside if byte == b'\\' => self.text = Text::Escape,
            Text::Inside if byte == b'"' => self.text = Text::Outside,
            Text::Inside => {}
            Text::Outside => return self.ends_before_mark(byte),
        }
        false
    }

    fn ends_before_mark(&mut self, byte: u8) -> bool {
        match byte {
            b'"' => self.text = Text::Inside,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' if self.depth == 0 => return true,
            b']' | b'}' => self.depth -= 1,
            b',' | b':' => return self.depth == 0,
            _ => {}
        }
        false
    }
}
