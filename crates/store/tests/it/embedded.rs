//! What the embedded store promises beyond the conformance suite.

use linprobe_core::{Embedding, Excluded, Point, RecordId, Survey, VectorStore};
use linprobe_store::EmbeddedStore;
use pollster::block_on;

#[test]
fn smoke() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::create(folder.path(), 40).unwrap();
    let points: Vec<Point> = (0..3000_u64)
        .map(|i| Point {
            id: RecordId::from_row(i),
            embedding: Embedding::normalize(
                (0..40).map(|j| ((i * i * 41 + j * j * (i + 3)) as f32).sin()).collect::<Vec<_>>(),
            )
            .unwrap(),
        })
        .collect();
    block_on(store.upsert(&points)).unwrap();
    let weights = points[7].embedding.as_slice();
    let report = block_on(store.survey(Survey {
        weights,
        bias: 0.0,
        top_k: 3,
        n_boundary: 3,
        threshold: 0.5,
        n_bins: 10,
        exclude: &Excluded::new(),
    }))
    .unwrap();
    assert_eq!(report.top[0].id, points[7].id);
    assert_eq!(report.histogram.counts.iter().sum::<u64>(), 3000);
    let report = linprobe_store::check(folder.path()).unwrap();
    assert_eq!(report.violations, []);
}
