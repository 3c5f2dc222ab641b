//! The pages that are no guides are run, too: their blocks of `sh`, over what each of them takes to be there. Where a person would
//! sit at a terminal, or a server be asked that is not this machine's, something stands in: see [`Stage`].

use std::fs;

use linprobe::Filter;
use serde_json::json;

use crate::{
    pages::{Code, Page, ROOT, pages},
    stage::Stage,
    support::{Bench, objects},
};

/// Pages whose commands ask servers that nothing here stands in for. What they say is read in `typed`, and done over fakes and
/// real servers in the tests of each.
const NOT_RUN: [&str; 1] = ["docs/stores.md"];

/// Sessions over the tickets, and what makes further tables of them: `part FROM TO FILE`.
const SESSIONS: &str = "
linprobe --project before init
linprobe --project before index tickets.csv
for name in refunds delivery praise; do linprobe --project before label $name --session $name > /dev/null; done
part() {
    awk -v from=$1 -v to=$2 'NR == 1 { print $0 \",year\" } NR > from && NR <= to { print \"part-\" $0 \",2021\" }' \\
        tickets.csv > part.csv
    mkdir -p \"$(dirname \"$3\")\"
    linprobe --project before predict part.csv -c refunds -o \"$3\"
}
";

/// The blocks of `sh` of a page, in which the folders of a server are below the one that the page runs in.
fn script(page: &str, stage: &Stage) -> String {
    let commands: String = Page::read(page).blocks_of("sh").collect();
    assert!(!commands.is_empty(), "{page} has nothing to run");
    commands.replace("/srv/", &format!("{}/srv/", stage.folder().display()))
}

#[test]
fn the_readme_runs() {
    let mut stage = Stage::attended();
    stage.run(&format!(
        "{SESSIONS}
         part 1 20 hub/320px/train-0.parquet
         part 20 40 hub/full_size/train-0.parquet
         linprobe --project before classifier export refunds head.pt
         mv head.pt head.pth
         mv tickets-november.csv next-month.csv"
    ));
    stage.start_hub("frgfm/imagenette");
    let said = stage.run(&script("README.md", &stage));
    assert!(said.contains("indexed 190 records") && said.contains("indexed 19 records"), "{said}");
    assert!(said.contains("104 records"), "all of the next month: {said}");
}

#[test]
fn the_page_about_classifiers_runs() {
    let mut stage = Stage::attended();
    stage.set("LINPROBE_PROJECT_DIR", "before");
    stage.run(&format!(
        "{SESSIONS}
         linprobe classifier head old.npz praise refunds
         linprobe classifier head animals.npz cat=delivery dog=refunds
         cp animals.npz head.npz
         linprobe classifier head probe.pt a=refunds b=delivery c=praise d=refunds
         mv probe.pt probe.pth"
    ));
    let said = stage.run(&script("docs/classifiers.md", &stage));
    let classes = ["refunds", "late", "praise"];
    let shown = said.lines().filter_map(|line| line.split_once("  ")).map(|(name, _)| name);
    assert!(classes.iter().all(|class| shown.clone().any(|name| name == *class)), "{said}");
}

#[test]
fn the_page_about_datasets_runs() {
    let mut stage = Stage::attended();
    stage.run(&format!(
        "{SESSIONS}
         part 1 20 hub/320px/train-0.parquet
         part 20 30 hub/320px/test-0.parquet
         part 30 60 hub/data/train-0.parquet
         part 60 100 buckets/tickets/export.parquet
         mkdir -p buckets/photos/2026/holidays hub/full_size
         cp \"$FIXTURES\"/embed/images/odd.png \"$FIXTURES\"/embed/images/grey.jpg buckets/photos/2026/holidays
         cp part.csv hub/full_size
         linprobe init photos --model \"$FIXTURES/embed/clip-quick-gelu\""
    ));
    stage.set("LINPROBE_PROJECT_DIR", "photos");
    stage.start_hub("frgfm/imagenette");
    stage.start_buckets();
    let said = stage.run(&script("docs/datasets.md", &stage));
    for n_records in [19, 30, 2, 40] {
        assert!(said.contains(&format!("indexed {n_records} records")), "{n_records}: {said}");
    }
}

#[test]
fn the_filters_of_the_page_about_datasets_find_what_they_say() {
    let bench = Bench::new();
    let rows = [
        json!({ "id": "holiday-1", "split": "train", "year": 2021, "label": "cat", "caption": "a cat asleep" }),
        json!({ "id": "holiday-2", "split": "test", "year": 2022, "label": "dog", "my column": "x" }),
        json!({ "id": "3", "split": "train", "year": 2020, "label": "cat", "caption": "a sketch", "my column": "y" }),
    ];
    let rows = rows.map(|mut row| {
        row["text"] = json!("a beach");
        row.to_string()
    });
    bench.write("records.jsonl", &rows.join("\n"));
    bench.ok(&["init"]);
    bench.ok(&["index", "records.jsonl"]);
    let page = Page::read("docs/datasets.md");
    let is_filter = |block: &&Code| block.text.lines().all(|line| line.parse::<Filter>().is_ok());
    let filters = page.blocks.iter().find(is_filter).expect("a block of filters");
    for filter in filters.text.lines() {
        let found = bench.json(&["search", "a beach", "--where", filter]);
        assert_eq!(found.len(), 1, "{filter}");
        assert_eq!(found[0]["id"], "holiday-1", "{filter}");
    }
}

