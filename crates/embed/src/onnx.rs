//! Exported graphs as models: what `optimum` and `sentence-transformers` write as `model.onnx`, and
//! bare towers.
//!
//! The graph computes; what stands before and after it, tokens, pixels and pooling, is that of every
//! other model here. An input or output is told by the name that the exporters give it.

mod exported;
mod graph;
mod library;
mod onnx_runtime;
mod open_vino;
mod signature;
mod tower;
mod written;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;

use self::{
    graph::Graph,
    onnx_runtime::OnnxRuntime,
    open_vino::OpenVino,
    signature::{Element, Port, Signature},
    tower::{Inputs, Tower},
};
pub(crate) use self::{
    graph::GraphEngine,
    written::{NotRun, run_by},
};
pub use self::{library::LibraryConfig, onnx_runtime::NoOnnxRuntime, open_vino::NoOpenVino};
use crate::{
    engine::Engine,
    folder::ModelFolder,
    image::{Defaults, ImageProcessor, Size},
    model::{
        CONFIG,
        batch::{ImageBatch, Placed, TextBatch},
        encoder::{ImageTower, TextTower, Towers},
        kernel::Precision,
    },
    open::OpenError,
    pool::Pooler,
    tokenize::TextProcessor,
};

/// The folder beside the other files in which exported graphs may be.
const FOLDER: &str = "onnx";

/// Fingerprints of exported graphs begin so, by which they are told from those of other weights.
pub(crate) const FINGERPRINT: &str = "onnx/";

/// And so where they were run in bfloat16.
pub(crate) const BF16_FINGERPRINT: &str = "onnx-bf16/";

/// The files of a model's graphs: one with all towers, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphFiles(Vec<String>);

impl GraphFiles {
    /// One graph.
    pub(crate) fn one(file: impl Into<String>) -> Self {
        Self(vec![file.into()])
    }

    /// The graphs among the files that there are, as the exporters name them.
    pub(crate) fn find(is_there: impl Fn(&str) -> bool) -> Option<Self> {
        let folders = ["", "onnx/"];
        let sets: [&[&str]; 2] = [&["model.onnx"], &["text_model.onnx", "vision_model.onnx"]];
        let places = sets.iter().flat_map(|set| {
            folders.map(|folder| set.iter().map(|file| format!("{folder}{file}")).collect())
        });
        let mut found = places.filter(|files: &Vec<_>| files.iter().all(|file| is_there(file)));
        found.next().map(Self)
    }

    /// The graphs in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        Self::find(|file| folder.join(file).is_file())
    }

    /// Whether a file is one of these, or beside one and named after it, as weights are that are too
    /// large for the graph itself.
    pub(crate) fn include(&self, file: &str) -> bool {
        self.0.iter().any(|graph| {
            file.strip_prefix(graph.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
        })
    }
}

/// The folder of a model whose graph was named itself, and the graph's place in it: graphs may be in
/// a folder of their own.
pub(crate) fn folder_of(graph: &Path) -> Option<(&Path, String)> {
    let (folder, name) = (graph.parent()?, graph.file_name()?.to_str()?);
    match folder.parent() {
        Some(outer) if folder.ends_with(FOLDER) => Some((outer, format!("{FOLDER}/{name}"))),
        _ => Some((folder, name.to_owned())),
    }
}

/// What runs graphs, by its name; ONNX Runtime where none is asked for.
pub(crate) fn load(
    engine: Engine,
    config: &LibraryConfig,
) -> Result<Box<dyn GraphEngine>, OpenError> {
    Ok(match engine {
        Engine::Cuda => Box::new(OnnxRuntime::load_cuda(config)?),
        Engine::OpenVino => Box::new(OpenVino::load(config, Precision::Single)?),
        Engine::OpenVinoBf16 => Box::new(OpenVino::load(config, Precision::Bf16)?),
        Engine::Auto | Engine::BuiltIn | Engine::Bf16 | Engine::OnnxRuntime => {
            Box::new(OnnxRuntime::load(config)?)
        }
    })
}

