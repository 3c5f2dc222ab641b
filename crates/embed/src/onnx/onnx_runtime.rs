//! ONNX Runtime, loaded while the program runs, where it is installed.
//!
//! A session runs one batch at a time, on all cores: its makers advise against more, and so the
//! threads that bring batches wait for each other.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Result, Tensor, WithDType};
use half::f16;
use ort::{
    environment::Environment,
    ep::{CUDA, ExecutionProvider as _},
    logging::LogLevel,
    session::{Session, SessionInputValue, builder::SessionBuilder},
    value::{DynValue, PrimitiveTensorElementType, Tensor as Value, TensorElementType},
};

use super::{
    graph::{EngineError, Feed, Graph, GraphEngine},
    library::{CAN_BE_LOADED, LibraryConfig, Loaded},
};

static LOADED: Loaded<OnnxRuntime> = Loaded::nothing();

/// ONNX Runtime, ready to read graphs.
#[derive(Clone, Debug)]
pub(super) struct OnnxRuntime {
    environment: Environment,
    library: PathBuf,
    on_cuda: bool,
}

/// Why there is no ONNX Runtime.
#[derive(Debug, thiserror::Error)]
pub enum NoOnnxRuntime {
    /// There is none where it is looked for.
    #[error(
        "ONNX Runtime is not installed where it is looked for\n\
         hint: pip install onnxruntime, or set ORT_DYLIB_PATH to its library"
    )]
    NotFound,
    /// This program can load none.
    #[error(
        "ONNX Runtime is a library, and this linprobe is linked statically, so that it can load none\n\
         hint: use one that needs the system's C library: cargo install, or the Python package"
    )]
    Static,
    /// What was found cannot be used.
    #[error(
        "ONNX Runtime cannot be used: {reason}\n\
         hint: pip install --upgrade onnxruntime (1.{oldest} or later), or set ORT_DYLIB_PATH to \
         its library",
        oldest = ort::MINOR_VERSION
    )]
    Unusable {
        /// Which library, and what is wrong with it.
        reason: String,
    },
    /// What was found was built without CUDA.
    #[error(
        "the ONNX Runtime of {library} knows no CUDA\n\
         hint: pip install onnxruntime-gpu in place of onnxruntime, or leave out --engine",
        library = library.display()
    )]
    NoCuda {
        /// The library.
        library: PathBuf,
    },
}

impl OnnxRuntime {
    /// Loads the first library that can be used, unless this process has one already.
    pub(super) fn load(config: &LibraryConfig) -> std::result::Result<Self, NoOnnxRuntime> {
        if !CAN_BE_LOADED {
            return Err(NoOnnxRuntime::Static);
        }
        match LOADED.or_first(config.of_onnx_runtime(), Self::load_library) {
            Ok(runtime) => Ok(runtime),
            Err(Some(reason)) => Err(NoOnnxRuntime::Unusable { reason }),
            Err(None) => Err(NoOnnxRuntime::NotFound),
        }
    }

    /// The same on a GPU.
    pub(super) fn load_cuda(config: &LibraryConfig) -> std::result::Result<Self, NoOnnxRuntime> {
        let runtime = Self::load(config)?;
        if CUDA::is_available().unwrap_or(false) {
            return Ok(Self { on_cuda: true, ..runtime });
        }
        Err(NoOnnxRuntime::NoCuda { library: runtime.library })
    }

    fn load_library(library: PathBuf) -> std::result::Result<Self, String> {
        let builder = ort::init_from(&library).map_err(|error| error.to_string())?;
        let environment = builder.with_name("linprobe").with_telemetry(false).build();
        let environment = environment.map_err(|error| error.to_string())?;
        // What it warns of are the machine's missing accelerators.
        environment.set_log_level(LogLevel::Error);
        Ok(Self { environment, library, on_cuda: false })
    }
}

impl OnnxRuntime {
    /// In single precision all through: TF32 keeps ten bits of a number. A GPU that cannot be used is an error, no
    /// reason to go on without it.
    fn builder(&self) -> std::result::Result<SessionBuilder, EngineError> {
        let builder = Session::builder(&self.environment)?;
        if !self.on_cuda {
            return Ok(builder);
        }
        let cuda = CUDA::default().with_tf32(false).build().error_on_failure();
        // The error would bring the builder back, which not every thread may have.
        Ok(builder.with_execution_providers([cuda]).map_err(ort::Error::<()>::from)?)
    }
}

impl GraphEngine for OnnxRuntime {
    fn name(&self) -> String {
        let device = if self.on_cuda { " on CUDA" } else { "" };
        format!("ONNX Runtime{device} ({})", self.library.display())
    }

    fn open(&self, graph: &Path) -> std::result::Result<Arc<dyn Graph>, EngineError> {
        let session = self.builder()?.commit_from_file(graph)?;
        Ok(Arc::new(OpenSession { session: Mutex::new(session) }))
    }

    fn read(&self, graph: &[u8]) -> std::result::Result<Arc<dyn Graph>, EngineError> {
        let session = self.builder()?.commit_from_memory(graph)?;
        Ok(Arc::new(OpenSession { session: Mutex::new(session) }))
    }
}

#[derive(Debug)]
struct OpenSession {
    session: Mutex<Session>,
}

impl Graph for OpenSession {
    fn run(&self, feeds: &[Feed<'_>], output: &str) -> Result<Tensor> {
        let feeds: Vec<_> = feeds.iter().map(value).collect::<Result<_>>()?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(feeds).map_err(candle_core::Error::wrap)?;
        let Some(output) = outputs.get(output) else {
            candle_core::bail!("the graph gave no {output}")
        };
        match output.dtype().tensor_type() {
            Some(TensorElementType::Float16) => tensor::<f16>(output),
            _ => tensor::<f32>(output),
        }
    }
}

/// What ONNX Runtime has computed, in single precision.
fn tensor<T: PrimitiveTensorElementType + WithDType>(output: &DynValue) -> Result<Tensor> {
    let (shape, values) = output.try_extract_tensor::<T>().map_err(candle_core::Error::wrap)?;
    let shape: Vec<_> = shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    Tensor::from_slice(values, shape, &Device::Cpu)?.to_dtype(DType::F32)
}

/// A tensor as ONNX Runtime takes it.
fn value<'a>(feed: &Feed<'a>) -> Result<(&'a str, SessionInputValue<'static>)> {
    let shape = feed.tensor.dims().to_vec();
    let flat = feed.tensor.flatten_all()?;
    let value = match flat.dtype() {
        DType::I32 => Value::from_array((shape, flat.to_vec1::<i32>()?)).map(Into::into),
        DType::I64 => Value::from_array((shape, flat.to_vec1::<i64>()?)).map(Into::into),
        DType::F16 => Value::from_array((shape, flat.to_vec1::<f16>()?)).map(Into::into),
        _ => Value::from_array((shape, flat.to_vec1::<f32>()?)).map(Into::into),
    };
    Ok((feed.name, value.map_err(candle_core::Error::wrap)?))
}
