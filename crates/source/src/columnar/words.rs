//! What columns tell of rows whose content stands elsewhere.

use std::path::Path;

use linprobe_core::{Metadata, SourceError};

use super::{BATCH_ROWS, Batches, Holds, Part, cells, file::Piece, sample};
use crate::{place::Place, table::Sample};

/// Files of columns.
#[derive(Debug)]
pub(crate) struct Words {
    parts: Vec<Part>,
}

/// What is told of a row, or why nothing is.
pub(crate) type Told = Result<Metadata, String>;

impl Words {
    /// Opens the file, or every such file of a folder, and tells what columns there are.
    pub(crate) fn open(location: &Path) -> Result<(Self, Sample), SourceError> {
        let parts = Part::all(&Place::whole(location))?;
        let sample = sample(&parts, &Holds::Text)?;
        Ok((Self { parts }, sample))
    }

    /// How many rows there are, where the files tell.
    pub(crate) fn n_rows(&self) -> Option<u64> {
        self.parts.iter().map(|part| part.file.n_rows).sum()
    }

    /// Every row from one on.
    pub(crate) fn rows_from(
        &self,
        first: u64,
    ) -> impl Iterator<Item = Result<Told, SourceError>> + Send {
        let pieces =
            Batches::from(&self.parts, first, BATCH_ROWS).flat_map(move |piece| match piece {
                Ok((part, start, Piece::Batch(batch))) => {
                    let words = cells::words(&batch, None, &part.features).into_iter();
                    let numbered = (start.idx..).zip(words.map(|words| Ok(Ok(words))));
                    Box::new(numbered) as Box<dyn Iterator<Item = (u64, _)> + Send>
                }
                Ok((_, start, Piece::Lost { n_rows, reason })) => {
                    let rows = start.idx..start.idx + n_rows;
                    Box::new(rows.map(move |idx| (idx, Ok(Err(reason.clone())))))
                }
                Err(error) => Box::new(std::iter::once((first, Err(error)))),
            });
        pieces.skip_while(move |(idx, _)| *idx < first).map(|(_, row)| row)
    }
}
