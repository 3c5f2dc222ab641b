//! Models that come with weights alone, in the engines that run graphs.
//!
//! The graph is written of the model that was read (`model/emit.rs`), and handed to the engine in memory: no file is
//! left behind, and what an engine makes of a graph takes longer than writing it. So a graph has the 2 GiB at most
//! that its format allows for one message.

use super::{
    graph::{EngineError, GraphEngine},
    signature::Signature,
    tower::{Inputs, Tower},
};
use crate::model::{
    emit::{image_graph, text_graph},
    encoder::{ImageTower, TextTower, Towers},
};

/// The largest message.
const MAX_BYTES: usize = i32::MAX as usize;

/// Why an engine cannot run a model.
#[derive(Debug)]
pub(crate) enum NotRun {
    /// A graph would be larger than the format allows.
    TooLarge,
    /// What was said.
    Engine(EngineError),
}

/// The same towers, run by an engine. Weights are held twice only while a graph is written.
pub(crate) fn run_by(engine: &dyn GraphEngine, towers: Towers) -> Result<Towers, NotRun> {
    let Towers { dimension, text, image } = towers;
    let text = text.map(|tower| text_by(engine, tower)).transpose()?;
    let image = image.map(|tower| image_by(engine, tower)).transpose()?;
    Ok(Towers { dimension, text, image })
}

fn text_by(engine: &dyn GraphEngine, tower: TextTower) -> Result<TextTower, NotRun> {
    let TextTower { processor, model, pooler } = tower;
    let graph = text_graph(&*model)?;
    drop(model);
    Ok(TextTower { processor, model: Box::new(opened(engine, &graph)?), pooler })
}

fn image_by(engine: &dyn GraphEngine, tower: ImageTower) -> Result<ImageTower, NotRun> {
    let ImageTower { processor, model } = tower;
    let graph = image_graph(&*model, processor.size())?;
    drop(model);
    Ok(ImageTower { processor, model: Box::new(opened(engine, &graph)?) })
}

fn opened(engine: &dyn GraphEngine, graph: &[u8]) -> Result<Tower, NotRun> {
    if graph.len() > MAX_BYTES {
        return Err(NotRun::TooLarge);
    }
    let failed = |error: EngineError| NotRun::Engine(error);
    let signature = Signature::read(graph).map_err(|error| failed(error.into()))?;
    let inputs = Inputs::of(&signature).map_err(|reason| failed(reason.into()))?;
    let output = signature.outputs.into_iter().next().unwrap_or_default();
    let graph = engine.read(graph).map_err(failed)?;
    Ok(Tower { graph, inputs, output, file: None, blank: None, padding: 0, picks_class: false })
}

impl From<candle_core::Error> for NotRun {
    fn from(error: candle_core::Error) -> Self {
        Self::Engine(error.into())
    }
}

#[cfg(test)]
mod tests {
    //! What graphs compute is compared in `tests/it/python.rs`; here, that they are graphs.

    use std::{env, fs, io::Write as _, path::Path, process::Command};

    use super::*;
    use crate::{folder::ModelFolder, model};

    /// The graphs of all models of `fixtures/embed`, by the names of these.
    fn graphs() -> Vec<(String, Vec<u8>)> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed");
        let folders = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
        let folders = folders.filter(|folder| folder.join("golden.safetensors").is_file());
        folders.flat_map(|folder| graphs_of(&folder)).collect()
    }

    fn graphs_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let mut folder = ModelFolder::new(folder, name);
        let known = model::known(&mut folder).unwrap();
        let towers = (known.open)(&mut folder).unwrap();
        let text = towers.text.map(|tower| text_graph(&*tower.model).unwrap());
        let image =
            towers.image.map(|tower| image_graph(&*tower.model, tower.processor.size()).unwrap());
        let named = |graph| (name.to_owned(), graph);
        text.into_iter().chain(image).map(named).collect()
    }

    #[test]
    fn every_model_is_written_as_a_graph_that_can_be_fed() {
        let graphs = graphs();
        assert!(graphs.len() > 30);
        for (name, graph) in graphs {
            let signature = Signature::read(&graph).unwrap();
            let inputs = Inputs::of(&signature).unwrap();
            assert_ne!(inputs.has_texts(), inputs.has_pictures(), "{name}");
            assert_eq!(signature.outputs.len(), 1, "{name}");
            assert!(signature.external.is_empty(), "{name}");
        }
    }

    mod python {
        use super::*;

        #[test]
        #[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx"]
        fn every_graph_that_is_written_is_valid_by_the_checker_of_onnx() {
            let folder = tempfile::tempdir().unwrap();
            for (number, (name, graph)) in graphs().into_iter().enumerate() {
                let path = folder.path().join(format!("{number}-{name}.onnx"));
                fs::File::create(path).unwrap().write_all(&graph).unwrap();
            }
            let check = "import onnx, pathlib, sys\n\
                for path in pathlib.Path(sys.argv[1]).iterdir():\n    \
                    onnx.checker.check_model(path, full_check=True)";
            let python = env::var("LINPROBE_TEST_PYTHON").unwrap();
            let checked = Command::new(python).args(["-c", check]).arg(folder.path()).output();
            let checked = checked.unwrap();
            assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        }
    }
}
