//! What runs a model: the kernels of this crate, or an engine for graphs.

use std::{fmt, str::FromStr};

/// What is asked to run a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// What is built in where it knows the model, else ONNX Runtime.
    #[default]
    Auto,
    /// The kernels of this program, over safetensors or PyTorch weights.
    BuiltIn,
    /// The same, with linear layers in bfloat16: faster where the processor has instructions for that.
    Bf16,
    /// ONNX Runtime, over an exported graph, or one that is made of the weights.
    OnnxRuntime,
    /// The same on an Nvidia GPU, through the CUDA provider of ONNX Runtime.
    Cuda,
    /// OpenVINO, over the same.
    OpenVino,
    /// The same in bfloat16.
    OpenVinoBf16,
}

const AUTO: &str = "auto";
const BUILT_IN: &str = "builtin";
const BF16: &str = "bf16";
const ONNX_RUNTIME: &str = "onnxruntime";
const CUDA: &str = "cuda";
const OPENVINO: &str = "openvino";
const OPENVINO_BF16: &str = "openvino-bf16";

impl Engine {
    /// The names of all.
    pub const NAMES: [&str; 7] =
        [AUTO, BUILT_IN, BF16, ONNX_RUNTIME, CUDA, OPENVINO, OPENVINO_BF16];
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => AUTO,
            Self::BuiltIn => BUILT_IN,
            Self::Bf16 => BF16,
            Self::OnnxRuntime => ONNX_RUNTIME,
            Self::Cuda => CUDA,
            Self::OpenVino => OPENVINO,
            Self::OpenVinoBf16 => OPENVINO_BF16,
        })
    }
}

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        match name {
            AUTO => Ok(Self::Auto),
            BUILT_IN => Ok(Self::BuiltIn),
            BF16 => Ok(Self::Bf16),
            ONNX_RUNTIME => Ok(Self::OnnxRuntime),
            CUDA => Ok(Self::Cuda),
            OPENVINO => Ok(Self::OpenVino),
            OPENVINO_BF16 => Ok(Self::OpenVinoBf16),
            _ => Err(UnknownEngine { name: name.to_owned() }),
        }
    }
}

/// A name that names no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no engine {name:?}\nhint: one of {}", Engine::NAMES.join(", "))]
pub struct UnknownEngine {
    /// The name given.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_engine() {
        for name in Engine::NAMES {
            assert_eq!(name.parse::<Engine>().unwrap().to_string(), name);
        }
        let unknown = "torch".parse::<Engine>().unwrap_err().to_string();
        assert!(
            unknown.ends_with(
                "hint: one of auto, builtin, bf16, onnxruntime, cuda, openvino, openvino-bf16"
            ),
            "{unknown}"
        );
    }
}
