//! How large the buffers of an Arrow file become: looked at before they are.
//!
//! A compressed buffer begins with its true size, and the reader allocates as much as that says.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use arrow_ipc::{
    Message, RecordBatch, reader::read_footer_length, root_as_footer, root_as_message,
};

/// What stands behind the footer: its length and the magic number.
const TRAILER: u64 = 10;

/// What stands before a message, where its length does not.
const CONTINUATION: u32 = u32::MAX;

/// A buffer becomes at most so many times as large: Zstandard can repeat a byte that often.
const MAX_GROWTH: i64 = 1 << 15;

/// And at most this large, in bytes.
const MAX_BUFFER: i64 = 4 << 30;

/// What a buffer says of itself that was not compressed after all.
const AS_IT_IS: i64 = -1;

/// Looks at all batches of a file that has an index of them.
pub(super) fn check_file(mut file: &File) -> Result<(), String> {
    let n_bytes = file.metadata().map_err(shown)?.len();
    let mut trailer = [0; 10];
    let end = n_bytes.checked_sub(TRAILER).ok_or("it is cut short")?;
    file.seek(SeekFrom::Start(end)).and_then(|_| file.read_exact(&mut trailer)).map_err(shown)?;
    let footer_len = read_footer_length(trailer).map_err(|error| error.to_string())? as u64;
    let start = end.checked_sub(footer_len).ok_or("its footer is longer than the file")?;
    let footer = bytes_at(file, start, footer_len)?;
    let footer = root_as_footer(&footer).map_err(|error| error.to_string())?;
    let blocks = [footer.dictionaries(), footer.recordBatches()];
    for block in blocks.into_iter().flatten().flat_map(|blocks| blocks.iter()) {
        let (offset, meta_len) = (block.offset().cast_unsigned(), block.metaDataLength());
        let meta_len = u64::try_from(meta_len).ok().ok_or("a length is negative")?;
        let body = offset.checked_add(meta_len).filter(|body| *body <= n_bytes);
        let body = body.ok_or("a batch stands behind the end of the file")?;
        let meta = bytes_at(file, offset, meta_len)?;
        let prefix = if meta.starts_with(&CONTINUATION.to_le_bytes()) { 8 } else { 4 };
        let meta = meta.get(prefix..).ok_or("a batch is cut short")?;
        check_message(file, message(meta)?, body)?;
    }
    Ok(())
}

/// Looks at all batches of a stream, as far as it goes.
pub(super) fn check_stream(mut file: &File) -> Result<(), String> {
    let n_bytes = file.metadata().map_err(shown)?.len();
    let mut offset = 0;
    while let Some((meta_len, start)) = next_message(file, offset)? {
        let body = start + u64::from(meta_len);
        if meta_len == 0 || body > n_bytes {
            break;
        }
        let meta = bytes_at(file, start, meta_len.into())?;
        let message = message(&meta)?;
        check_message(file, message, body)?;
        let body_len = u64::try_from(message.bodyLength()).ok().ok_or("a length is negative")?;
        offset = body.checked_add(body_len).ok_or("a length is beyond all files")?;
    }
    file.seek(SeekFrom::Start(0)).map(drop).map_err(shown)
}

/// The length of a message and where it begins; none at the end of the file.
fn next_message(mut file: &File, offset: u64) -> Result<Option<(u32, u64)>, String> {
    let mut word = [0; 4];
    file.seek(SeekFrom::Start(offset)).map_err(shown)?;
    if file.read_exact(&mut word).is_err() {
        return Ok(None);
    }
    if u32::from_le_bytes(word) != CONTINUATION {
        return Ok(Some((u32::from_le_bytes(word), offset + 4)));
    }
    let read = file.read_exact(&mut word).is_ok();
    Ok(read.then(|| (u32::from_le_bytes(word), offset + 8)))
}

fn message(meta: &[u8]) -> Result<Message<'_>, String> {
    root_as_message(meta).map_err(|error| error.to_string())
}

fn check_message(file: &File, message: Message<'_>, body: u64) -> Result<(), String> {
    let dictionary = message.header_as_dictionary_batch().and_then(|batch| batch.data());
    match message.header_as_record_batch().or(dictionary) {
        Some(batch) if batch.compression().is_some() => check_batch(file, batch, body),
        _ => Ok(()),
    }
}

fn check_batch(mut file: &File, batch: RecordBatch<'_>, body: u64) -> Result<(), String> {
    for buffer in batch.buffers().into_iter().flatten() {
        let (offset, length) = (buffer.offset(), buffer.length());
        if length < 8 {
            continue;
        }
        let place = body.checked_add_signed(offset).ok_or("a buffer stands before the file")?;
        let mut size = [0; 8];
        file.seek(SeekFrom::Start(place))
            .and_then(|_| file.read_exact(&mut size))
            .map_err(shown)?;
        let size = i64::from_le_bytes(size);
        let limit = length.saturating_mul(MAX_GROWTH).min(MAX_BUFFER);
        if size != AS_IT_IS && !(0..=limit).contains(&size) {
            return Err(format!("a buffer of {length} bytes promises {size} bytes"));
        }
    }
    Ok(())
}

fn bytes_at(mut file: &File, offset: u64, n_bytes: u64) -> Result<Vec<u8>, String> {
    file.seek(SeekFrom::Start(offset)).map_err(shown)?;
    let mut bytes = Vec::new();
    file.take(n_bytes).read_to_end(&mut bytes).map_err(shown)?;
    Ok(bytes)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where a function of an error does")]
fn shown(error: io::Error) -> String {
    error.to_string()
}
