//! The seam to whatever runs a graph.

use std::{error::Error, fmt::Debug, ops::Range, path::Path, sync::Arc};

use candle_core::{Result, Tensor};

/// What an engine says when it cannot run a graph.
pub(crate) type EngineError = Box<dyn Error + Send + Sync>;

/// What runs graphs.
pub(crate) trait GraphEngine {
    /// The engine as people see it.
    fn name(&self) -> String;

    /// Makes a graph ready to run.
    fn open(&self, graph: &Path) -> std::result::Result<Arc<dyn Graph>, EngineError>;

    /// The same with one that is in no file.
    fn read(&self, graph: &[u8]) -> std::result::Result<Arc<dyn Graph>, EngineError>;
}

/// A graph that an engine has made ready.
pub(crate) trait Graph: Debug + Send + Sync {
    /// Runs it over one tensor for each of its inputs, and gives one of its outputs, in single
    /// precision.
    fn run(&self, feeds: &[Feed<'_>], output: &str) -> Result<Tensor>;
}

/// What an input is given.
#[derive(Debug)]
pub(crate) struct Feed<'a> {
    pub(super) name: &'a str,
    pub(super) tensor: Tensor,
}

impl Feed<'_> {
    /// Some of the rows; the last one for all rows that there are not.
    pub(super) fn rows(&self, rows: Range<usize>) -> Result<Self> {
        let last = self.tensor.dim(0)?.saturating_sub(1);
        let rows = rows.map(|row| self.tensor.narrow(0, row.min(last), 1));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        Ok(Self { name: self.name, tensor: Tensor::cat(&rows, 0)? })
    }
}
