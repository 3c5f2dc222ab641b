//! What goes wrong with a real server of PostgreSQL: it is said clearly, or it passes, and nothing is lost or doubled.

use std::{
    thread,
    time::{Duration, Instant},
};

use linprobe_core::{Point, RecordId, StoreError, VectorStore};
use linprobe_store::{
    Access, PgvectorStore, Variables,
    test_server::{Line, PostgresServer, Proxy},
};
use pollster::block_on;

use crate::faults::{self, best, point, points};
use crate::postgres::{new_table, nothing_set, read, server, write};

/// A table with ten points.
fn table_of_ten() -> String {
    let table = new_table();
    let store = write(&server().address(&table), 2).unwrap();
    block_on(store.upsert(&points(10))).unwrap();
    table
}

#[track_caller]
fn said(error: &StoreError, words: &[&str]) {
    faults::said(error, words, "127.0.0.1");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_missing_table_column_database_or_extension_is_named_with_those_that_there_are() {
    let table = table_of_ten();
    let missing = read(&server().address("nowhere")).unwrap_err();
    said(&missing, &["no table \"nowhere\"", &format!("public.{table} (embedding)")]);
    let column = read(&server().address(&format!("{table}&embedding=vectors"))).unwrap_err();
    said(&column, &["no column vectors", "id, embedding"]);
    let no_vector = read(&server().address(&format!("{table}&embedding=id"))).unwrap_err();
    said(&no_vector, &["of type text", "vector or halfvec"]);
    server().sql(&format!("CREATE DATABASE bare_{table}"));
    let elsewhere = |database: &str| {
        read(&server().address(&table).replace("/postgres?", &format!("/{database}?"))).unwrap_err()
    };
    said(&elsewhere(&format!("bare_{table}")), &["no vectors", "CREATE EXTENSION vector"]);
    said(&elsewhere("no_database"), &["\"no_database\" does not exist"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn ids_that_are_there_twice_are_refused() {
    let table = new_table();
    server().sql(&format!(
        "CREATE TABLE {table} (id text, e vector(2)); INSERT INTO {table} VALUES ('x', '[1,0]'), ('x', '[0,1]')"
    ));
    said(&read(&server().address(&table)).unwrap_err(), &["two rows", "the id x", "&id=column"]);
    server().sql(&format!("UPDATE {table} SET id = 'y' WHERE e = '[0,1]'"));
    assert_eq!(best(&read(&server().address(&table)).unwrap()).unwrap(), 2);
    said(&write(&server().address(&table), 2).unwrap_err(), &["no unique index", "primary key"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn another_dimension_is_refused_before_anything_is_written() {
    let table = table_of_ten();
    let refused = write(&server().address(&table), 3).unwrap_err();
    assert!(matches!(refused, StoreError::Dimension { expected: 2, found: 3 }), "{refused}");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn ids_and_tables_that_cannot_take_a_point_say_why() {
    let table = new_table();
    server().sql(&format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, e vector(2), title text NOT NULL)"
    ));
    let store = write(&server().address(&table), 2).unwrap();
    said(&block_on(store.upsert(&points(1))).unwrap_err(), &["int8", "\"r0\"", "ids are text"]);
    let numbered = Point { id: RecordId::from_row(7), ..point(7) };
    said(
        &block_on(store.upsert(&[numbered])).unwrap_err(),
        &["title", "let the other columns be empty"],
    );
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_user_who_may_only_read_reads_and_is_told_what_writing_takes() {
    let table = table_of_ten();
    let user = format!("reader_{table}");
    server().sql(&format!("CREATE ROLE {user} LOGIN"));
    let address = server().address(&table).replace("postgres@", &format!("{user}@"));
    said(
        &read(&address).and_then(|store| best(&store)).unwrap_err(),
        &["permission denied", "GRANT SELECT"],
    );
    server().sql(&format!("GRANT SELECT ON {table} TO {user}"));
    assert_eq!(best(&read(&address).unwrap()).unwrap(), 3);
    said(
        &write(&address, 2).unwrap_err(),
        &["may not write", "GRANT INSERT, UPDATE, DELETE", &user],
    );
    server().sql(&format!("ALTER ROLE {user} SET default_transaction_read_only = on"));
    server().sql(&format!("GRANT ALL ON {table} TO {user}"));
    let store = write(&address, 2).unwrap();
    said(
        &block_on(store.upsert(&points(1))).unwrap_err(),
        &["read-only transaction", "the primary"],
    );
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_wrong_password_is_told_and_no_password_is_shown() {
    let table = table_of_ten();
    server().sql(&format!(
        "DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
         GRANT SELECT ON {table} TO guarded"
    ));
    let address = |credentials: &str| server().address(&table).replace("postgres@", credentials);
    let wrong = read(&address("guarded:wr0ng@")).unwrap_err();
    said(&wrong, &["password authentication failed", "PGPASSWORD"]);
    assert!(!format!("{wrong:?}").contains("wr0ng"), "{wrong:?}");
    said(&read(&address("guarded@")).unwrap_err(), &["password missing", "PGPASSWORD"]);
    let by_variable = Variables::from_lookup(|name| (name == "PGPASSWORD").then(|| "right".into()));
    let without = address("guarded@");
    let opened = block_on(PgvectorStore::open(&without, Access::Read, &by_variable)).unwrap();
    assert_eq!(best(&opened).unwrap(), 3);
    let by_address = read(&address("guarded:right@")).unwrap();
    assert_eq!(best(&by_address).unwrap(), 3);
    assert!(!format!("{by_address:?}").contains("right"), "{by_address:?}");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn where_nothing_listens_is_told_soon() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = Instant::now();
    let address = format!("postgres://ann@127.0.0.1:{nobody}/shop?table=items");
    let error = read(&address).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    said(&error, &["cannot reach postgres://ann@"]);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_crash_amid_writing_and_reading_loses_and_doubles_nothing() {
    let server = PostgresServer::start();
    let table = new_table();
    let store = write(&server.address(&table), 2).unwrap();
    let all = points(6_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            for batch in all.chunks(100) {
                block_on(store.upsert(batch)).unwrap();
            }
        });
        scope.spawn(|| {
            for _ in 0..60 {
                best(&store).unwrap();
            }
        });
        for _ in 0..3 {
            thread::park_timeout(Duration::from_millis(150));
            server.crash();
            server.up();
        }
    });
    let mut scanned = block_on(store.scan(None, usize::MAX)).unwrap();
    let mut expected = all.clone();
    scanned.sort_by(|a, b| a.id.cmp(&b.id));
    expected.sort_by(|a, b| a.id.cmp(&b.id));
    assert!(scanned == expected);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_table_that_goes_while_it_is_used_is_named() {
    let table = table_of_ten();
    let store = read(&server().address(&table)).unwrap();
    server().sql(&format!("DROP TABLE {table}"));
    said(&best(&store).unwrap_err(), &["does not exist", "still there"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_slow_line_is_waited_for_and_a_silent_one_is_given_up() {
    let table = table_of_ten();
    let proxy = Proxy::to(server().port());
    let port = format!(":{}/", server().port());
    let address = server().address(&format!("{table}&timeout=1&connect_timeout=1"));
    let address = address.replace(&port, &format!(":{}/", proxy.port()));
    proxy.set(Line::Slow(Duration::from_millis(40)));
    let store = read(&address).unwrap();
    assert_eq!(best(&store).unwrap(), 3);
    proxy.set(Line::Silent);
    let started = Instant::now();
    let error = best(&store).unwrap_err();
    said(&error, &["cannot reach"]);
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no answer within 6 s");
    let error = read(&address).unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no answer within 1 s");
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    proxy.set(Line::Good);
    assert_eq!(best(&store).unwrap(), 3);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_statement_that_takes_too_long_ends_and_says_how_to_give_it_more_time() {
    let table = table_of_ten();
    server().sql(&format!(
        "CREATE FUNCTION slow_{table}(text) RETURNS text LANGUAGE sql AS 'SELECT $1 FROM pg_sleep(1)'; \
         CREATE VIEW slowly_{table} AS SELECT slow_{table}(id) AS id, embedding FROM {table} LIMIT 5"
    ));
    // Ids of a view are looked through when it is opened.
    let error = read(&server().address(&format!("slowly_{table}&timeout=1"))).unwrap_err();
    said(&error, &["statement timeout", "&timeout=seconds"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn whoever_asks_for_encryption_of_a_server_without_it_is_refused() {
    let table = table_of_ten();
    let address = server().address(&format!("{table}&sslmode=require"));
    let refused = block_on(PgvectorStore::open(&address, Access::Read, &nothing_set()));
    said(&refused.unwrap_err(), &["TLS", "sslmode="]);
}
