//! The laboratory from the command line: many classes, starts, players, oracles and seeds.

use serde_json::Value;

use crate::support::Bench;

/// Short games of two players over both classes.
const SHORT: [&str; 9] = [
    "simulate",
    "--all-labels",
    "--rounds=2",
    "--round-size=4",
    "--player=linprobe",
    "--player=no-feedback",
    "--player=rocchio+boundary",
    "--seeds=2",
    "--out=curves.csv",
];

fn distinct<'a>(lines: &'a [Value], column: &str) -> Vec<&'a str> {
    let mut values: Vec<&str> = lines.iter().map(|line| line[column].as_str().unwrap()).collect();
    values.sort_unstable();
    values.dedup();
    values
}

#[test]
fn every_combination_is_played_and_written_as_a_row() {
    let bench = Bench::with_texts();
    let more = ["--start=name", "--start=examples:1", "--start=hot bread", "--oracle=noisy:0.15"];
    let lines = bench.json(&[&SHORT[..], &more].concat());
    // Two classes, three starts, three players, two seeds; before and after two rounds.
    assert_eq!(lines.len(), 2 * 3 * 3 * 2 * 3);
    assert_eq!(distinct(&lines, "concept"), ["astronomy", "baking"]);
    assert_eq!(distinct(&lines, "start"), ["examples:1", "hot bread", "name"]);
    assert_eq!(distinct(&lines, "player"), ["linprobe", "no-feedback", "rocchio+boundary"]);
    assert_eq!(distinct(&lines, "oracle"), ["noisy:0.15"]);
    let csv = std::fs::read_to_string(bench.path("curves.csv")).unwrap();
    assert_eq!(csv.lines().count(), lines.len() + 1);
    assert!(
        csv.starts_with("concept,start,player,oracle,seed,n_pool,n_labels,n_found,n_relevant,")
    );
}

#[test]
fn a_filter_leaves_other_records_out_of_the_game() {
    let bench = Bench::with_texts();
    let args = ["--rounds=1", "--player=linprobe", "--all-labels", "--min-records=5"];
    let lines = bench.json(
        &[&["simulate", "--where", "label = 'astronomy' or id like 'baking-_0'"], &args[..]]
            .concat(),
    );
    assert_eq!(distinct(&lines, "concept"), ["astronomy", "baking"]);
    let n_pool = lines[0]["n_pool"].as_u64().unwrap();
    assert!((35..=40).contains(&n_pool), "48 records, of which a fifth is held out: {n_pool}");
    let (_, said) = bench.fails(&[&["simulate", "--where", "label = 'moon'"], &args[..]].concat());
    assert!(said.contains("the filter lets no record through"), "{said}");
    let (_, said) =
        bench.fails(&["simulate", "--where", "id like 'baking%'", "--positive", "astronomy"]);
    assert!(said.contains("no label \"astronomy\" in the project"), "{said}");
}

#[test]
fn a_run_that_was_cut_short_goes_on_with_the_games_that_are_missing() {
    let bench = Bench::with_texts();
    let whole = bench.json(&SHORT);
    let path = bench.path("curves.csv");
    let csv = std::fs::read(&path).unwrap();
    let half = csv.len() / 2;
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(half as u64).unwrap();
    let again = bench.json(&SHORT);
    let aps = |lines: &[Value]| -> Vec<Value> {
        lines.iter().map(|line| line["held_out_ap"].clone()).collect()
    };
    assert_eq!(aps(&again), aps(&whole));
    let resumed = std::fs::read(&path).unwrap();
    let kept = csv[..half].iter().rposition(|&byte| byte == b'\n').unwrap() / 2;
    assert_eq!(resumed[..kept], csv[..kept], "what was finished is kept");
    let n_lines = |csv: &[u8]| csv.split(|&byte| byte == b'\n').count();
    assert_eq!(n_lines(&resumed), n_lines(&csv));
    let longer = SHORT.map(|arg| if arg == "--rounds=2" { "--rounds=3" } else { arg });
    let (_, said) = bench.fails(&longer);
    assert!(said.contains("another number of rounds") && said.contains("hint: "), "{said}");
}

#[test]
fn a_report_is_a_page_that_stands_alone() {
    let bench = Bench::with_texts();
    let files = ["--report", "curves.html", "--out", "curves.parquet"];
    let said = bench.ok(&[&SHORT[..8], &files].concat());
    assert!(said.contains("2 classes play the user") && said.contains("won/tied/lost"), "{said}");
    let page = std::fs::read_to_string(bench.path("curves.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg"));
    assert!(page.contains("rocchio+boundary") && !page.contains("http"));
    let parquet = std::fs::read(bench.path("curves.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[test]
fn a_graded_oracle_and_an_existing_head_play_too() {
    let bench = Bench::with_texts();
    crate::journey::label_rounds(&bench, "stars", 1);
    bench.ok(&["classifier", "export", "stars", "stars.json"]);
    let args = ["simulate", "--positive", "astronomy", "--related", "baking", "--rounds=1"];
    let more = ["--oracle=graded", "--start=head:stars.json", "--player=no-feedback"];
    let lines = bench.json(&[&args[..], &more].concat());
    assert_eq!(distinct(&lines, "start"), ["classifier stars.json"]);
    assert_eq!(distinct(&lines, "oracle"), ["graded"]);
    assert!(lines[0]["held_out_ap"].as_f64().unwrap() > 0.9, "{:?}", lines[0]);
}

#[test]
fn what_cannot_be_simulated_is_said_with_a_hint() {
    let bench = Bench::with_texts();
    let fails = |args: &[&str]| {
        let (_, said) = bench.fails(&[&["simulate", "--positive", "astronomy"], args].concat());
        assert!(said.contains("hint: "), "{said}");
        said
    };
    assert!(fails(&["--start", "examples:none"]).contains("number of examples"));
    assert!(fails(&["--start", "head:nothing"]).contains("no classifier"));
    assert!(fails(&["--out", "curves.xls"]).contains("curves.xls"));
    assert!(fails(&["--related", "sports"]).contains("no label \"sports\""));
    assert!(fails(&["--player", "magic"]).contains("anchoral"));
    assert!(fails(&["--oracle", "noisy:2"]).contains("noisy:0.05"));
    let (_, said) = bench.fails(&["simulate", "--all-labels", "--min-records", "1000"]);
    insta::assert_snapshot!(said, @r#"
    error: no label "of 1000 records" in the project
    hint: there is astronomy, baking
    "#);
}
