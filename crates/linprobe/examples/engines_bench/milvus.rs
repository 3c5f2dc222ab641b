//! Collections of a real server of Milvus, each with an index of another kind.

use std::time::Instant;

use linprobe_core::{Point, VectorStore};
pub(crate) use linprobe_store::test_server::MilvusServer as Server;
use linprobe_store::{
    Variables,
    test_server::{Admin, TheirRow, Theirs},
};
use pollster::block_on;

use crate::{
    rounds::Outcome,
    unix::{Engine, Figure, Scale, print},
};

/// Rows that are written at a time.
const PAGE: usize = 4_000;

pub(crate) fn server() -> Server {
    Server::start(&[])
}

/// Collections, each with an index of another kind.
pub(crate) const KINDS: [(&str, &str); 2] = [("milvus", "HNSW"), ("milvus-ivf", "IVF_FLAT")];

/// Fills a collection with an index of a kind.
pub(crate) fn engine(
    server: &Server,
    (name, kind): (&'static str, &str),
    (points, scale): (&dyn VectorStore, Scale),
) -> Outcome<Engine> {
    let since = Instant::now();
    let address = collection(server, (&format!("rounds_{kind}"), kind), points)?;
    let bench = format!("engines/fill-1m-s/{name}");
    let (value, unit) = (since.elapsed().as_secs_f64(), format!("s{}", scale.note()));
    print(&Figure { bench: &bench, value, unit: &unit, peer: None })?;
    Ok(Engine { name, address, n_rounds: 40 })
}

/// Makes a collection of points with an index of a kind, when all of them are there; gives its address. A strong answer waits for a
/// tick of the server's clock, .2 s, and nobody writes meanwhile.
pub(crate) fn collection(
    server: &Server,
    (name, kind): (&str, &str),
    points: &dyn VectorStore,
) -> Outcome<String> {
    let admin = admin(server);
    let mut after = None;
    let mut n_rows = 0;
    loop {
        let page = block_on(points.scan(after.as_ref(), PAGE))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        let rows: Vec<TheirRow> = page.iter().map(row).collect();
        if n_rows == 0 {
            admin.make(&Theirs { name, has_numbers: false, index: None, is_loaded: false }, &rows);
        } else {
            admin.write(name, "", &rows);
        }
        n_rows += rows.len();
    }
    admin.settle(name, ("COSINE", kind), n_rows);
    Ok(server.address(&format!("{name}?consistency=bounded")))
}

/// Takes the collection of rounds with an index of a kind away.
pub(crate) fn remove(server: &Server, kind: &str) {
    admin(server).remove(&format!("rounds_{kind}"));
}

fn admin(server: &Server) -> Admin {
    Admin::of(&server.address("any"), &Variables::from_lookup(|_| None))
}

fn row(point: &Point) -> TheirRow {
    TheirRow {
        id: point.id.to_string(),
        vector: point.embedding.as_slice().to_vec(),
        title: String::new(),
        note: String::new(),
    }
}
