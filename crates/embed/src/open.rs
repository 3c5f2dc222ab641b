//! One name, one model: how a person says which encoder they mean.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use linprobe_core::{Embedder, ModelSpec};
use linprobe_hub::{HubConfig, HubError, Progress, Repo, RepoName, Snapshot};
use linprobe_tensors::onnx::Graph;

use crate::{
    engine::Engine,
    folder::ModelFolder,
    hub::{ModelDownload, is_complete},
    image::Resizing,
    model::{
        self,
        encoder::{Encoder, GraphInput, Towers},
        kernel::Precision,
        precomputed::Precomputed,
        static_::{MODEL_ID, StaticEncoder},
    },
    onnx::{self, GraphFiles, LibraryConfig, NoOnnxRuntime, NoOpenVino, NotRun},
    remote::{self, RemoteConfig, RemoteEncoder, RemoteError},
    weights,
};

/// The name of the text encoder inside the binary.
pub const BUILTIN: &str = "builtin";

/// What opening a model depends on beside its name. The default is as the environment says.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Where the hub and its cache are.
    pub hub: HubConfig,
    /// How servers that run models are asked.
    pub remote: RemoteConfig,
    /// What runs the model.
    pub engine: Engine,
    /// Whose resized pixels the model is given.
    pub resizing: Resizing,
    /// Where the engines for graphs may be.
    pub libraries: LibraryConfig,
    /// Whether engines for graphs are given exported ones alone, none that is made here of a model's weights.
    pub only_exported: bool,
    /// Is told of every download.
    pub progress: Progress,
}

impl OpenOptions {
    /// The same for opening the model of that fingerprint again: where no engine is asked for, the
    /// kind of weights that it was made with decides, in a folder that has several. Pictures are resized as they were.
    #[must_use]
    pub fn to_reopen(&self, fingerprint: &str) -> Self {
        let (resizing, fingerprint) = match fingerprint.strip_prefix(TORCHVISION_FINGERPRINT) {
            Some(rest) => (Resizing::Torchvision, rest),
            None => (Resizing::Pillow, fingerprint),
        };
        let is_of = |start: &&str| fingerprint.starts_with(start);
        let made_with = [
            (onnx::FINGERPRINT, Engine::OnnxRuntime),
            (onnx::BF16_FINGERPRINT, Engine::OpenVinoBf16),
            (BF16_FINGERPRINT, Engine::Bf16),
            (OPENVINO_BF16_FINGERPRINT, Engine::OpenVinoBf16),
        ];
        let engine = match made_with.iter().find(|(start, _)| is_of(start)) {
            Some((_, engine)) if self.engine == Engine::Auto => *engine,
            _ => self.engine,
        };
        let only_exported = [onnx::FINGERPRINT, onnx::BF16_FINGERPRINT].iter().any(is_of);
        Self { engine, resizing, only_exported, ..self.clone() }
    }

    /// The same for writing the model of that fingerprint down, in single precision: of the kind of weights that it was
    /// made with.
    #[must_use]
    pub fn to_write(&self, fingerprint: &str) -> Self {
        let options = self.to_reopen(fingerprint);
        let engine = if options.only_exported { options.engine } else { Engine::BuiltIn };
        Self { engine, ..options }
    }
}

/// What is the same in the fingerprints of a model whatever ran it: the digest of its files.
pub fn digest_of(fingerprint: &str) -> &str {
    fingerprint.rsplit(['-', '/']).next().unwrap_or(fingerprint)
}

/// Opens a model: [`BUILTIN`], or the id that it gives itself; a folder, or the file of an exported
/// graph in it; a name on the hub (`org/name`, `org/name@revision`); or the address of a server that
/// runs it (`http://host/v1#model` as OpenAI has it, `http://host` for text-embeddings-inference).
///
/// A model from the hub is taken from the cache when it is there, without a request.
///
/// # Errors
/// [`OpenError`] says what is wrong with the name or the files, and what would help.
pub fn open(name: &str, options: &OpenOptions) -> Result<Arc<dyn Embedder>, OpenError> {
    Ok(open_on_engine(name, options)?.embedder)
}

/// Writes a model with what stands after it as a graph, for others to run: from token ids or pixels to `embedding` [n,
/// d], of unit length. A model of weights is written of these; of an exported graph, what is needed of it is the
/// beginning. Gives the model, too.
///
/// # Errors
/// As [`open`], and [`OpenError::NotWritten`] where there are neither weights that linprobe reads itself nor a graph, or
/// the model takes no such input.
pub fn encoder_graph(
    name: &str,
    input: GraphInput,
    options: &OpenOptions,
) -> Result<(ModelSpec, Graph), OpenError> {
    let not_written = |reason: String| OpenError::NotWritten { model: name.to_owned(), reason };
    let unknown = || not_written("linprobe has neither its weights nor a graph of it".to_owned());
    if remote::is_address(name) {
        return Err(unknown());
    }
    let encoder = open_on_engine(name, options)?.encoder.ok_or_else(unknown)?;
    let graph = encoder.graph(input).ok_or_else(|| not_written(format!("it takes no {input}")))?;
    let graph = graph.map_err(|source| not_written(source.to_string()))?;
    Ok((encoder.model().clone(), graph))
}