/// Reads a model from its graphs, and says what runs them. What is wrong with a graph is found before an engine
/// sees it.
pub(crate) fn open(
    folder: &mut ModelFolder,
    files: &GraphFiles,
    (engine, config): (Engine, &LibraryConfig),
) -> Result<(Towers, String), OpenError> {
    let settings: Settings = folder.json_if_there(CONFIG)?.unwrap_or_default();
    let parts = files.0.iter().map(|file| Part::read(folder, file));
    let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
    let engine = load(engine, config)?;
    let mut towers = Towers { dimension: 0, text: None, image: None };
    for part in &parts {
        let failed = |source| OpenError::graph(engine.name(), &part.path, source);
        let graph = engine.open(&part.path).map_err(failed)?;
        let opened = part.towers(folder, &settings, &graph)?;
        towers.text = towers.text.or(opened.text);
        towers.image = towers.image.or(opened.image);
    }
    towers.dimension = dimension(&towers).map_err(|source| {
        OpenError::graph(engine.name(), &folder.path().join(&files.0[0]), source.into())
    })?;
    Ok((towers, engine.name()))
}

/// The number of coordinates that come out, by trying: what graphs say of it is often a name.
fn dimension(towers: &Towers) -> candle_core::Result<usize> {
    let mut dimensions = Vec::new();
    if let Some(tower) = &towers.text {
        let text = Placed { idx: 0, value: [0].as_slice() };
        let batch = TextBatch::by_length(vec![text]).remove(0);
        dimensions.push(tower.vectors(&batch)?.dims2()?.1);
    }
    if let Some(tower) = &towers.image {
        let size = tower.processor.size();
        let pixels = vec![0.0; 3 * size.height * size.width];
        let images = [Placed { idx: 0, value: pixels.as_slice() }];
        let batch = ImageBatch::cut(&images, size)?.remove(0);
        dimensions.push(tower.vectors(&batch)?.dims2()?.1);
    }
    match dimensions.as_slice() {
        [dimension] => Ok(*dimension),
        [text, image] if text == image => Ok(*text),
        _ => candle_core::bail!("texts and pictures do not come out in one space: {dimensions:?}"),
    }
}

/// What of `config.json` bears on what stands around a graph.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    model_type: String,
    max_position_embeddings: Option<usize>,
    pad_token_id: Option<usize>,
    text_config: Option<Box<Self>>,
}

impl Settings {
    /// Tokens that the graph can read at most, where the configuration says so.
    fn n_positions(&self) -> usize {
        let text = self.text_config.as_deref().unwrap_or(self);
        let positions = text.max_position_embeddings.unwrap_or(usize::MAX);
        // These count from past their padding token on.
        match self.model_type.as_str() {
            "camembert" | "mpnet" | "roberta" | "xlm-roberta" => {
                positions.saturating_sub(text.pad_token_id.unwrap_or(1) + 1)
            }
            _ => positions,
        }
    }

    /// Whether texts are padded to a length that the model has always seen.
    fn sees_padding(&self) -> bool {
        self.model_type.starts_with("siglip")
    }

