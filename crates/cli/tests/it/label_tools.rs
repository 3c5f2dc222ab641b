//! Labels in the forms of other tools for labelling are read by these tools themselves.

use std::fs;

use serde_json::json;

use crate::{python::run_in, support::Bench};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed");

/// What docs/formats.md says of a project of Label Studio.
fn label_studio_config() -> String {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
    let formats = fs::read_to_string(docs).unwrap();
    let (_, config) = formats.split_once("```xml\n").unwrap();
    config.split_once("```").unwrap().0.to_owned()
}

#[test]
#[ignore = "needs LINPROBE_TEST_LABEL_TOOLS, a Python with fiftyone and label-studio-sdk"]
fn fiftyone_and_label_studio_take_what_is_written_for_them() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("pictures/data")).unwrap();
    for name in ["odd.png", "grey.png", "alpha.png", "wide.png"] {
        let to = bench.path(&format!("pictures/data/{name}"));
        fs::copy(format!("{FIXTURES}/images/{name}"), to).unwrap();
    }
    bench.ok(&["init", "--model", &format!("{FIXTURES}/resnet-basic")]);
    bench.ok(&["index", "pictures/data"]);
    let labels = [("odd.png", 1.0), ("grey.png", -1.0), ("wide.png", 0.5)];
    let lines = labels.map(|(id, label)| json!({ "id": id, "label": label }));
    bench.script(&["--like", "odd.png", "--session", "s"], &lines);
    bench.ok(&["session", "export", "s", "pictures/labels.json", "--format", "fiftyone"]);
    bench.ok(&["session", "export", "s", "tasks.json", "--format", "label-studio"]);
    bench.write("config.xml", &label_studio_config());
    run_in(
        "LINPROBE_TEST_LABEL_TOOLS",
        &bench,
        "import json\n\
         from fiftyone.utils.data.importers import FiftyOneImageClassificationDatasetImporter\n\
         from label_studio_sdk.label_interface import LabelInterface\n\
         with FiftyOneImageClassificationDatasetImporter(dataset_dir='pictures') as importer:\n\
         \x20   found = {path.split('/')[-1]: label for path, _, label in importer}\n\
         sides = {name: label.label for name, label in found.items() if label}\n\
         assert sides == {'odd.png': 'relevant', 'grey.png': 'irrelevant', 'wide.png': 'relevant'}, sides\n\
         assert found['wide.png'].grade == 0.5\n\
         interface = LabelInterface(open('config.xml').read())\n\
         interface.validate()\n\
         tasks = json.load(open('tasks.json'))\n\
         assert len(tasks) == 3\n\
         for task in tasks:\n\
         \x20   for annotation in task['annotations']:\n\
         \x20       assert len(annotation['result']) == 2 and interface.validate_annotation(annotation), annotation",
    );
}