/// A model that is ready, and what runs it.
pub(crate) struct Opened {
    pub(crate) embedder: Arc<dyn Embedder>,
    /// The same, where it has towers.
    encoder: Option<Arc<Encoder>>,
    /// As people see it.
    pub(crate) engine: String,
}

impl Opened {
    /// A model without towers.
    fn other(embedder: impl Embedder + 'static, engine: &str) -> Self {
        Self { embedder: Arc::new(embedder), encoder: None, engine: engine.to_owned() }
    }

    fn new(encoder: Encoder, engine: String) -> Self {
        let encoder = Arc::new(encoder);
        Self { embedder: Arc::clone(&encoder) as Arc<dyn Embedder>, encoder: Some(encoder), engine }
    }
}

/// [`open`], for those who want to know what runs the model.
pub(crate) fn open_on_engine(name: &str, options: &OpenOptions) -> Result<Opened, OpenError> {
    if name == BUILTIN || name == MODEL_ID {
        options.allow(name, &[Engine::Auto, Engine::BuiltIn])?;
        let encoder =
            StaticEncoder::builtin().map_err(|source| OpenError::Builtin(source.into()))?;
        return Ok(Opened::other(encoder, BUILT_IN));
    }
    if remote::is_address(name) {
        options.allow(name, &[Engine::Auto])?;
        let encoder = RemoteEncoder::open(name, options)?;
        return Ok(Opened::other(encoder, "the server"));
    }
    if let Ok(path) = fs::canonicalize(name) {
        return open_path(&path, options);
    }
    match RepoName::model(name) {
        Some(repo) => open_from_hub(&repo, options),
        None => Err(OpenError::NoSuchModel { name: name.to_owned() }),
    }
}

/// The kernels of this crate, as people see them.
const BUILT_IN: &str = "built in";
const BUILT_IN_BF16: &str = "built in, linear layers in bfloat16";

/// How the fingerprint of a model begins whose linear layers multiply in bfloat16.
const BF16_FINGERPRINT: &str = "bf16-";

/// The same of a model whose graph was made of its weights, and is run by OpenVINO in bfloat16.
const OPENVINO_BF16_FINGERPRINT: &str = "openvino-bf16-";

/// What is before the fingerprint of a model whose pictures are resized as torchvision does it.
const TORCHVISION_FINGERPRINT: &str = "torchvision-";

/// Takes vectors that were made elsewhere, by the model of that id.
pub fn precomputed(model_id: &str, dimension: usize) -> Arc<dyn Embedder> {
    Arc::new(Precomputed::new(model_id, dimension))
}

impl OpenOptions {
    /// Refuses an engine for a model that others run.
    fn allow(&self, model: &str, engines: &[Engine]) -> Result<(), OpenError> {
        if engines.contains(&self.engine) {
            return Ok(());
        }
        Err(OpenError::OtherEngine { model: model.to_owned(), engine: self.engine })
    }
}

/// A model's place, and what to call it by.
struct Place<'a> {
    folder: &'a Path,
    id: String,
    revision: Option<String>,
}

impl Place<'_> {
    /// The model of this place, which tells by its fingerprint whose resized pixels it is given.
    fn encoder(&self, fingerprint: String, towers: Towers, options: &OpenOptions) -> Encoder {
        let fingerprint = match options.resizing {
            Resizing::Torchvision if towers.image.is_some() => {
                format!("{TORCHVISION_FINGERPRINT}{fingerprint}")
            }
            _ => fingerprint,
        };
        let (id, revision) = (self.id.clone(), self.revision.clone());
        Encoder::new(id, revision, fingerprint, towers.resizing(options.resizing))
    }
}

fn open_path(path: &Path, options: &OpenOptions) -> Result<Opened, OpenError> {
    let id = path.display().to_string();
    let Some((folder, graph)) = onnx::folder_of(path).filter(|_| path.is_file()) else {
        return load(&Place { folder: path, id, revision: None }, options);
    };
    if matches!(options.engine, Engine::BuiltIn | Engine::Bf16) {
        return Err(OpenError::OtherEngine { model: id, engine: options.engine });
    }
    load_graphs(&Place { folder, id, revision: None }, &GraphFiles::one(graph), options)
}

