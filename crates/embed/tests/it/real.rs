//! Models as they were published or put together. They are not part of the project.

use std::{fs, path::Path};

use linprobe_core::Content;
use linprobe_embed::open;

use crate::{
    fixture::{embed, replace},
    python::with_onnx_runtime,
};

/// Pictures of one class lie nearer to each other than to those of another.
#[test]
#[ignore = "needs ../shared/data, and LINPROBE_TEST_PYTHON, a Python with onnxruntime"]
fn the_tower_of_miniclip_tells_classes_apart() {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let folder = tempfile::tempdir().unwrap();
    let graph = fs::read(shared.join("miniclip/image_tower_f16w.onnx")).unwrap();
    replace(folder.path(), "model.onnx", &graph);
    replace(
        folder.path(),
        "preprocessor_config.json",
        br#"{"size": 256, "crop_size": 224, "resample": 2,
             "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#,
    );
    let embedder = open(folder.path().to_str().unwrap(), &with_onnx_runtime()).unwrap();
    assert_eq!(embedder.model().dimension, 512);
    let pictures = |class: &str| {
        let files = fs::read_dir(shared.join("images/caltech101_val").join(class)).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort_unstable();
        let contents: Vec<_> =
            files.iter().take(12).map(|file| Content::Image(fs::read(file).unwrap())).collect();
        embed(&*embedder, &contents)
    };
    let (leopards, bikes) = (pictures("Leopards"), pictures("Motorbikes"));
    for leopard in &leopards {
        let nearest = |others: &[_]| {
            let scores = others.iter().map(|other: &linprobe_core::Embedding| {
                if other == leopard { -1.0 } else { other.dot(leopard.as_slice()) }
            });
            scores.fold(f32::NEG_INFINITY, f32::max)
        };
        assert!(nearest(&leopards) > nearest(&bikes));
    }
}
