//! Killed with SIGKILL at seeded random moments, a run goes on as if nothing had happened.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    process::Stdio,
    sync::mpsc,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Bench, copy};

/// Times that each is killed.
const N_KILLS: u64 = 20;

#[test]
fn an_index_that_is_killed_again_and_again_ends_with_what_one_run_gives() {
    let whole = Bench::new();
    let killed = Bench::new();
    for bench in [&whole, &killed] {
        bench.write("texts.csv", &many_texts(12_000));
        bench.ok(&["init"]);
    }
    whole.ok(&["index", "texts.csv"]);
    let mut moments = Moments(7);
    for _ in 0..N_KILLS {
        let mut run = killed.command(&["index", "texts.csv"]);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait(moments.next_ms(400));
        run.kill().unwrap();
        run.wait().unwrap();
        let inspected = &killed.json(&["inspect"])[0];
        assert!(inspected["n_records"].as_u64() <= inspected["n_points"].as_u64());
    }
    killed.ok(&["index", "texts.csv"]);
    let rows = |bench: &Bench| std::fs::read(bench.path("project/store/vectors.npy")).unwrap();
    assert!(rows(&whole) == rows(&killed), "the vectors are the same, bit for bit");
    let found = |bench: &Bench| bench.json(&["search", "word 17", "-k", "50"]);
    assert_eq!(found(&whole), found(&killed));
    assert_eq!(killed.json(&["inspect", "--check"])[0]["damage"], json!([]));
}

#[test]
fn an_int8_copy_whose_writer_is_killed_is_whole_after_the_next_run() {
    let bench = Bench::new();
    bench.write("texts.csv", &many_texts(9_000));
    bench.ok(&["init"]);
    let indexing = ["index", "texts.csv", "--int8"];
    let mut moments = Moments(19);
    for _ in 0..N_KILLS {
        let mut run = bench.command(&indexing);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait(moments.next_ms(300));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    bench.ok(&indexing);
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["damage"], &inspected["n_points"]), (&json!([]), &json!(9_000)));
    let asked = ["search", "word 17", "-k", "50"];
    let by_copy = bench.json(&asked);
    let copies = std::fs::read_dir(bench.path("project/store")).unwrap();
    let copies = copies.map(|entry| entry.unwrap().path());
    let copies: Vec<_> =
        copies.filter(|path| path.extension().is_some_and(|e| e == "i8")).collect();
    assert_eq!(copies.len(), 1, "one copy, and nothing left of those that were not finished");
    std::fs::remove_file(&copies[0]).unwrap();
    assert_eq!(bench.json(&asked), by_copy, "the copy finds what the vectors do");
}

#[test]
fn every_acknowledged_label_survives_a_kill_and_is_there_once() {
    let bench = Bench::with_texts();
    bench.script(&["astronomy", "--session", "s"], &[]);
    let mut moments = Moments(11);
    let mut acknowledged: Vec<(String, f64)> = Vec::new();
    for kill in 0..N_KILLS {
        let mut child = bench.spawn_script(&["--session", "s"]);
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        stdout.next();
        for n in 0..=moments.next_ms(6) {
            let label = (kill * 31 + n) % 9;
            let label = label as f64 / 4.0 - 1.0;
            let id = format!("baking-{}{}", kill % 8, n % 5);
            writeln!(stdin, "{}", json!({ "id": id, "label": label })).unwrap();
            let event: Value = serde_json::from_str(&stdout.next().unwrap().unwrap()).unwrap();
            assert_eq!(event["event"], "ack");
            acknowledged.retain(|(labelled, _)| *labelled != id);
            acknowledged.push((id, label));
        }
        // One more is on its way when the process dies: it may be there or not.
        drop(writeln!(stdin, "{}", json!({ "id": "astronomy-77", "label": 1 })));
        wait(moments.next_ms(3));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let session = &bench.json(&["session", "show", "s"])[0];
    let kept = session["labels"].as_array().unwrap().iter();
    let mut kept: Vec<(String, f64)> = kept
        .map(|label| (label["id"].as_str().unwrap().to_owned(), label["score"].as_f64().unwrap()))
        .filter(|(id, _)| id != "astronomy-77")
        .collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    acknowledged.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(kept, acknowledged);
    assert_eq!(bench.json(&["inspect", "--check"])[0]["damage"], json!([]));
}

#[test]
fn a_compaction_that_is_killed_leaves_the_records_as_they_were() {
    let bench = Bench::new();
    bench.write("texts.csv", &many_texts(4_000));
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    bench.write("texts.csv", &many_texts(2_500));
    assert_eq!(bench.json(&["index", "texts.csv", "--prune"])[0]["n_pruned"], 1_500);
    bench.ok(&["label", "--session", "s", "word 17", "--json"]);
    copy(&bench.path("project"), &bench.path("sparse"));
    let asked = ["search", "word 17", "-k", "50"];
    let expected = bench.json(&asked);
    let mut moments = Moments(13);
    for _ in 0..N_KILLS {
        std::fs::remove_dir_all(bench.path("project")).unwrap();
        copy(&bench.path("sparse"), &bench.path("project"));
        let mut run = bench.command(&["compact"]);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait(moments.next_ms(90));
        run.kill().unwrap();
        run.wait().unwrap();
        let inspected = &bench.json(&["inspect", "--check"])[0];
        assert_eq!((&inspected["damage"], &inspected["n_points"]), (&json!([]), &json!(2_500)));
        assert_eq!(bench.json(&asked), expected);
        bench.ok(&["session", "show", "s"]);
    }
    bench.ok(&["compact"]);
    assert_eq!(
        std::fs::metadata(bench.path("project/store/vectors.npy")).unwrap().len(),
        1_280_128
    );
    assert_eq!(bench.json(&asked), expected);
}

#[test]
fn a_file_of_predictions_is_whole_or_not_there_when_its_writer_is_killed() {
    let bench = Bench::with_texts();
    bench.script(&["astronomy", "--session", "s"], &[json!({ "id": "baking-00", "label": -1 })]);
    bench.write("texts.csv", &many_texts(6_000));
    bench.ok(&["classifier", "export", "s", "head.safetensors"]);
    let asked = ["predict", "texts.csv", "-c", "head.safetensors", "-o", "scores.csv"];
    bench.ok(&asked);
    let expected = std::fs::read(bench.path("scores.csv")).unwrap();
    let mut moments = Moments(17);
    for _ in 0..N_KILLS {
        std::fs::remove_file(bench.path("scores.csv")).unwrap();
        let mut run = bench.command(&asked);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait(moments.next_ms(400));
        run.kill().unwrap();
        run.wait().unwrap();
        if bench.path("scores.csv").exists() {
            assert!(std::fs::read(bench.path("scores.csv")).unwrap() == expected);
        }
        bench.ok(&asked);
        assert!(std::fs::read(bench.path("scores.csv")).unwrap() == expected);
    }
}

fn many_texts(n_texts: u64) -> String {
    let mut table = String::from("text\n");
    for n in 0..n_texts {
        writeln!(table, "word {} of sentence {} in book {}", n % 89, n, n % 7).unwrap();
    }
    table
}

/// Waits without sleeping in a worker: nothing is ever sent.
fn wait(milliseconds: u64) {
    let (_sender, receiver) = mpsc::channel::<()>();
    receiver.recv_timeout(Duration::from_millis(milliseconds)).unwrap_err();
}

/// A seeded sequence of moments to kill at.
struct Moments(u64);

impl Moments {
    fn next_ms(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}
