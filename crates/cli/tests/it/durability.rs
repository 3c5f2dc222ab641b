//! Killed with SIGKILL at seeded random moments, a run goes on as if nothing had happened.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    process::Stdio,
    sync::mpsc,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::Bench;

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
