//! What stands between batches and a graph: each input is told by its name, or by being the only
//! one, and given what it asks for.
//!
//! A graph of two towers wants both fed, so the one that is not asked gets one token or one blank
//! picture.

use std::{path::PathBuf, sync::Arc};

use candle_core::{DType, Device, Result, Tensor};

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
            let takes = if role == Role::Pixels {
                port.element == Element::F32
            } else {
                matches!(port.element, Element::I32 | Element::I64)
            };
            let shape = &port.shape;
            let is_free = role == Role::Pixels || shape.get(1).is_none_or(Option::is_none);
            match (takes, shape.first().copied().flatten().unwrap_or(1), is_free) {
                (true, 1, true) => Ok(Input { port: port.clone(), role }),
                (false, ..) => Err(format!("its input {} is of an unsupported type", port.name)),
                _ => Err(format!(
                    "its input {} has a fixed size, and takes no batch of any other",
                    port.name
                )),
            }
        });
        inputs.collect::<std::result::Result<_, _>>().map(Self)
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
    pub(super) output: String,
    /// Where the graph is, unless it was made here.
    pub(super) file: Option<PathBuf>,
    /// The size of the picture that the graph's other tower is given, where there is one.
    pub(super) blank: Option<Size>,
    /// Whether a picture is its class token.
    pub(super) picks_class: bool,
}

impl TextModel for Tower {
    /// Hidden states, or where the graph pools by itself, vectors: `texts x dimension`.
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let ids = batch.ids()?;
        self.run(|role| match role {
            Role::Ids => Ok(ids.clone()),
            Role::Mask => match batch.mask()? {
                Some(mask) => Ok(mask),
                None => ids.ones_like(),
            },
            Role::Types => ids.zeros_like(),
            Role::Positions => {
                let n_tokens = u32::try_from(batch.n_tokens()).map_err(candle_core::Error::wrap)?;
                Tensor::arange(0, n_tokens, &Device::Cpu)?.expand(ids.shape())
            }
            Role::Pixels => {
                let Some(Size { height, width }) = self.blank else {
                    candle_core::bail!("no size of pictures is known")
                };
                Tensor::zeros((1, 3, height, width), DType::F32, &Device::Cpu)
            }
        })
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        self.go_on(emitter)
    }
}

impl ImageModel for Tower {
    /// What the graph gives: hidden states or vectors.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        self.run(|role| match role {
            Role::Pixels => batch.pixels(),
            Role::Mask => Tensor::ones((1, 1), DType::U32, &Device::Cpu),
            Role::Ids | Role::Types | Role::Positions => {
                Tensor::zeros((1, 1), DType::U32, &Device::Cpu)
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
        let exported = begun(file, &self.inputs, &self.output);
        Ok(emitter.go_on_with(exported.map_err(candle_core::Error::wrap)?))
    }

    /// Runs the graph; one that was exported for a batch of one gets one at a time.
    fn run(&self, tensor: impl Fn(Role) -> Result<Tensor>) -> Result<Tensor> {
        let inputs = self.inputs.0.iter();
        let feeds = inputs.map(|input| input.feed(&tensor(input.role)?));
        let feeds: Vec<_> = feeds.collect::<Result<_>>()?;
        if !self.inputs.0.iter().any(Input::takes_one) {
            return self.graph.run(&feeds, &self.output);
        }
        let n_rows = feeds.iter().map(|feed| feed.tensor.dims()[0]).max().unwrap_or(0);
        let rows = (0..n_rows).map(|row| {
            let feeds: Vec<_> = feeds.iter().map(|feed| feed.row(row)).collect::<Result<_>>()?;
            self.graph.run(&feeds, &self.output)
        });
        Tensor::cat(&rows.collect::<Result<Vec<_>>>()?, 0)
    }
}

impl Input {
    /// Whether the graph was exported for a batch of one.
    fn takes_one(&self) -> bool {
        self.port.shape.first() == Some(&Some(1))
    }

    fn feed(&self, tensor: &Tensor) -> Result<Feed<'_>> {
        let dtype = match self.port.element {
            Element::I32 => DType::I32,
            Element::I64 => DType::I64,
            Element::F32 | Element::Other => DType::F32,
        };
        Ok(Feed { name: &self.port.name, tensor: tensor.to_dtype(dtype)? })
    }
}
