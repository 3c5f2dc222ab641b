//! What stands between batches and a graph: each input is told by its name, or by being the only
//! one, and given what it asks for.
//!
//! A graph of two towers wants both fed, so the one that is not asked gets one token or one blank
//! picture.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use candle_core::{DType, Device, Result, Tensor};
use linprobe_tensors::onnx::Number;

use super::{
    exported::begun,
    graph::{Feed, Graph},
    signature::{Element, Port, Signature},
};
use crate::{
    image::Size,
    model::{
        batch::{ImageBatch, TextBatch},
        emit::{Edge, Emitter, INPUT_IDS, MASK, PIXELS},
        encoder::{ImageModel, TextModel},
    },
};

/// The names by which inputs are told.
const INPUTS: [(&str, Role); 5] = [
    (INPUT_IDS, Role::Ids),
    (MASK, Role::Mask),
    ("token_type_ids", Role::Types),
    ("position_ids", Role::Positions),
    (PIXELS, Role::Pixels),
];

/// What an input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Ids,
    Mask,
    Types,
    Positions,
    Pixels,
}

/// An input whose role is known.
#[derive(Clone, Debug)]
struct Input {
    port: Port,
    role: Role,
}

/// The inputs of a graph.
#[derive(Clone, Debug)]
pub(super) struct Inputs(Vec<Input>);

impl Inputs {
    /// Finds out what each input is for.
    ///
    /// # Errors
    /// Which of them nothing here can feed.
    pub(super) fn of(signature: &Signature) -> std::result::Result<Self, String> {
        let inputs = signature.inputs.iter().map(|port| {
            let role = role(port, &signature.inputs)?;
            let takes = match role {
                Role::Pixels => matches!(port.element, Element::F16 | Element::F32),
                _ => matches!(port.element, Element::I32 | Element::I64),
            };
            let input = takes.then(|| Input { port: port.clone(), role });
            input.ok_or_else(|| format!("its input {} is of an unsupported type", port.name))
        });
        let inputs = Self(inputs.collect::<std::result::Result<_, _>>()?);
        for (axis, sizes) in [("rows", inputs.rows()), ("tokens", inputs.tokens())] {
            if sizes.len() > 1 {
                return Err(format!("its inputs take different numbers of {axis}: {sizes:?}"));
            }
        }
        Ok(inputs)
    }

    /// How many texts or pictures a graph takes at once, where it takes no other number.
    fn n_rows(&self) -> Option<usize> {
        self.rows().first().copied()
    }

    /// How many tokens a graph takes, where it takes no other number.
    pub(super) fn n_tokens(&self) -> Option<usize> {
        self.tokens().first().copied()
    }

    fn rows(&self) -> BTreeSet<usize> {
        self.0.iter().filter_map(|input| input.port.size(0)).collect()
    }

    fn tokens(&self) -> BTreeSet<usize> {
        let texts = self.0.iter().filter(|input| input.role != Role::Pixels);
        texts.filter_map(|input| input.port.size(1)).collect()
    }

    /// Whether it reads texts.
    pub(super) fn has_texts(&self) -> bool {
        self.0.iter().any(|input| input.role == Role::Ids)
    }

    /// Whether it sees pictures.
    pub(super) fn has_pictures(&self) -> bool {
        self.0.iter().any(|input| input.role == Role::Pixels)
    }

    /// The name by which what goes in there is known; none of what is no input.
    pub(super) fn known_name(&self, name: &str) -> Option<&'static str> {
        let input = self.0.iter().find(|input| input.port.name == name)?;
        INPUTS.iter().find(|(_, role)| *role == input.role).map(|(name, _)| *name)
    }

    /// The size of pictures that a graph takes, as far as it is fixed.
    pub(super) fn picture(&self, otherwise: Size) -> std::result::Result<Size, String> {
        let pixels = self.0.iter().find(|input| input.role == Role::Pixels);
        match pixels.map(|input| input.port.shape.as_slice()) {
            Some(&[_, None | Some(3), height, width]) => Ok(Size {
                height: height.unwrap_or(otherwise.height),
                width: width.unwrap_or(otherwise.width),
            }),
            _ => Err("it takes no pictures of three colours, channel first".to_owned()),
        }
    }
}

fn role(port: &Port, all: &[Port]) -> std::result::Result<Role, String> {
    let known = INPUTS.iter().find(|(name, _)| *name == port.name).map(|(_, role)| *role);
    let is_picture = || all.len() == 1 && port.shape.len() == 4;
    known.or_else(|| is_picture().then_some(Role::Pixels)).ok_or_else(|| {
        let known = INPUTS.map(|(name, _)| name).join(", ");
        format!("nothing here can feed its input {:?}; these can be: {known}", port.name)
    })
}

