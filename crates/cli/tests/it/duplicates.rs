//! Near-duplicates: listed, and labelled once.

use std::{fs, io::Cursor};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::support::{Bench, text};

/// Eight texts, of which every second is there once more, but for a capital letter.
fn with_twins() -> Bench {
    let bench = Bench::new();
    let words = ["comet", "galaxy", "nebula", "quasar", "dough", "yeast", "crust", "bakery"];
    let mut rows = vec!["id,text".to_owned()];
    for (n, word) in words.iter().enumerate() {
        rows.push(format!("{n}a,the {word}"));
        if n % 2 == 0 {
            rows.push(format!("{n}b,The {word}"));
        }
    }
    bench.write("texts.csv", &rows.join("\n"));
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    bench
}

/// The ids of each group.
fn groups(lines: &[Value]) -> Vec<Vec<&str>> {
    let group = lines.iter().map(|line| line["records"].as_array().unwrap().iter());
    group.map(|records| records.map(|record| record["id"].as_str().unwrap()).collect()).collect()
}

/// The ids of all rounds, until there are no more.
fn shown(bench: &Bench, phrase: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let start = if ids.is_empty() { phrase } else { &[] };
        let round = bench.script(&[start, &["--session", "s", "-k", "3"]].concat(), &[]);
        let records = round[0]["records"].as_array().unwrap().clone();
        if records.is_empty() {
            return ids;
        }
        let answers: Vec<Value> =
            records.iter().map(|record| json!({ "id": record["id"], "label": 1.0 })).collect();
        ids.extend(records.iter().map(|record| record["id"].as_str().unwrap().to_owned()));
        bench.script(&["--session", "s"], &answers);
    }
}

#[test]
fn groups_are_listed_and_labelled_once_where_that_is_asked_for() {
    let bench = with_twins();
    let found = bench.json(&["duplicates"]);
    assert_eq!(groups(&found), [["0a", "0b"], ["2a", "2b"], ["4a", "4b"], ["6a", "6b"]]);
    assert_eq!(shown(&bench, &["space"]).len(), 12, "nothing was kept");
    let output = bench.run(&["duplicates", "--label-once"]);
    assert!(text(&output.stdout).starts_with("   1  0a  the comet\n      0b  The comet\n"));
    let said = text(&output.stderr);
    assert!(said.starts_with("4 groups; 4 records are near-duplicates of another one"), "{said}");
    bench.ok(&["session", "reset-seen", "s"]);
    let mut once = shown(&bench, &[]);
    for id in &mut once {
        id.truncate(1);
    }
    once.sort_unstable();
    assert_eq!(once, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert!(bench.ok(&["duplicates", "--forget"]).contains("sessions show every record"));
    let rest = bench.script(&["--session", "s", "-k", "20"], &[]);
    assert_eq!(rest[0]["records"].as_array().unwrap().len(), 4);
    assert_eq!(bench.json(&["duplicates", "--cosine", "1.1"]), [] as [Value; 0]);
}

/// A picture of waves, as PNG or smaller as JPEG.
fn waves(seed: f32, format: ImageFormat) -> Vec<u8> {
    let byte = |x: u32, y: u32| {
        let (x, y) = (x as f32 / 90.0, y as f32 / 90.0);
        let wave = (seed * x).sin() + (seed * y * x + seed).cos();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let byte = (127.0 + 60.0 * wave) as u8;
        byte
    };
    let picture = RgbImage::from_fn(240, 200, |x, y| Rgb([byte(x, y), 90, byte(y, x)]));
    let mut picture = DynamicImage::ImageRgb8(picture);
    if format == ImageFormat::Jpeg {
        picture = picture.thumbnail(120, 100);
    }
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn pictures_that_look_the_same_are_taken_together_whatever_their_size_and_form() {
    let bench = Bench::new();
    fs::create_dir(bench.path("photos")).unwrap();
    for (name, seed, format) in [
        ("a.png", 3.0, ImageFormat::Png),
        ("b.png", 7.5, ImageFormat::Png),
        ("c.jpg", 3.0, ImageFormat::Jpeg),
    ] {
        #[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
        fs::write(bench.path("photos").join(name), waves(seed, format)).unwrap();
    }
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed/resnet-basic");
    bench.ok(&["init", "--model", model]);
    bench.ok(&["index", "photos"]);
    let found = bench.json(&["duplicates", "--pictures", "--cosine", "1.1"]);
    assert_eq!(groups(&found), [["a.png", "c.jpg"]], "by their looks alone");
    fs::remove_file(bench.path("photos/b.png")).unwrap();
    let output = bench.run(&["duplicates", "--pictures"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("1 pictures could not be looked at"));
}
