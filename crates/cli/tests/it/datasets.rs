//! Datasets that are folders with notes, names on the hub, addresses and videos, as a user indexes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    process::Command,
};

use linprobe_hub::{
    RepoKind,
    fake::{Behaviour, COMMIT, FakeRepo, HubServer},
};

use crate::support::{Bench, text};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed/resnet-basic");
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed/images");

fn picture(bench: &Bench, name: &str, as_name: &str) {
    let to = bench.path(as_name);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(format!("{PICTURES}/{name}"), to).unwrap();
}

#[test]
fn pictures_with_metadata_are_indexed_described_and_filtered() {
    let bench = Bench::new();
    for (name, as_name) in [("odd.png", "a.png"), ("grey.jpg", "b.jpg"), ("alpha.png", "c.png")] {
        picture(&bench, name, &format!("photos/train/{as_name}"));
    }
    bench
        .write("photos/train/metadata.csv", "file_name,year\na.png,2021\nb.jpg,2019\ngone.jpg,1\n");
    bench.ok(&["init", "--model", MODEL]);
    let output = bench.run(&["index", "photos"]);
    assert_eq!(output.status.code(), Some(3), "a row was skipped");
    let said = text(&output.stderr).replace(&bench.folder().display().to_string(), "[folder]");
    let note = "note: no metadata file has a row for 1 of 3 pictures, which are read all the same: \
                train/c.png";
    assert!(said.contains(note), "{said}");
    let skipped = "photos/train/metadata.csv, row 4: there is no picture train/gone.jpg";
    assert!(said.contains(skipped), "{said}");
    let found = bench.json(&[
        "search",
        "--like",
        "train/a.png",
        "--where",
        "year > 2020 and split = 'train'",
    ]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["id"], &found[0]["metadata"]["year"]),
        (&"train/a.png".into(), &"2021".into())
    );
    bench.write("photos/train/metadata.csv", "file_name,year\na.png,1999\nb.jpg,2019\nc.png,1\n");
    let again = &bench.json(&["index", "photos"])[0];
    assert_eq!((&again["n_embedded"], &again["notes"]), (&0.into(), &serde_json::json!([])));
    let changed = bench.json(&["search", "--like", "train/a.png", "--where", "year = 1999"]);
    assert_eq!(changed.len(), 1, "what is told anew is known without embedding again");
}

fn hub() -> HubServer {
    let files = [
        ("train.csv", "text,label\nthe comet,space\nthe orbit,space\n"),
        ("test.csv", "text,label\nthe dough,bread\n"),
    ];
    let files = files.map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()));
    let repo = FakeRepo::new(RepoKind::Dataset, "org/data", BTreeMap::from(files));
    HubServer::start(vec![repo], Behaviour::default())
}

