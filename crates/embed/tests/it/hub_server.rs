//! A hub with one model, in the forms that models have.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use linprobe_hub::{
    RepoKind,
    fake::{self, FakeRepo, HubServer},
};

/// What the model is, and what the server does beside what it should.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behaviour {
    pub(crate) server: fake::Behaviour,
    /// Says that the model is of this type.
    pub(crate) model_type: Option<&'static str>,
    /// Has weights as they were written before safetensors.
    pub(crate) is_pickled: bool,
    /// Has exported graphs as well.
    pub(crate) has_graphs: bool,
}

impl From<fake::Behaviour> for Behaviour {
    fn from(server: fake::Behaviour) -> Self {
        Self { server, ..Self::default() }
    }
}

pub(crate) fn start(behaviour: impl Into<Behaviour>) -> HubServer {
    let behaviour = behaviour.into();
    let repo = FakeRepo::new(RepoKind::Model, "org/tiny", files(&behaviour));
    HubServer::start(vec![repo], behaviour.server)
}

pub(crate) fn model_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed/bert-mean")
}

fn files(behaviour: &Behaviour) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["", "1_Pooling/", "2_Normalize/"] {
        for file in fs::read_dir(model_folder().join(folder)).unwrap().map(Result::unwrap) {
            if file.path().is_file() {
                let name = format!("{folder}{}", file.file_name().to_str().unwrap());
                files.insert(name, fs::read(file.path()).unwrap());
            }
        }
    }
    for unwanted in ["README.md", "onnx/config.json", "onnx/model.safetensors"] {
        files.insert(unwanted.to_owned(), b"unwanted".to_vec());
    }
    if behaviour.has_graphs {
        let graph = fs::read(model_folder().join("onnx/model.onnx")).unwrap();
        files.insert("onnx/model_quantized.onnx".to_owned(), graph.clone());
        files.insert("onnx/model.onnx".to_owned(), graph);
    }
    if behaviour.is_pickled {
        let pickled = model_folder().join("../bert-pickled/pytorch_model.bin");
        files.remove("model.safetensors");
        files.insert("pytorch_model.bin".to_owned(), fs::read(pickled).unwrap());
    }
    if let Some(model_type) = behaviour.model_type {
        let config = format!("{{\"model_type\": {model_type:?}}}").into_bytes();
        files.insert("config.json".to_owned(), config);
    }
    files
}