#[test]
fn what_the_page_about_installing_says_to_make_is_made() {
    let stage = Stage::attended();
    stage.run(
        "mkdir -p ~/.local/share/bash-completion/completions ~/.config/fish/completions ~/.zfunc",
    );
    stage.run(&script("docs/install.md", &stage));
    for made in [
        ".local/share/bash-completion/completions/linprobe",
        ".config/fish/completions/linprobe.fish",
        ".zfunc/_linprobe",
        ".local/share/man/man1/linprobe-label.1",
    ] {
        let size = stage.folder().join(made).metadata().map(|file| file.len());
        assert!(size.is_ok_and(|size| size > 1_000), "{made}");
    }
}

#[test]
fn the_pages_about_the_server_run() {
    for page in ["docs/server.md", "docs/operating.md"] {
        let mut stage = Stage::attended();
        stage.run(
            "mkdir -p projects data srv/data
             for name in tickets projects/one srv/linprobe/one; do linprobe init $name; done
             linprobe --project tickets index tickets.csv",
        );
        stage.set("LINPROBE_PROJECT_DIR", "tickets");
        stage.run(&script(page, &stage));
    }
}

#[test]
#[ignore = "needs sqlite3"]
fn a_backup_is_what_the_page_about_running_it_for_a_team_says_with_sqlite3() {
    let stage = Stage::attended();
    let page = Page::read("docs/operating.md");
    let backup = page.blocks.iter().find(|block| block.text.starts_with("sqlite3 ")).unwrap();
    let said = stage.run(&format!(
        "linprobe init tickets
         linprobe --project tickets index tickets.csv
         linprobe --project tickets label refund --session refunds > /dev/null
         printf 'id,label\noct-045,1\noct-001,-1\n' > labels.csv
         linprobe --project tickets session import refunds labels.csv
         {}
         rm -r tickets
         mkdir tickets
         mv tickets-backup.db tickets/project.db
         linprobe --project tickets index tickets.csv
         linprobe --project tickets inspect --check
         linprobe --project tickets session list",
        backup.text
    ));
    assert!(said.contains("refunds: 2 labels (1 positive, 1 negative)"), "{said}");
}

/// The names in a line of JSON, however much of it is left out.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let parts: Vec<&str> = line.split('"').collect();
    let is_name = |pair: &&[&str]| pair[1].starts_with(':');
    parts.windows(2).filter(is_name).map(|pair| pair[0]).collect::<Vec<_>>().into_iter()
}

/// Which event of a session a line is about.
fn event(line: &str) -> Option<&str> {
    line.split("\"event\":\"").nth(1)?.split('"').next()
}

#[test]
fn lines_are_written_as_the_page_about_formats_shows() {
    let bench = Bench::new();
    let tickets = fs::read_to_string(format!("{ROOT}/docs/guides/data/tickets.csv")).unwrap();
    bench.write("tickets.csv", &tickets);
    bench.ok(&["init"]);
    bench.ok(&["index", "tickets.csv"]);
    let answers = [json!({ "id": "oct-045", "label": 1 }), json!({ "fit": true })];
    bench.script(&["a refund was refused", "--session", "refunds"], &answers);
    bench.ok(&["session", "export", "refunds", "labels.jsonl"]);
    let exported = fs::read_to_string(bench.path("labels.jsonl")).unwrap();
    let log = bench.ok(&["session", "log", "refunds"]);
    let written: Vec<&str> = exported.lines().chain(log.lines()).collect();
    let page = Page::read("docs/formats.md");
    let shown = page.blocks_of("").flat_map(str::lines).filter(|line| line.starts_with('{'));
    let mut n_lines = 0;
    for line in shown {
        let has_names = |own: &str| names(line).all(|name| names(own).any(|other| other == name));
        let is_such = |own: &&&str| event(line) == event(own) && has_names(own);
        let own = written.iter().find(is_such).unwrap_or_else(|| panic!("{line}\n{written:#?}"));
        assert!(line.contains("...") || objects(line) == objects(own), "{line}\n{own}");
        n_lines += 1;
    }
    assert_eq!(n_lines, 6);
}

#[test]
fn a_project_has_the_files_that_the_page_about_formats_names() {
    let bench = Bench::with_texts();
    bench.ok(&["index", "texts.csv", "--int8"]);
    bench.ok(&["duplicates", "--label-once"]);
    bench.script(&["the comet", "--session", "s"], &[]);
    let page = Page::read("docs/formats.md");
    let shown = page.blocks_of("").find(|block| block.starts_with("project.db ")).unwrap();
    let names = shown.lines().map(|line| line.split([' ', ',']).next().unwrap());
    let mut missing: Vec<&str> = names
        .filter(|name| {
            let numbered = (0..9).map(|n| name.replace(".N.", &format!(".{n}.")));
            !numbered.into_iter().any(|name| bench.path("project").join(name).exists())
        })
        .collect();
    missing.sort_unstable();
    assert_eq!(
        missing,
        ["project.db-wal", "sources/", "thumbnails/"],
        "what is made when it is wanted"
    );
}

#[test]
fn every_page_that_has_something_to_run_is_run() {
    let own = [include_str!("guides.rs"), include_str!("manual.rs")].concat();
    for page in pages() {
        let name = page.name.trim_start_matches("docs/").trim_end_matches(".md");
        let is_run =
            own.contains(&format!("check({name:?})")) || own.contains(&format!("{:?}", page.name));
        assert!(is_run || page.blocks_of("sh").next().is_none(), "{}", page.name);
        let is_command = |line: &str| line.starts_with("linprobe ");
        let left = page.blocks_of("").find(|block| block.lines().any(is_command));
        let is_known = NOT_RUN.contains(&page.name.as_str());
        assert!(left.is_none() || is_known, "{}: {left:?} is not marked as sh", page.name);
    }
}
