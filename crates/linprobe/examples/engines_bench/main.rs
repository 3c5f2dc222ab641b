//! Sessions over stores elsewhere beside the same sessions over the embedded store: what a round costs, and what a label
//! is worth where an engine's index finds the highest scores. Prints one JSON object for each figure.
//!
//! The servers are real ones of PostgreSQL with pgvector, whose programs `LINPROBE_TEST_POSTGRES` names, and of Milvus, of the
//! Python that `LINPROBE_TEST_MILVUS` names. Another engine is one more list of stores in [`rounds_over_engines`].
//! `XTASK_BENCH_QUICK=1` takes fewer records under the same names, as does a number as argument, and the units say so.

#[cfg(unix)]
mod gap;
#[cfg(unix)]
mod milvus;
#[cfg(unix)]
mod pgvector;
#[cfg(unix)]
mod recall;
#[cfg(unix)]
#[path = "../round_bench/rounds.rs"]
mod rounds;

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> rounds::Outcome<()> {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::{env, fs, io::Write, path::Path, time::Instant};

    use linprobe::{IndexOptions, Project};
    use linprobe_core::{Point, RecordId, VectorStore};
    use linprobe_store::{Access, Variables};
    use pollster::block_on;

    use crate::{
        gap, milvus, pgvector, recall,
        rounds::{Outcome, play, share, surroundings, whole, write_vectors},
    };

    /// Rows, where nothing else is said.
    const ALL: usize = 1_000_000;

    /// Points that are copied at a time.
    const PAGE: usize = 8_192;

    /// So many rows that rounds are measured over, and so many that sessions are.
    #[derive(Clone, Copy)]
    pub(crate) struct Scale {
        pub(crate) n_rows: usize,
        pub(crate) session_rows: usize,
        pub(crate) n_concepts: usize,
    }

    impl Scale {
        /// What the units say of it.
        pub(crate) fn note(self) -> String {
            match self.n_rows {
                ALL => String::new(),
                n_rows => format!(", only {n_rows} rows"),
            }
        }
    }

    /// Servers of engines.
    pub(crate) struct Servers {
        pub(crate) postgres: pgvector::Server,
        pub(crate) milvus: milvus::Server,
    }

    /// A store to be measured.
    pub(crate) struct Engine {
        pub(crate) name: &'static str,
        pub(crate) address: String,
        pub(crate) n_rounds: usize,
    }

    /// A figure, and what it stands beside: above 1, the ratio says that it is the better one.
    pub(crate) struct Figure<'a> {
        pub(crate) bench: &'a str,
        pub(crate) value: f64,
        pub(crate) unit: &'a str,
        pub(crate) peer: Option<(&'a str, f64, f64)>,
    }

    pub(crate) fn main() -> Outcome<()> {
        let quick = env::var_os("XTASK_BENCH_QUICK").is_some_and(|value| value == "1");
        let n_rows = env::args().nth(1).map(|n_rows| n_rows.parse()).transpose()?;
        let scale = match n_rows.or(quick.then_some(20_000)) {
            Some(n_rows) => Scale { n_rows, session_rows: n_rows / 2, n_concepts: 6 },
            None => Scale { n_rows: ALL, session_rows: ALL / 5, n_concepts: 24 },
        };
        let servers = Servers { postgres: pgvector::server(), milvus: milvus::server() };
        rounds_over_engines(&servers, scale)?;
        gap::measure(&servers, scale)
    }

    fn rounds_over_engines(servers: &Servers, scale: Scale) -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let vectors = folder.path().join("vectors.npy");
        write_vectors(&vectors, scale.n_rows)?;
        let project = Project::create(&folder.path().join("embedded"), surroundings())?;
        project.index(&vectors, &IndexOptions::default(), &mut |_| ())?;
        fs::remove_file(vectors)?;
        let embedded = share(&play(&project, 40)?, 0.5, whole);
        let points = project.store()?;
        for engine in pgvector::engines(&servers.postgres, points.as_ref(), scale)? {
            over(&engine, folder.path(), (embedded, scale))?;
        }
        pgvector::remove(&servers.postgres);
        // Two of them at once would take twice the memory and the disk.
        for kind in milvus::KINDS {
            let engine = milvus::engine(&servers.milvus, kind, (points.as_ref(), scale))?;
            over(&engine, folder.path(), (embedded, scale))?;
            recall::measure(&project, &engine, scale)?;
            milvus::remove(&servers.milvus, kind.1);
        }
        Ok(())
    }

    /// A project over a store, its first session, and the median of some rounds.
    fn over(engine: &Engine, folder: &Path, (embedded, scale): (f64, Scale)) -> Outcome<()> {
        let Engine { name, address, n_rounds } = engine;
        let unit = format!("ms{}", scale.note());
        let project = Project::create_over(&folder.join(name), address, None, surroundings())?;
        let since = Instant::now();
        project.background()?;
        let bench = format!("engines/background-1m-ms/{name}");
        let value = since.elapsed().as_secs_f64() * 1e3;
        print(&Figure { bench: &bench, value, unit: &unit, peer: None })?;
        let value = share(&play(&project, *n_rounds)?, 0.5, whole);
        let bench = format!("engines/round-1m-ms/{name}");
        let peer = Some(("the embedded store", embedded, embedded / value));
        print(&Figure { bench: &bench, value, unit: &unit, peer })
    }

    /// Writes all points of a store to another.
    pub(crate) fn fill(address: &str, points: &dyn VectorStore) -> Outcome<()> {
        let access = Access::Write { dimension: points.spec().dimension };
        let variables = Variables::from_lookup(|_| None);
        let target = block_on(linprobe_store::open(address, access, &variables))?;
        let mut after: Option<RecordId> = None;
        loop {
            let page: Vec<Point> = block_on(points.scan(after.as_ref(), PAGE))?;
            let Some(last) = page.last() else { return Ok(block_on(target.flush())?) };
            after = Some(last.id.clone());
            block_on(target.upsert(&page))?;
        }
    }

    pub(crate) fn print(figure: &Figure<'_>) -> Outcome<()> {
        let Figure { bench, value, unit, peer } = figure;
        let line = serde_json::json!({
            "bench": bench,
            "value": value,
            "unit": unit,
            "peer": peer.map(|(peer, ..)| peer),
            "peer_value": peer.map(|(_, value, _)| value),
            "ratio": peer.map(|(.., ratio)| ratio),
        });
        Ok(writeln!(std::io::stdout(), "{line}")?)
    }
}
