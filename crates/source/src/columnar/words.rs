//! What columns tell of rows whose content stands elsewhere.

use std::path::Path;

use linprobe_core::{Metadata, SourceError};

use super::{BATCH_ROWS, Batches, Holds, Part, cells, file::Piece, files_at, sample};
use crate::{SourceOptions, table::Columns};

/// Files of columns, and which of these hold texts and labels.
#[derive(Debug)]
pub(crate) struct Words {
    parts: Vec<Part>,
    columns: Columns,
}

/// What is told of a row, or why nothing is.
pub(crate) type Told = Result<Metadata, String>;

impl Words {
    pub(crate) fn open(location: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let parts = files_at(location)?.into_iter().map(|path| Part::open(location, &path));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let columns = Columns::beside_content(location, &sample(&parts, &Holds::Text)?, options)?;
        Ok(Self { parts, columns })
    }

    /// How many rows there are, where the files tell.
    pub(crate) fn n_rows(&self) -> Option<u64> {
        self.parts.iter().map(|part| part.file.n_rows).sum()
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
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
