//! A store holds embeddings of one dimension.

use linprobe_core::StoreError;

/// Refuses a vector of another dimension.
pub(crate) fn check_dimension(expected: usize, found: usize) -> Result<(), StoreError> {
    if found == expected { Ok(()) } else { Err(StoreError::Dimension { expected, found }) }
}
