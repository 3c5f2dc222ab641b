//! Projects over a real server of PostgreSQL, through the binary.

use linprobe_store::test_server::PostgresServer;
use serde_json::{Value, json};

use crate::{
    pages::Page,
    support::{Bench, texts},
    wanted::{assert_no_label_is_lost, is_wanted, label_round},
};

/// Three thousand rows of a team: one in ten is wanted, lengths differ, and ids are numbers.
const ITEMS: &str = "CREATE TABLE items (sku int PRIMARY KEY, title text, v vector(24)); \
     SELECT setseed(.5); \
     INSERT INTO items SELECT i, CASE WHEN i % 10 = 0 THEN 'wanted ' ELSE 'other ' END || i, \
       (SELECT array_agg((random() - .5 + CASE WHEN i % 10 = 0 AND j < 4 THEN 1 ELSE 0 END) * (1 + i % 3)) \
        FROM generate_series(1, 24) j WHERE i = i)::real[]::vector FROM generate_series(1, 3000) i; \
     CREATE ROLE reader LOGIN; GRANT SELECT ON items TO reader";

const CONTENTS: &str = "SELECT count(*), md5(string_agg(items::text, ',' ORDER BY sku)) FROM items";

/// A server with the rows, and a project over them as a user who may only read.
fn over_items() -> (PostgresServer, Bench) {
    let server = PostgresServer::start();
    server.sql(ITEMS);
    let bench = Bench::new();
    let address = server.address("items&text=title").replace("postgres@", "reader@");
    let made = bench.json(&["init", "project", "--store", &address]);
    assert_eq!(made[0]["store"], address);
    (server, bench)
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn the_whole_loop_runs_over_a_table_that_is_there_and_writes_nothing_to_it() {
    let (server, bench) = over_items();
    let before = server.sql(CONTENTS);
    let found = bench.json(&["search", "--like", "10", "--like", "20", "--like", "30", "-k", "20"]);
    assert!(found.iter().filter(|hit| is_wanted(hit)).count() >= 15, "{found:?}");
    label_round(&bench, &["--like", "10", "--like", "20"]);
    for _ in 0..4 {
        label_round(&bench, &[]);
    }
    let predicted = bench.json(&["predict", "--classifier", "s"]);
    assert_eq!(predicted.len(), 3000);
    let right = predicted.iter().filter(|row| is_wanted(row) == row["positive"].as_bool().unwrap());
    assert!(right.count() > 2850);
    bench.ok(&["predict", "--classifier", "s", "--unranked", "--output", "all.parquet"]);
    let audit = bench.json(&["audit", "s", "--budget", "40"]);
    assert_eq!(audit[0]["n_drawn"], 40);
    bench.ok(&["classifier", "export", "s", "s.safetensors"]);
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_points"], &inspected["damage"]), (&json!(3000), &json!([])));
    bench.ok(&["doctor"]);
    assert_eq!(server.sql(CONTENTS), before);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn the_statements_of_the_page_about_stores_do_what_it_says() {
    let server = PostgresServer::start();
    server.sql(ITEMS);
    let page = Page::read("docs/stores.md");
    let alter = page.spans.iter().find(|span| span.text.starts_with("ALTER TABLE items")).unwrap();
    server.sql(&format!(
        "{}; CREATE SCHEMA catalog; ALTER TABLE items SET SCHEMA catalog",
        alter.text
    ));
    page.blocks_of("sql").for_each(|statements| drop(server.sql(statements)));
    let bench = Bench::new();
    let address = server.address("catalog.items&text=title&search=approximate");
    let address = address.replace("postgres@", "linprobe@");
    bench.ok(&["init", "project", "--store", &address]);
    let found = bench.json(&["search", "--like", "10", "--like", "20", "--like", "30", "-k", "20"]);
    assert!(found.iter().filter(|hit| is_wanted(hit)).count() >= 15, "{found:?}");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_ready_made_query_answers_as_predict_does() {
    let (server, bench) = over_items();
    label_round(&bench, &["--like", "10", "--like", "20"]);
    bench.ok(&["classifier", "export", "s", "query.sql", "--query", "pgvector"]);
    server.sql(
        "CREATE VIEW records AS SELECT sku::text AS id, l2_normalize(v) AS embedding FROM items",
    );
    let answer = server.sql(&std::fs::read_to_string(bench.path("query.sql")).unwrap());
    let mut predicted = bench.json(&["predict", "-c", "s"]);
    predicted.retain(|row| row["positive"].as_bool().unwrap());
    assert!(predicted.len() > 100, "{}", predicted.len());
    assert_eq!(answer.lines().count(), predicted.len());
    for (line, row) in answer.lines().zip(&predicted) {
        let (_id, score) = line.split_once('|').unwrap();
        let (score, expected) = (score.parse::<f64>().unwrap(), row["score"].as_f64().unwrap());
        assert!((score - expected).abs() < 1e-4, "{line}, {row}");
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn scores_are_written_back_once_that_is_asked_for_and_allowed() {
    let (server, bench) = over_items();
    label_round(&bench, &["--like", "10", "--like", "20"]);
    let write = ["predict", "-c", "s", "--to-column", "score", "--write"];
    let (_, missing) = bench.fails(&write);
    assert!(missing.contains("hint: let its owner make one: ALTER TABLE \"public\".\"items\" ADD COLUMN \"score\" real"), "{missing}");
    let (_, no_number) = bench.fails(&["predict", "-c", "s", "--to-column", "title"]);
    assert!(no_number.contains("its column \"title\" holds text, no scores"), "{no_number}");
    server.sql("ALTER TABLE items ADD COLUMN score real");
    let before = server.sql(CONTENTS);
    let looked = &bench.json(&write[..5])[0];
    assert_eq!((&looked["n_records"], &looked["n_written"]), (&json!(3000), &Value::Null));
    let (_, refused) = bench.fails(&write);
    assert!(refused.contains("GRANT INSERT, UPDATE, DELETE"), "{refused}");
    assert_eq!(server.sql(CONTENTS), before);
    server.sql("GRANT INSERT, UPDATE ON items TO reader");
    let written = &bench.json(&write)[0];
    assert_eq!(written["n_written"], json!(3000));
    let predicted = bench.json(&["predict", "-c", "s"]);
    let first = &predicted[0];
    let best = server.sql("SELECT sku, score FROM items ORDER BY score DESC LIMIT 1");
    let (sku, score) = best.trim().split_once('|').unwrap();
    assert_eq!(first["id"], json!(sku));
    assert!((first["score"].as_f64().unwrap() - score.parse::<f64>().unwrap()).abs() < 1e-3);
    assert_eq!(server.sql("SELECT count(*) FROM items WHERE score IS NULL").trim(), "0");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn no_record_is_shown_twice_over_a_table_either() {
    let (_server, bench) = over_items();
    let mut seen = Vec::new();
    for round in 0..5 {
        let start: &[&str] = if round == 0 { &["--like", "10"] } else { &[] };
        let shown = bench.script(&[start, &["--session", "s"]].concat(), &[]);
        let records = shown[0]["records"].as_array().unwrap();
        seen.extend(records.iter().map(|record| record["id"].to_string()));
        bench.script(&["--session", "s"], &[json!({ "fit": true })]);
    }
    let n_shown = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((n_shown, seen.len()), (50, 50));
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn what_a_table_cannot_give_is_said_with_what_can_be_done() {
    let (server, bench) = over_items();
    let (_, said) = bench.fails(&["search", "a phrase"]);
    assert!(said.contains("takes no text") && said.contains("--like"), "{said}");
    let (_, said) = bench.fails(&["search", "--like", "10", "--where", "id = '3'"]);
    assert!(said.contains("a filter cannot be asked") && said.contains("make a view"), "{said}");
    let (_, said) = bench.fails(&["search", "--like", "no such id"]);
    assert!(said.contains("no record \"no such id\""), "{said}");
    bench.write("texts.csv", &texts());
    let (code, said) = bench.fails(&["index", "texts.csv"]);
    assert!(code == 1 && said.contains("other model") | said.contains("precomputed"), "{said}");
    let address = server.address("items");
    let (code, said) = bench.fails(&["index", "texts.csv", "--store", &address]);
    assert!(code == 2 && said.contains("--write"), "{said}");
    let other = ["init", "other", "--store", &address, "--model", "builtin"];
    let (_, said) = bench.fails(&other);
    assert!(said.contains("256 dimensions, the store holds 24"), "{said}");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_dataset_is_indexed_into_a_table_when_that_is_said_and_never_else() {
    let server = PostgresServer::start();
    let bench = Bench::new();
    bench.write("texts.csv", &texts());
    bench.ok(&["init"]);
    let address = server.address("points");
    let indexed = bench.json(&["index", "texts.csv", "--store", &address, "--write"]);
    assert_eq!(indexed[0]["n_embedded"], 80);
    assert_eq!(server.sql("SELECT count(*), min(vector_dims(embedding)) FROM points"), "80|256");
    let found = bench.json(&["search", "astronomy", "-k", "3"]);
    assert!(found.iter().all(|hit| hit["label"] == "astronomy"), "{found:?}");
    let (_, said) = bench.fails(&["index", "texts.csv"]);
    assert!(said.contains("open for reading only") && said.contains("--write"), "{said}");
    let again = bench.json(&["index", "texts.csv", "--write"]);
    assert_eq!((&again[0]["n_embedded"], &again[0]["n_unchanged"]), (&json!(0), &json!(80)));
    let elsewhere = server.address("elsewhere");
    let (_, said) = bench.fails(&["index", "texts.csv", "--store", &elsewhere, "--write"]);
    assert!(said.contains("the points of the project are in postgres://"), "{said}");
    server.sql("DELETE FROM points WHERE id LIKE 'baking-1%'");
    let mended = bench.json(&["index", "texts.csv", "--write"]);
    assert_eq!(mended[0]["n_embedded"], 5);
    assert_eq!(server.sql("SELECT count(*) FROM points"), "80");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn shards_that_begin_at_once_make_one_table_and_a_killed_one_goes_on() {
    let server = PostgresServer::start();
    let bench = Bench::new();
    let rows: Vec<String> = (0..20_000).map(|n| format!("r{n},a text of number {n}")).collect();
    bench.write("many.csv", &format!("id,text\n{}", rows.join("\n")));
    let address = server.address("points");
    let run = |n: usize| {
        let (project, shard) = (format!("shard-{n}"), format!("{n}/6"));
        if !bench.path(&project).exists() {
            bench.ok(&["--project", &project, "init"]);
        }
        let index = ["index", "many.csv", "--shard", &shard, "--store", &address, "--write"];
        bench.command(&[&["--project", &project], &index[..]].concat()).spawn().unwrap()
    };
    let mut started: Vec<_> = (1..=6).map(run).collect();
    while server.sql("SELECT to_regclass('points') IS NOT NULL") != "t" {}
    // It may have come to its end already.
    drop(started[2].kill());
    for (place, mut child) in started.into_iter().enumerate() {
        assert!(child.wait().unwrap().success() || place == 2);
    }
    assert!(run(3).wait().unwrap().success());
    let counted = server.sql("SELECT count(*), count(DISTINCT id) FROM points");
    assert_eq!(counted, "20000|20000");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_server_that_crashes_and_starts_again_amid_a_session_costs_no_label() {
    let (server, bench) = over_items();
    assert_no_label_is_lost(&bench, |n_given| {
        if n_given % 4 == 1 || n_given == 10 {
            server.crash();
            server.up();
        }
    });
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_session_over_a_server_that_is_gone_says_so_and_goes_on_when_it_is_back() {
    let (server, bench) = over_items();
    label_round(&bench, &["--like", "10"]);
    server.crash();
    let (_, said) = bench.fails(&["label", "--json", "--session", "s"]);
    assert!(said.contains("cannot reach postgres://reader@"), "{said}");
    assert_eq!(bench.json(&["session", "list"])[0]["n_labels"], 11);
    server.up();
    label_round(&bench, &[]);
    assert_eq!(bench.json(&["session", "list"])[0]["n_labels"], 21);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn an_index_run_that_is_killed_amid_writing_goes_on_and_every_record_is_there_once() {
    let server = PostgresServer::start();
    let bench = Bench::new();
    let rows: Vec<String> =
        (0..30_000).map(|n| format!("r{n},a text of number {n} and {}", n % 977)).collect();
    bench.write("many.csv", &format!("id,text\n{}", rows.join("\n")));
    bench.ok(&["init"]);
    let address = server.address("points");
    let index = ["index", "many.csv", "--store", &address, "--write"];
    for _ in 0..3 {
        let mut run = bench.command(&index).spawn().unwrap();
        while server.sql("SELECT to_regclass('points') IS NOT NULL") != "t" {}
        std::thread::park_timeout(std::time::Duration::from_millis(700));
        // It may have come to its end already.
        drop(run.kill());
        run.wait().unwrap();
    }
    bench.ok(&index);
    let counted = server.sql("SELECT count(*), count(DISTINCT id) FROM points");
    assert_eq!(counted, "30000|30000");
    assert_eq!(bench.json(&["inspect"])[0]["n_records"], 30_000);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_project_is_copied_to_a_table_and_the_table_to_a_folder() {
    let server = PostgresServer::start();
    let bench = Bench::with_texts();
    let address = server.address("copied");
    let first = &bench.json(&["copy", "project", &address])[0];
    assert_eq!((&first["n_written"], &first["n_verified"]), (&json!(80), &json!(80)));
    server.sql("DELETE FROM copied WHERE id LIKE 'baking-1%'");
    let again = &bench.json(&["copy", "project", &address])[0];
    assert_eq!((&again["n_written"], &again["n_unchanged"]), (&json!(5), &json!(75)));
    assert_eq!(again["digest"], first["digest"]);
    let back = &bench.json(&["copy", &address, "folder"])[0];
    assert_eq!(back["n_written"], 80);
    assert!(bench.path("folder/vectors.npy").is_file());
    let (_, said) = bench.fails(&["copy", &address, "project"]);
    assert!(said.contains("project is a project") && said.contains("linprobe index"), "{said}");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn no_password_is_kept_or_shown() {
    let server = PostgresServer::start();
    server.sql(ITEMS);
    server
        .sql("CREATE ROLE guarded LOGIN PASSWORD 'tell-nobody'; GRANT SELECT ON items TO guarded");
    let bench = Bench::new();
    let address = server.address("items").replace("postgres@", "guarded:tell-nobody@");
    let said = bench.ok(&["init", "project", "--store", &address]);
    assert!(!said.contains("tell-nobody"), "{said}");
    let kept = std::fs::read(bench.path("project/project.db")).unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains("tell-nobody"));
    let (_, said) = bench.fails(&["search", "--like", "10"]);
    assert!(said.contains("password missing") && said.contains("PGPASSWORD"), "{said}");
    let mut command = bench.command(&["search", "--like", "10"]);
    assert!(command.env("PGPASSWORD", "tell-nobody").status().unwrap().success());
}