fn load(place: &Place<'_>, options: &OpenOptions) -> Result<Opened, OpenError> {
    let graphs = GraphFiles::in_folder(place.folder);
    match (options.engine, graphs) {
        (Engine::Auto, Some(graphs)) if !is_known(place) => load_graphs(place, &graphs, options),
        (Engine::Auto | Engine::BuiltIn | Engine::Bf16, _) => load_weights(place, options),
        (_, Some(graphs)) => load_graphs(place, &graphs, options),
        _ if is_known(place) && !options.only_exported => load_written(place, options),
        (engine, None) => Err(OpenError::NoGraph { folder: place.folder.to_owned(), engine }),
    }
}

/// Whether what is built in can run the model.
fn is_known(place: &Place<'_>) -> bool {
    let known = model::known(&mut ModelFolder::new(place.folder, &place.id));
    known.is_ok_and(|known| weights::are_in(place.folder, known.weights))
}

fn load_weights(place: &Place<'_>, options: &OpenOptions) -> Result<Opened, OpenError> {
    let (precision, engine, start) = match options.engine {
        Engine::Bf16 => (Precision::Bf16, BUILT_IN_BF16, BF16_FINGERPRINT),
        _ => (Precision::Single, BUILT_IN, ""),
    };
    let mut folder = ModelFolder::new(place.folder, &place.id).in_precision(precision);
    let known = model::known(&mut folder)?;
    let towers = (known.open)(&mut folder)?;
    let encoder = place.encoder(format!("{start}{}", folder.fingerprint()), towers, options);
    Ok(Opened::new(encoder, engine.to_owned()))
}

/// A graph that is made of the weights here. In single precision it is the same model: nothing but the order of
/// sums is another, as it is on another processor.
fn load_written(place: &Place<'_>, options: &OpenOptions) -> Result<Opened, OpenError> {
    let engine = onnx::load(options.engine, &options.libraries)?;
    let mut folder = ModelFolder::new(place.folder, &place.id);
    let known = model::known(&mut folder)?;
    let towers = (known.open)(&mut folder)?;
    let towers = onnx::run_by(&*engine, towers).map_err(|reason| match reason {
        NotRun::TooLarge => OpenError::LargeGraph { folder: place.folder.to_owned() },
        NotRun::Engine(source) => OpenError::graph(engine.name(), place.folder, source),
    })?;
    let start = match options.engine {
        Engine::OpenVinoBf16 => OPENVINO_BF16_FINGERPRINT,
        _ => "",
    };
    let encoder = place.encoder(format!("{start}{}", folder.fingerprint()), towers, options);
    Ok(Opened::new(encoder, engine.name()))
}

fn load_graphs(
    place: &Place<'_>,
    graphs: &GraphFiles,
    options: &OpenOptions,
) -> Result<Opened, OpenError> {
    let mut folder = ModelFolder::new(place.folder, &place.id);
    let (towers, engine) = onnx::open(&mut folder, graphs, (options.engine, &options.libraries))?;
    let start = match options.engine {
        Engine::OpenVinoBf16 => onnx::BF16_FINGERPRINT,
        _ => onnx::FINGERPRINT,
    };
    let encoder = place.encoder(format!("{start}{}", folder.fingerprint()), towers, options);
    Ok(Opened::new(encoder, engine))
}

fn open_from_hub(name: &RepoName, options: &OpenOptions) -> Result<Opened, OpenError> {
    let repo = Repo::new(name, &options.hub);
    let opened = match repo.cached() {
        Some(snapshot) if options.hub.offline || is_complete(&repo, &snapshot) => {
            open_snapshot(name, snapshot, options)
        }
        _ => return download(name, &repo, options),
    };
    match opened {
        // A download that was cut short, or was one of other weights.
        Err(OpenError::MissingFile { .. } | OpenError::NoGraph { .. }) => {
            download(name, &repo, options)
        }
        opened => opened,
    }
}

fn open_snapshot(
    name: &RepoName,
    snapshot: Snapshot,
    options: &OpenOptions,
) -> Result<Opened, OpenError> {
    let Snapshot { folder, commit } = snapshot;
    load(&Place { folder: &folder, id: name.id.clone(), revision: Some(commit) }, options)
}

fn download(name: &RepoName, repo: &Repo<'_>, options: &OpenOptions) -> Result<Opened, OpenError> {
    let download = ModelDownload::start(name, repo, &options.progress)?;
    let snapshot = download.fetch_configuration()?;
    // Gigabytes of weights that nothing here can read are better left where they are.
    let known = model::known(&mut ModelFolder::new(&snapshot.folder, &name.id));
    let has_weights = || known.as_ref().is_ok_and(|known| download.has_weights(known.weights));
    match options.engine {
        Engine::OnnxRuntime | Engine::Cuda | Engine::OpenVino | Engine::OpenVinoBf16
            if download.has_graphs() || options.only_exported || !has_weights() =>
        {
            download.fetch_graphs()?;
        }
        Engine::Auto if download.has_graphs() && !has_weights() => download.fetch_graphs()?,
        _ => download.fetch_weights(known?.weights)?,
    }
    open_snapshot(name, snapshot, options)
}