    /// The outputs that mean what they are called. In a space for texts and pictures hidden states do
    /// not lie; the pooler of a ViT was trained for another task, if at all.
    fn outputs(&self, known: &[(&'static str, Gives)]) -> Vec<(&'static str, Gives)> {
        let is_shared = self.text_config.is_some();
        let is_meant = |(name, gives): &(&str, Gives)| match gives {
            Gives::HiddenStates => !is_shared,
            Gives::Vectors => *name != POOLER || self.model_type != "vit",
        };
        known.iter().copied().filter(is_meant).collect()
    }

    fn processor(&self) -> Defaults {
        match self.model_type.as_str() {
            "resnet" => Defaults::ConvNext,
            "siglip" | "siglip2" => Defaults::Siglip,
            "vit" => Defaults::Vit,
            _ => Defaults::Clip,
        }
    }
}

/// A graph that was read, before an engine has it.
struct Part {
    file: String,
    path: PathBuf,
    inputs: Inputs,
    outputs: Vec<Port>,
}

impl Part {
    /// Reads a graph's signature. The graph and all files that it names leave their trace in the
    /// fingerprint.
    fn read(folder: &mut ModelFolder, file: &str) -> Result<Self, OpenError> {
        let bytes = folder.bytes(file)?;
        let signature =
            Signature::read(&bytes).map_err(|reason| folder.bad(file, reason.to_string()))?;
        let within =
            file.rsplit_once('/').map_or(String::new(), |(within, _)| format!("{within}/"));
        for external in &signature.external {
            folder.trace_contents(&format!("{within}{external}"))?;
        }
        let inputs = Inputs::of(&signature).map_err(|reason| folder.bad(file, reason))?;
        if !inputs.has_texts() && !inputs.has_pictures() {
            return Err(folder.bad(file, "it takes neither texts nor pictures"));
        }
        let path = folder.path().join(file);
        Ok(Self { file: file.to_owned(), path, inputs, outputs: signature.outputs })
    }

    /// The towers that stand on the graph.
    fn towers(
        &self,
        folder: &mut ModelFolder,
        settings: &Settings,
        graph: &Arc<dyn Graph>,
    ) -> Result<Towers, OpenError> {
        let mut towers = Towers { dimension: 0, text: None, image: None };
        if self.inputs.has_pictures() {
            towers.image = Some(self.image_tower(folder, settings, graph)?);
        }
        if self.inputs.has_texts() {
            let blank = towers.image.as_ref().map(|tower| tower.processor.size());
            towers.text = Some(self.text_tower(folder, settings, graph, blank)?);
        }
        Ok(towers)
    }

    fn image_tower(
        &self,
        folder: &mut ModelFolder,
        settings: &Settings,
        graph: &Arc<dyn Graph>,
    ) -> Result<ImageTower, OpenError> {
        let processor = ImageProcessor::open(folder, settings.processor())?;
        let size = self.inputs.picture(processor.size());
        processor.check_size(folder, size.map_err(|reason| folder.bad(&self.file, reason))?)?;
        let output = self.output(&settings.outputs(&IMAGE_OUTPUTS));
        let output = output.map_err(|reason| folder.bad(&self.file, reason))?;
        let tower = self.tower(graph, output);
        Ok(ImageTower { processor, model: Box::new(tower) })
    }

    fn text_tower(
        &self,
        folder: &mut ModelFolder,
        settings: &Settings,
        graph: &Arc<dyn Graph>,
        blank: Option<Size>,
    ) -> Result<TextTower, OpenError> {
        let fixed = self.inputs.n_tokens();
        let length = fixed.unwrap_or(usize::MAX).min(settings.n_positions());
        let processor = if settings.sees_padding() {
            TextProcessor::open_padded(folder, length)?
        } else {
            TextProcessor::open(folder, length)?
        };
        let output = self.output(&settings.outputs(&TEXT_OUTPUTS));
        let output = output.map_err(|reason| folder.bad(&self.file, reason))?;
        let pooler = match output.gives {
            Gives::Vectors => Pooler::given(),
            Gives::HiddenStates => Pooler::open(folder)?,
        };
        let padding = fixed.map(|_| processor.padding(folder)).transpose()?;
        let padding = padding.flatten().unwrap_or(0);
        let tower = Tower { blank, padding, ..self.tower(graph, output) };
        Ok(TextTower { processor, model: Box::new(tower), pooler })
    }

    fn tower(&self, graph: &Arc<dyn Graph>, output: Output) -> Tower {
        Tower {
            graph: Arc::clone(graph),
            inputs: self.inputs.clone(),
            picks_class: output.gives == Gives::HiddenStates,
            output: output.port,
            file: Some(self.path.clone()),
            blank: None,
            padding: 0,
        }
    }

    /// The output to take: the first that is known, else the graph's first, since what a graph is for
    /// it gives first.
    fn output(&self, known: &[(&str, Gives)]) -> Result<Output, String> {
        let named = known.iter().find_map(|(name, gives)| {
            let port = self.outputs.iter().find(|port| port.name == *name)?;
            Some((port, *gives))
        });
        let first = || {
            let port = self.outputs.first().filter(|port| port.shape.len() == 2)?;
            Some((port, Gives::Vectors))
        };
        let names = || self.outputs.iter().map(|port| &*port.name).collect::<Vec<_>>().join(", ");
        match named.or_else(first) {
            Some((port, gives)) if matches!(port.element, Element::F16 | Element::F32) => {
                Ok(Output { port: port.clone(), gives })
            }
            Some((port, _)) => {
                Err(format!("its output {} is neither of float32 nor of float16", port.name))
            }
            None => Err(format!("none of its outputs is known to be an embedding: {}", names())),
        }
    }
}

/// An output that was chosen.
struct Output {
    port: Port,
    gives: Gives,
}

/// What an output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    /// One vector for each input.
    Vectors,
    /// One for each token or patch.
    HiddenStates,
}

/// The names by which outputs for texts are told, the one to take first.
const TEXT_OUTPUTS: [(&str, Gives); 5] = [
    ("sentence_embedding", Gives::Vectors),
    ("text_embeds", Gives::Vectors),
    ("last_hidden_state", Gives::HiddenStates),
    ("token_embeddings", Gives::HiddenStates),
    (POOLER, Gives::Vectors),
];

/// The same for pictures.
const IMAGE_OUTPUTS: [(&str, Gives); 3] = [
    ("image_embeds", Gives::Vectors),
    (POOLER, Gives::Vectors),
    ("last_hidden_state", Gives::HiddenStates),
];

const POOLER: &str = "pooler_output";
