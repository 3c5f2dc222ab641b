//! OpenVINO, loaded while the program runs, where it is installed.
//!
//! A compiled graph runs one batch at a time, on all cores, so the threads that bring batches wait for each other.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Result, Tensor, WithDType};
use half::f16;
use openvino::{
    CompiledModel, Core, DeviceType, ElementType, InferenceError, Model, RwPropertyKey, Shape,
    Tensor as Value,
};

use super::{
    graph::{EngineError, Feed, Graph, GraphEngine},
    library::{CAN_BE_LOADED, LibraryConfig, Loaded},
};
use crate::model::kernel::Precision;

static LOADED: Loaded<PathBuf> = Loaded::nothing();

/// OpenVINO, ready to read graphs.
#[derive(Clone, Debug)]
pub(super) struct OpenVino {
    library: PathBuf,
    precision: Precision,
}

/// Why there is no OpenVINO.
#[derive(Debug, thiserror::Error)]
pub enum NoOpenVino {
    /// There is none where it is looked for.
    #[error(
        "OpenVINO is not installed where it is looked for\n\
         hint: pip install openvino, or set OPENVINO_DYLIB_PATH to its library libopenvino_c"
    )]
    NotFound,
    /// This program can load none.
    #[error(
        "OpenVINO is a library, and this linprobe is linked statically, so that it can load none\n\
         hint: use one that needs the system's C library: cargo install, or the Python package"
    )]
    Static,
    /// What was found cannot be used.
    #[error(
        "OpenVINO cannot be used: {reason}\n\
         hint: pip install --upgrade openvino, or set OPENVINO_DYLIB_PATH to its library \
         libopenvino_c"
    )]
    Unusable {
        /// Which library, and what is wrong with it.
        reason: String,
    },
}

impl OpenVino {
    /// Loads the first library that can be used, unless this process has one already.
    pub(super) fn load(
        config: &LibraryConfig,
        precision: Precision,
    ) -> std::result::Result<Self, NoOpenVino> {
        if !CAN_BE_LOADED {
            return Err(NoOpenVino::Static);
        }
        let load =
            |library: PathBuf| openvino_sys::library::load_from(library.clone()).map(|()| library);
        match LOADED.or_first(config.of_openvino(), load) {
            Ok(library) => Ok(Self { library, precision }),
            Err(Some(reason)) => Err(NoOpenVino::Unusable { reason }),
            Err(None) => Err(NoOpenVino::NotFound),
        }
    }

    fn compile(
        &self,
        read: impl FnOnce(&mut Core) -> std::result::Result<Model, InferenceError>,
    ) -> std::result::Result<Arc<dyn Graph>, EngineError> {
        let mut core = Core::new()?;
        // By itself it would compute in bfloat16 where the processor can.
        let precision = match self.precision {
            Precision::Single => "f32",
            Precision::Bf16 => "bf16",
        };
        core.set_property(&DeviceType::CPU, &RwPropertyKey::HintInferencePrecision, precision)?;
        let model = read(&mut core)?;
        let compiled = core.compile_model(&model, DeviceType::CPU)?;
        Ok(Arc::new(Compiled { model: Mutex::new(compiled) }))
    }
}

impl GraphEngine for OpenVino {
    fn name(&self) -> String {
        let precision = match self.precision {
            Precision::Single => "",
            Precision::Bf16 => "in bfloat16, ",
        };
        format!("OpenVINO ({precision}{})", self.library.display())
    }

    fn open(&self, graph: &Path) -> std::result::Result<Arc<dyn Graph>, EngineError> {
        let graph = graph.to_str().ok_or("its path is not UTF-8")?;
        self.compile(|core| core.read_model_from_file(graph, ""))
    }

    fn read(&self, graph: &[u8]) -> std::result::Result<Arc<dyn Graph>, EngineError> {
        self.compile(|core| core.read_model_from_buffer(graph, None))
    }
}

struct Compiled {
    model: Mutex<CompiledModel>,
}

impl Graph for Compiled {
    fn run(&self, feeds: &[Feed<'_>], output: &str) -> Result<Tensor> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let mut request = model.create_infer_request().map_err(candle_core::Error::wrap)?;
        for feed in feeds {
            let value = value(feed)?;
            request.set_tensor(feed.name, &value).map_err(candle_core::Error::wrap)?;
        }
        request.infer().map_err(candle_core::Error::wrap)?;
        let output = request.get_tensor(output).map_err(candle_core::Error::wrap)?;
        tensor(&output)
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}

/// A tensor as OpenVINO takes it.
fn value(feed: &Feed<'_>) -> Result<Value> {
    let flat = feed.tensor.flatten_all()?;
    let dims = feed.tensor.dims();
    let value = match flat.dtype() {
        DType::I32 => filled(ElementType::I32, dims, &flat.to_vec1::<i32>()?),
        DType::I64 => filled(ElementType::I64, dims, &flat.to_vec1::<i64>()?),
        DType::F16 => filled(ElementType::F16, dims, &flat.to_vec1::<f16>()?),
        _ => filled(ElementType::F32, dims, &flat.to_vec1::<f32>()?),
    };
    value.map_err(candle_core::Error::wrap)
}

fn filled<T: Copy>(
    element: ElementType,
    dims: &[usize],
    values: &[T],
) -> std::result::Result<Value, InferenceError> {
    let dims: Vec<i64> = dims.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect();
    let mut value = Value::new(element, &Shape::new(&dims)?)?;
    value.get_data_mut::<T>()?.copy_from_slice(values);
    Ok(value)
}

/// What OpenVINO has computed, in single precision.
fn tensor(value: &Value) -> Result<Tensor> {
    match value.get_element_type().map_err(candle_core::Error::wrap)? {
        ElementType::F16 => read::<f16>(value),
        _ => read::<f32>(value),
    }
}

fn read<T: WithDType>(value: &Value) -> Result<Tensor> {
    let shape = value.get_shape().map_err(candle_core::Error::wrap)?;
    let dims = shape.get_dimensions().iter();
    let dims: Vec<usize> = dims.map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    let values = value.get_data::<T>().map_err(candle_core::Error::wrap)?;
    Tensor::from_slice(values, dims, &Device::Cpu)?.to_dtype(DType::F32)
}
