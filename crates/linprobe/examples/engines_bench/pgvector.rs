//! Tables of a real server of PostgreSQL: one that is looked at whole, the same through its index.

use std::time::Instant;

use linprobe_core::VectorStore;
pub(crate) use linprobe_store::test_server::PostgresServer as Server;

use crate::{
    rounds::Outcome,
    unix::{Engine, Figure, Scale, fill, print},
};

/// What the server needs to make an index in memory, and to use both cores for it.
const FOR_AN_INDEX: &str =
    "SET maintenance_work_mem = '4GB'; SET max_parallel_maintenance_workers = 1";

pub(crate) fn server() -> Server {
    Server::start()
}

/// Fills a table, whose vectors stand in its rows, and gives it as it is, and as its index finds it.
pub(crate) fn engines(
    server: &Server,
    points: &dyn VectorStore,
    scale: Scale,
) -> Outcome<Vec<Engine>> {
    let exact = table(server, "rounds", points)?;
    let since = Instant::now();
    index(server, "rounds");
    let value = since.elapsed().as_secs_f64();
    let unit = format!("s{}", scale.note());
    print(&Figure { bench: "engines/hnsw-build-1m-s/pgvector", value, unit: &unit, peer: None })?;
    let approximate = format!("{exact}&search=approximate");
    Ok(vec![
        Engine { name: "pgvector", address: exact, n_rounds: 12 },
        Engine { name: "pgvector-approximate", address: approximate, n_rounds: 40 },
    ])
}

/// Takes the table of rounds away.
pub(crate) fn remove(server: &Server) {
    server.sql("DROP TABLE rounds");
}

/// Makes a table of points; gives its address.
pub(crate) fn table(server: &Server, name: &str, points: &dyn VectorStore) -> Outcome<String> {
    let dimension = points.spec().dimension;
    server.sql(&format!(
        "CREATE TABLE {name} (id text PRIMARY KEY, embedding vector({dimension}) NOT NULL); \
         ALTER TABLE {name} ALTER embedding SET STORAGE PLAIN"
    ));
    let address = server.address(name);
    fill(&address, points)?;
    server.sql(&format!("VACUUM ANALYZE {name}"));
    Ok(address)
}

pub(crate) fn index(server: &Server, name: &str) {
    server.sql(&format!(
        "{FOR_AN_INDEX}; CREATE INDEX ON {name} USING hnsw (embedding vector_cosine_ops)"
    ));
}
