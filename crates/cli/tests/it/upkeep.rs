//! What happens to a project over time: records vanish, bits flip, disks fill, permissions change.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use serde_json::json;

use crate::support::{Bench, objects, text, texts};

#[test]
fn records_that_left_the_dataset_are_removed_on_request_but_for_those_a_session_knows() {
    let bench = Bench::with_texts();
    let label = json!({ "id": "baking-00", "label": -1 });
    bench.script(&["the dough and the oven", "--session", "s"], &[label]);
    let bread = |line: &str| line.starts_with("baking");
    let left: Vec<String> =
        texts().lines().filter(|line| !bread(line)).map(str::to_owned).collect();
    bench.write("texts.csv", &left.join("\n"));
    assert_eq!(bench.json(&["index", "texts.csv"])[0]["n_pruned"], 0);
    let labels = || bench.json(&["session", "show", "s"])[0]["labels"].clone();
    let labels_before = labels();
    let n_pruned = bench.json(&["index", "texts.csv", "--prune"])[0]["n_pruned"].as_u64().unwrap();
    assert!((30..40).contains(&n_pruned), "{n_pruned}");
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_points"], &inspected["damage"]), (&json!(80 - n_pruned), &json!([])));
    assert_eq!(labels(), labels_before);
    bench.write("texts.csv", &texts());
    assert_eq!(bench.json(&["index", "texts.csv", "--prune"])[0]["n_embedded"], n_pruned);
}

#[test]
fn a_dataset_that_is_empty_all_of_a_sudden_prunes_nothing() {
    let bench = Bench::with_texts();
    bench.write("texts.csv", "id,text,topic\n");
    assert_eq!(bench.json(&["index", "texts.csv", "--prune"])[0]["n_pruned"], 0);
    assert_eq!(bench.json(&["inspect"])[0]["n_records"], 80);
}

#[test]
fn a_flipped_bit_is_named_and_its_records_are_embedded_again() {
    let bench = Bench::with_texts();
    let found = bench.json(&["search", "galaxy", "-k", "20"]);
    let path = bench.path("project/store/vectors.npy");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5_000] ^= 4;
    #[expect(clippy::disallowed_methods, reason = "a damaged file need not be written atomically")]
    fs::write(&path, bytes).unwrap();

    let (code, _) = bench.fails(&["inspect", "--check"]);
    assert_eq!(code, 3);
    let checked = text(&bench.run(&["inspect", "--check"]).stdout);
    assert!(checked.contains("vectors.npy: rows 0 to 79 are not what was written"), "{checked}");
    let (_, said) = bench.fails(&["compact"]);
    assert!(said.contains("rows 0 to 79") && said.contains("\nhint: "), "{said}");
    assert_eq!(bench.run(&["compact", "--give-up-damaged"]).status.code(), Some(3));
    assert_eq!(bench.json(&["index", "texts.csv"])[0]["n_embedded"], 80);
    assert_eq!(bench.json(&["inspect", "--check"])[0]["damage"], json!([]));
    assert_eq!(bench.json(&["search", "galaxy", "-k", "20"]), found);
}

#[test]
fn a_store_that_was_lost_is_made_again() {
    let bench = Bench::with_texts();
    let found = bench.json(&["search", "galaxy", "-k", "20"]);
    fs::remove_dir_all(bench.path("project/store")).unwrap();
    assert_eq!(bench.json(&["index", "texts.csv"])[0]["n_embedded"], 80);
    assert_eq!(bench.json(&["search", "galaxy", "-k", "20"]), found);
}

/// A command with a limit on the size of files, in blocks of 512 bytes, as a full disk would have it.
fn on_a_full_disk(bench: &Bench, n_blocks: u64, args: &[&str]) -> Command {
    let command = bench.command(args);
    let mut shell = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {n_blocks}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    shell.env_clear().envs(variables).env("PATH", "/usr/bin:/bin");
    shell.current_dir(bench.folder());
    shell
}