/// Runs with the network, as far as it goes.
fn online(bench: &Bench, server: &HubServer, args: &[&str]) -> String {
    let mut command = bench.command(args);
    command.env("HF_HUB_OFFLINE", "0").env("HF_ENDPOINT", server.endpoint());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_dataset_of_the_hub_is_indexed_by_name_and_read_offline_from_then_on() {
    let (bench, server) = (Bench::new(), hub());
    bench.ok(&["init"]);
    let (_, said) = bench.fails(&["index", "org/data", "--split", "train"]);
    let nowhere = "there is no file or folder org/data, and org/data@main is not in the cache";
    assert!(said.contains(nowhere) && said.contains("or give the dataset's folder"), "{said}");
    assert_eq!(server.n_requests(), 0);
    assert!(
        online(&bench, &server, &["index", "org/data", "--split", "train"])
            .contains("indexed 2 records")
    );
    let n_requests = server.n_requests();
    assert!(
        bench.ok(&["index", "hf://datasets/org/data", "--split", "train"]).contains("2 unchanged")
    );
    let (_, said) = bench.fails(&["index", "org/data"]);
    assert!(
        said.contains("org/data@main is not in the cache"),
        "the other split was never fetched: {said}"
    );
    assert_eq!(
        bench.json(&["search", "comet", "--where", "split = 'train'"])[0]["text"],
        "the comet"
    );
    assert!(bench.ok(&["inspect"]).contains("hf://datasets/org/data"));
    assert_eq!(server.n_requests(), n_requests);
}

#[test]
fn a_file_is_indexed_by_its_address() {
    let (bench, server) = (Bench::new(), hub());
    bench.ok(&["init"]);
    let address = format!("{}/datasets/org/data/resolve/{COMMIT}/train.csv", server.endpoint());
    let (_, said) = bench.fails(&["index", &address]);
    assert!(said.contains("was not fetched before") && said.contains("\nhint: "), "{said}");
    assert!(online(&bench, &server, &["index", &address]).contains("indexed 2 records"));
    let n_requests = server.n_requests();
    assert!(bench.ok(&["index", &address]).contains("2 unchanged"));
    assert_eq!(server.n_requests(), n_requests);
}

#[test]
fn a_folder_that_is_neither_here_nor_on_the_hub_is_told() {
    let (bench, server) = (Bench::new(), hub());
    bench.ok(&["init"]);
    let mut command = bench.command(&["index", "photos/cats"]);
    command.env("HF_HUB_OFFLINE", "0").env("HF_ENDPOINT", server.endpoint());
    let said = text(&command.output().unwrap().stderr);
    assert!(said.contains("there is no file or folder photos/cats, and the hub"), "{said}");
}

/// A stand-in for `ffmpeg` that gives two frames, which are pictures of the fixtures, or one where it is told to go to one.
fn install_ffmpeg(bench: &Bench) {
    fs::create_dir(bench.path("bin")).unwrap();
    let script = format!(
        "#!/bin/sh\n\
         frame() {{ printf -- '--ffmpeg\\r\\nContent-type: image/jpeg\\r\\nContent-length: %d\\r\\n\\r\\n' $(/usr/bin/wc -c < $1); /bin/cat $1; printf '\\r\\n'; }}\n\
         case \"$*\" in\n\
         *-version*) exit 0;;\n\
         *broken*) echo 'moov atom not found' >&2; exit 1;;\n\
         *'-ss 0.4'*) frame {PICTURES}/grey.jpg;;\n\
         *-ss*) frame {PICTURES}/odd.png;;\n\
         *) frame {PICTURES}/odd.png; frame {PICTURES}/grey.jpg;;\n\
         esac\n"
    );
    bench.write("bin/ffmpeg", &script);
    fs::set_permissions(bench.path("bin/ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn videos_are_read_as_frames_where_ffmpeg_is() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("clips/train")).unwrap();
    bench.write("clips/train/a.mp4", "a video");
    bench.write("clips/broken.mp4", "no video");
    bench.ok(&["init", "--model", MODEL]);
    let run = |args: &[&str]| bench.command(args).env("PATH", bench.path("bin")).output().unwrap();
    let without = run(&["index", "clips"]);
    assert!(
        text(&without.stderr).contains("ffmpeg, which is not installed\nhint: install it"),
        "{}",
        text(&without.stderr)
    );
    install_ffmpeg(&bench);
    let output = run(&["index", "clips", "--every", "0.5"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(
        said.contains("clips/broken.mp4: ffmpeg cannot read it: moov atom not found"),
        "{said}"
    );
    let found = bench.json(&["search", "--like", "train/a.mp4#t=0.0", "--where", "seconds >= 0.5"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], "train/a.mp4#t=0.5");
    assert_eq!(found[0]["metadata"]["split"], "train");
    let doctor = run(&["doctor"]);
    assert!(
        doctor.status.success(),
        "frames are read again by their times: {}",
        text(&doctor.stdout)
    );
    let refused = run(&["index", "clips", "--every", "0"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
#[ignore = "needs ffmpeg"]
fn videos_are_read_with_ffmpeg() {
    let bench = Bench::new();
    fs::create_dir(bench.path("clips")).unwrap();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=duration=4:size=64x48:rate=10"])
        .arg(bench.path("clips/a b.mp4"))
        .status();
    assert!(made.unwrap().success());
    bench.write("clips/broken.mp4", "no video");
    bench.ok(&["init", "--model", MODEL]);
    let (code, said) = bench.fails(&["index", "clips", "--every", "0.5"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("clips/broken.mp4: ffmpeg cannot read it: "), "{said}");
    let found = bench.json(&["search", "--like", "a b.mp4#t=0.0", "-k", "20"]);
    let ids: BTreeSet<_> = found.iter().map(|hit| hit["id"].as_str().unwrap()).collect();
    let times: Vec<String> =
        (0..8).map(|n| format!("a b.mp4#t={:.1}", f64::from(n) / 2.0)).collect();
    assert_eq!(ids, times.iter().map(String::as_str).collect());
    bench.ok(&["doctor"]);
}

#[test]
fn pictures_of_the_hub_are_predicted_and_copied_by_decision() {
    let names = ["odd.png", "grey.jpg", "alpha.png"];
    let files =
        names.map(|name| (name.to_owned(), fs::read(format!("{PICTURES}/{name}")).unwrap()));
    let repo = FakeRepo::new(RepoKind::Dataset, "org/pictures", BTreeMap::from(files));
    let (bench, server) = (Bench::new(), HubServer::start(vec![repo], Behaviour::default()));
    bench.ok(&["init", "--model", MODEL]);
    online(&bench, &server, &["index", "org/pictures"]);
    bench.script(&["--like", "odd.png", "--session", "s"], &[]);
    bench.ok(&["classifier", "export", "s", "head.safetensors"]);
    let args = ["predict", "org/pictures", "-c", "head.safetensors", "--threshold", "count=1"];
    online(&bench, &server, &[&args[..], &["--copy-to", "sorted"]].concat());
    let copied = fs::read(bench.path("sorted/relevant/odd.png")).unwrap();
    assert_eq!(copied, server.file("odd.png"));
    assert_eq!(fs::read_dir(bench.path("sorted/irrelevant")).unwrap().count(), 2);
}