/// Why a model cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name stands for nothing.
    #[error(
        "no such model: {name:?}\n\
         hint: give \"builtin\", a folder with config.json and model.safetensors, an .onnx file, or \
         a name on the hub such as \"sentence-transformers/all-MiniLM-L6-v2\"; a server's address is \
         \"http://host/v1#model\""
    )]
    NoSuchModel {
        /// What was asked for.
        name: String,
    },
    /// The folder lacks a file.
    #[error(
        "{folder} has no {file}\n\
         hint: a model's folder is what save_pretrained of transformers or sentence-transformers \
         writes, tokenizer or image processor included",
        folder = folder.display()
    )]
    MissingFile {
        /// The model's folder.
        folder: PathBuf,
        /// What is missing.
        file: String,
    },
    /// The weights are in a pickle that is not that of a state dict, or could run code.
    #[error(
        "{path}: {reason}\n\
         hint: load it with transformers where you trust it, and save_pretrained it again, which \
         writes model.safetensors",
        path = path.display()
    )]
    Pickle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing here can compute the model.
    #[error(
        "{path}: models of type {model_type:?} are not supported\nhint: these are: {supported}",
        path = path.display(),
        supported = model::architectures()
    )]
    UnknownArchitecture {
        /// Its configuration.
        path: PathBuf,
        /// What it says.
        model_type: String,
    },
    /// A file is not what its name says, or asks for what is not supported.
    #[error("{path}: {reason}", path = path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights are damaged, or not those of the model that the configuration describes.
    #[error("the weights in {folder} do not fit its config.json", folder = folder.display())]
    Weights {
        /// The model's folder.
        folder: PathBuf,
        /// What the engine said.
        source: Box<candle_core::Error>,
    },
    /// The engine that was asked for runs graphs, and there is none, nor weights of which one can be made.
    #[error(
        "{folder} has no exported graph, which {engine} would run\n\
         hint: leave out --engine, or export one: optimum-cli export onnx --model {folder} \
         {folder}/onnx",
        folder = folder.display()
    )]
    NoGraph {
        /// The model's folder.
        folder: PathBuf,
        /// What was asked for.
        engine: Engine,
    },
    /// A graph that is made of a model's weights would be larger than its format allows.
    #[error(
        "{folder} is too large for a graph that is made of its weights, which has 2 GiB at most\n\
         hint: leave out --engine, or export one: optimum-cli export onnx --model {folder} \
         {folder}/onnx",
        folder = folder.display()
    )]
    LargeGraph {
        /// The model's folder.
        folder: PathBuf,
    },
    /// The model cannot be written as a graph.
    #[error("{model} cannot be written as a graph: {reason}\nhint: export the classifier alone")]
    NotWritten {
        /// The model.
        model: String,
        /// Why.
        reason: String,
    },
    /// The model is run by something else than was asked for.
    #[error("{model} cannot be run by {engine}\nhint: leave out --engine")]
    OtherEngine {
        /// The model.
        model: String,
        /// What was asked for.
        engine: Engine,
    },
    /// The engine for exported graphs is not there.
    #[error(transparent)]
    NoOnnxRuntime(#[from] NoOnnxRuntime),
    /// Nor is that one.
    #[error(transparent)]
    NoOpenVino(#[from] NoOpenVino),
    /// The engine cannot run a graph.
    #[error("{engine} cannot run {path}", path = path.display())]
    Graph {
        /// The engine.
        engine: String,
        /// The graph.
        path: PathBuf,
        /// What the engine said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are no weights on the hub that can be read.
    #[error(
        "{name} has no model.safetensors, no pytorch_model.bin and no onnx/model.onnx\n\
         hint: give a revision that has one (\"org/name@refs/pr/1\"), or a folder into which \
         transformers' save_pretrained has written it"
    )]
    NoWeightsOnHub {
        /// The model.
        name: String,
    },
    /// There is no exported graph on the hub.
    #[error(
        "{name} has no onnx/model.onnx\n\
         hint: leave out --engine, or export one: optimum-cli export onnx --model {name} FOLDER"
    )]
    NoGraphOnHub {
        /// The model.
        name: String,
    },
    /// The model cannot be brought from the hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The server that runs the model gives no embeddings.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The encoder inside the binary is damaged.
    #[error("the built-in encoder cannot be read")]
    Builtin(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    pub(crate) fn weights(folder: &Path, source: candle_core::Error) -> Self {
        Self::Weights { folder: folder.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn graph(
        engine: String,
        path: &Path,
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> Self {
        Self::Graph { engine, path: path.to_owned(), source }
    }
}
