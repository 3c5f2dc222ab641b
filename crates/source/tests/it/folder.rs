//! Folders of images.

use std::fs::File;

use linprobe_core::{Content, RecordId, SourceError};
use linprobe_source::MAX_IMAGE_BYTES;

use crate::files::{Folder, Outcome, open_plainly, read};

#[test]
fn images_are_found_at_any_depth_in_natural_order_whatever_their_case() {
    let folder = Folder::new();
    let names = [
        "a/img_10.JPG",
        "a/img_2.jpeg",
        "b/deep/er/x.png",
        "x.webp",
        "y.gif",
        "z.bmp",
        "z.tif",
        "z.TIFF",
    ];
    for name in names {
        folder.file(name, name);
    }
    for name in ["notes.txt", ".hidden.jpg", ".git/x.jpg", "__MACOSX/a/img_2.jpeg"] {
        folder.file(name, "x");
    }
    let source = open_plainly(folder.path());
    let records = read(&*source);
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "a/img_2.jpeg",
            "a/img_10.JPG",
            "b/deep/er/x.png",
            "x.webp",
            "y.gif",
            "z.TIFF",
            "z.bmp",
            "z.tif",
        ]
    );
    assert_eq!(source.n_records_hint(), Some(8));
    for record in &records {
        assert_eq!(record.content, Content::Image(record.id.as_str().into()));
    }
}

#[test]
fn pictures_that_are_not_wanted_are_not_opened() {
    let folder = Folder::new();
    folder.file("a.jpg", "a");
    folder.file("b.jpg", "");
    folder.file("c.jpg", "");
    let source = open_plainly(folder.path());
    let is_wanted = |id: &RecordId| id.as_str() != "b.jpg";
    let found: Vec<_> = source.records_among(&is_wanted).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].as_ref().unwrap().id.as_str(), "a.jpg");
    // The file is empty, which only who opens it can tell.
    assert!(matches!(&found[1], Err(SourceError::Record(bad)) if bad.file.ends_with("c.jpg")));
}

#[test]
fn the_first_folder_is_the_label_and_a_split_is_metadata() {
    let folder = Folder::new();
    folder.file("train/n01440764/x.jpg", "x");
    folder.file("n02/y.jpg", "y");
    let records = read(&*open_plainly(folder.path()));
    assert_eq!((records[0].label.as_deref(), records[0].metadata.len()), (Some("n02"), 0));
    assert_eq!(records[1].label.as_deref(), Some("n01440764"));
    assert_eq!(records[1].metadata["split"], "train");
}

#[test]
fn a_file_that_cannot_be_read_is_bad_alone_and_keeps_its_id() {
    let folder = Folder::new();
    folder.file("a.jpg", "a");
    folder.file("empty.jpg", "");
    File::create(folder.path().join("large.jpg")).unwrap().set_len(MAX_IMAGE_BYTES + 1).unwrap();
    folder.file("new\nline.jpg", "x");
    folder.file("z.jpg", "z");
    let outcome = Outcome::of(&*open_plainly(folder.path()));
    assert_eq!(outcome.ids(), ["a.jpg", "z.jpg"]);
    assert_eq!(
        outcome.faults(),
        [
            (0, Some("empty.jpg"), "the file is empty"),
            (0, Some("large.jpg"), "the file has 268435457 bytes, at most 268435456 are read"),
            (0, None, "the id holds a control character"),
        ]
    );
    assert!(outcome.bad[0].file.ends_with("empty.jpg"));
    assert_eq!(outcome.bad[0].row, None);
}

#[test]
fn a_record_is_one_file_and_nothing_outside_the_folder() {
    let folder = Folder::new();
    folder.file("secret.jpg", "secret");
    folder.file("in/a/b.jpg", "b");
    let source = open_plainly(&folder.path().join("in"));
    let record = |id: &str| source.record(&RecordId::new(id).unwrap());
    assert_eq!(record("a/b.jpg").unwrap().content, Content::Image(b"b".to_vec()));
    let absolute = folder.path().join("secret.jpg");
    for id in ["../secret.jpg", "a/../../secret.jpg", "./a/b.jpg", "a//b.jpg", "a", "a/c.jpg"] {
        assert!(matches!(record(id), Err(SourceError::NotFound { .. })), "{id}");
    }
    let outside = record(absolute.to_str().unwrap());
    assert!(matches!(outside, Err(SourceError::NotFound { .. })));
}

#[cfg(unix)]
#[test]
fn links_are_followed_only_inside_the_folder() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    folder.file("secret/s.jpg", "secret");
    folder.file("in/a/x.jpg", "x");
    let inside = folder.path().join("in");
    symlink("../a/x.jpg", folder.file("in/b/keep", "").with_file_name("same.jpg")).unwrap();
    symlink("../secret/s.jpg", inside.join("out.jpg")).unwrap();
    symlink("nowhere.jpg", inside.join("dangling.jpg")).unwrap();
    symlink("../secret", inside.join("c")).unwrap();
    symlink("a", inside.join("d")).unwrap();
    symlink(".", inside.join("loop")).unwrap();
    let outcome = Outcome::of(&*open_plainly(&inside));
    assert_eq!(outcome.ids(), ["a/x.jpg", "b/same.jpg"]);
    let faults = outcome.faults();
    assert!(faults[0].2.starts_with("a link to nothing"), "{faults:?}");
    assert_eq!(faults[1].2, "a link that leaves the folder is not followed");
    assert_eq!(faults.len(), 2);
}

#[cfg(unix)]
#[test]
fn links_of_what_was_downloaded_from_a_bucket_are_followed_to_its_objects_alone() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let (address, listing) = ("0".repeat(32), "f".repeat(32));
    folder.file(&format!("{address}/blobs/b"), "b");
    folder.file(&format!("{address}/secret.jpg"), "secret");
    let keep = folder.file(&format!("{address}/{listing}/a/keep"), "");
    symlink("../../blobs/b", keep.with_file_name("b.jpg")).unwrap();
    symlink("../../secret.jpg", keep.with_file_name("out.jpg")).unwrap();
    let root = folder.path().join(&address).join(&listing);
    assert!(Outcome::of(&*open_plainly(&root)).ids().is_empty(), "nothing was listed yet");
    folder.file(&format!("{address}/latest"), &listing);
    let outcome = Outcome::of(&*open_plainly(&root));
    assert_eq!(outcome.ids(), ["a/b.jpg"]);
    assert_eq!(outcome.faults().len(), 1);
}

#[cfg(unix)]
#[test]
fn a_folder_that_has_become_a_link_out_is_not_followed() {
    let folder = Folder::new();
    folder.file("secret/x.jpg", "secret");
    folder.file("in/a/x.jpg", "x");
    let inside = folder.path().join("in");
    let source = open_plainly(&inside);
    std::fs::remove_dir_all(inside.join("a")).unwrap();
    std::os::unix::fs::symlink("../secret", inside.join("a")).unwrap();
    let Err(SourceError::Record(bad)) = source.record(&RecordId::new("a/x.jpg").unwrap()) else {
        panic!("it was read");
    };
    assert_eq!(bad.reason, "a link that leaves the folder is not followed");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf_8_is_bad_alone() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let folder = Folder::new();
    folder.file("a.jpg", "a");
    File::create(folder.path().join(OsStr::from_bytes(b"caf\xe9.jpg"))).unwrap();
    let outcome = Outcome::of(&*open_plainly(folder.path()));
    assert_eq!(outcome.ids(), ["a.jpg"]);
    assert_eq!(outcome.faults(), [(0, None, "the file name is not UTF-8")]);
}