/// A graph as one of its towers.
#[derive(Debug)]
pub(super) struct Tower {
    pub(super) graph: Arc<dyn Graph>,
    pub(super) inputs: Inputs,
    pub(super) output: Port,
    /// Where the graph is, unless it was made here.
    pub(super) file: Option<PathBuf>,
    /// The size of the picture that the graph's other tower is given, where there is one.
    pub(super) blank: Option<Size>,
    /// The token at which nobody looks, for graphs that take a number of tokens.
    pub(super) padding: u32,
    /// Whether a picture is its class token.
    pub(super) picks_class: bool,
}

impl TextModel for Tower {
    /// Hidden states, or where the graph pools by itself, vectors: `texts x dimension`.
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let n_tokens = batch.n_tokens();
        let length = self.inputs.n_tokens().unwrap_or(n_tokens);
        let Some(n_padding) = length.checked_sub(n_tokens) else {
            candle_core::bail!("a graph of {length} tokens is given {n_tokens}")
        };
        let ids = batch.padded_ids(length, self.padding)?;
        let hidden = self.run(|role| match role {
            Role::Ids => Ok(ids.clone()),
            Role::Mask => match batch.mask()? {
                Some(mask) => mask.pad_with_zeros(1, 0, n_padding),
                None => ids.narrow(1, 0, n_tokens)?.ones_like()?.pad_with_zeros(1, 0, n_padding),
            },
            Role::Types => ids.zeros_like(),
            Role::Positions => {
                let length = u32::try_from(length).map_err(candle_core::Error::wrap)?;
                Tensor::arange(0, length, &Device::Cpu)?.expand(ids.shape())
            }
            Role::Pixels => {
                let Some(Size { height, width }) = self.blank else {
                    candle_core::bail!("no size of pictures is known")
                };
                Tensor::zeros((1, 3, height, width), DType::F32, &Device::Cpu)
            }
        })?;
        if hidden.rank() == 3 { hidden.narrow(1, 0, n_tokens) } else { Ok(hidden) }
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        self.go_on(emitter)
    }
}

impl ImageModel for Tower {
    /// What the graph gives: hidden states or vectors.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let n_tokens = self.inputs.n_tokens().unwrap_or(1);
        self.run(|role| match role {
            Role::Pixels => batch.pixels(),
            Role::Mask => Tensor::ones((1, n_tokens), DType::U32, &Device::Cpu),
            Role::Ids | Role::Types | Role::Positions => {
                Tensor::zeros((1, n_tokens), DType::U32, &Device::Cpu)
            }
        })
    }

    /// Some graphs keep axes of one place for what they have averaged.
    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        if self.picks_class { hidden.narrow(1, 0, 1)?.squeeze(1) } else { hidden.flatten_from(1) }
    }

    fn emit(&self, emitter: &mut Emitter, _: &Edge) -> Result<Edge> {
        let hidden = self.go_on(emitter)?;
        Ok(if self.picks_class {
            emitter.pick(&hidden, 0, 1)
        } else {
            emitter.reshape(&hidden, &[0, -1])
        })
    }
}

impl Tower {
    /// Writes what was exported, in place of what was written so far.
    fn go_on(&self, emitter: &mut Emitter) -> Result<Edge> {
        let Some(file) = &self.file else { candle_core::bail!("it was made of weights") };
        let exported = begun(file, &self.inputs, &self.output.name);
        let given = emitter.go_on_with(exported.map_err(candle_core::Error::wrap)?);
        Ok(match self.output.element {
            Element::F16 => emitter.cast(&given, Number::F32),
            _ => given,
        })
    }

    /// Runs the graph; one that was exported for batches of a size gets so many at a time.
    fn run(&self, tensor: impl Fn(Role) -> Result<Tensor>) -> Result<Tensor> {
        let inputs = self.inputs.0.iter();
        let feeds = inputs.map(|input| input.feed(&tensor(input.role)?));
        let feeds: Vec<_> = feeds.collect::<Result<_>>()?;
        let Some(n_at_once) = self.inputs.n_rows() else {
            return self.graph.run(&feeds, &self.output.name);
        };
        let n_rows = feeds.iter().map(|feed| feed.tensor.dims()[0]).max().unwrap_or(0);
        let batches = (0..n_rows).step_by(n_at_once).map(|row| {
            let feeds = feeds.iter().map(|feed| feed.rows(row..row + n_at_once));
            let feeds: Vec<_> = feeds.collect::<Result<_>>()?;
            let given = self.graph.run(&feeds, &self.output.name)?;
            given.narrow(0, 0, n_at_once.min(n_rows - row))
        });
        Tensor::cat(&batches.collect::<Result<Vec<_>>>()?, 0)
    }
}

impl Input {
    fn feed(&self, tensor: &Tensor) -> Result<Feed<'_>> {
        let dtype = match self.port.element {
            Element::I32 => DType::I32,
            Element::I64 => DType::I64,
            Element::F16 => DType::F16,
            Element::F32 | Element::Other => DType::F32,
        };
        Ok(Feed { name: &self.port.name, tensor: tensor.to_dtype(dtype)? })
    }
}