#[test]
fn a_full_disk_is_told_and_what_was_written_before_stays() {
    let bench = Bench::with_texts();
    let found = bench.json(&["search", "galaxy", "-k", "20"]);
    let many: Vec<String> = (0..4_000).map(|n| format!("{n},the comet of night {n},x")).collect();
    bench.write("more.csv", &format!("id,text,topic\n{}", many.join("\n")));
    for (n_blocks, args) in [(200, &["index", "more.csv"][..]), (8, &["compact"])] {
        let output = on_a_full_disk(&bench, n_blocks, args).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains("project/"), "{said}");
        assert_eq!(bench.json(&["inspect", "--check"])[0]["damage"], json!([]), "{args:?}");
        assert_eq!(bench.json(&["search", "galaxy", "-k", "20"]), found);
    }
    assert_eq!(bench.json(&["index", "more.csv"])[0]["n_embedded"], 4_000);
}

#[test]
fn labels_that_a_full_disk_takes_stay_and_the_others_are_refused() {
    const BLOCK: u64 = 512;
    let bench = Bench::with_texts();
    bench.script(&["comet", "--session", "s"], &[]);
    let n_blocks = fs::metadata(bench.path("project/project.db")).unwrap().len() / BLOCK + 40;
    let mut label = on_a_full_disk(&bench, n_blocks, &["label", "--session", "s", "--json"]);
    label.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = label.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let ids = (0..8).flat_map(|n| (0..5).map(move |m| format!("baking-{n}{m}")));
    for id in ids {
        writeln!(stdin, "{}", json!({ "id": id, "label": 1 })).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let events = objects(&text(&output.stdout));
    let count = |name| events.iter().filter(|event| event["event"] == name).count();
    let (n_acknowledged, n_refused) = (count("ack"), count("error"));
    assert!(n_acknowledged > 0 && n_refused > 0, "{events:?}");
    assert_eq!(n_acknowledged + n_refused, 40);
    assert!(text(&output.stderr).contains("project/project.db"), "{}", text(&output.stderr));
    let session = &bench.json(&["session", "show", "s"])[0];
    assert_eq!(session["labels"].as_array().unwrap().len(), n_acknowledged);
    assert_eq!(bench.json(&["inspect", "--check"])[0]["damage"], json!([]));
}

/// Runs as somebody who owns nothing here: permissions mean nothing to root.
fn run_as_a_stranger(bench: &Bench, args: &[&str]) -> Output {
    use std::os::unix::{fs::MetadataExt, process::CommandExt};
    let mut command = bench.command(args);
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        command.uid(65_534).gid(65_534);
    }
    command.output().unwrap()
}

#[test]
fn a_read_only_project_is_read_and_says_why_it_is_not_written() {
    let bench = Bench::with_texts();
    let found = bench.json(&["search", "galaxy"]);
    let allow = |path: &str, mode| {
        fs::set_permissions(bench.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    let closed =
        [("project/store", 0o555), ("project/project.db", 0o444), ("project", 0o555), ("", 0o555)];
    for (path, mode) in closed {
        allow(path, mode);
    }
    let search = run_as_a_stranger(&bench, &["search", "galaxy", "--json"]);
    assert!(search.status.success(), "{}", text(&search.stderr));
    assert_eq!(objects(&text(&search.stdout)), found);
    assert!(run_as_a_stranger(&bench, &["inspect", "--check"]).status.success());
    for args in [&["index", "texts.csv"][..], &["compact"], &["init", "new"]] {
        let output = run_as_a_stranger(&bench, args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        let named = ["project/store/write.lock: ", "new: "].iter().any(|path| said.contains(path));
        assert!(named && said.contains("Permission denied"), "{args:?}: {said}");
    }
    let opened =
        [("", 0o755), ("project", 0o755), ("project/project.db", 0o644), ("project/store", 0o755)];
    for (path, mode) in opened {
        allow(path, mode);
    }
    assert_eq!(bench.json(&["inspect", "--check"])[0]["damage"], json!([]));
}
