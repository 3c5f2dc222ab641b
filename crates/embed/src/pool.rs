//! From the hidden states of a text's tokens to one vector, as `modules.json` says.
//!
//! The modules are those of sentence-transformers. A folder without `modules.json` is a bare
//! encoder, whose tokens are averaged, as sentence-transformers does it, too. Models of pictures
//! and texts have one way of their own, and the linear layer that leads into the shared space.

use std::collections::BTreeMap;

use candle_core::{D, Tensor};
use candle_nn::{Linear, Module, linear_b};
use linprobe_tensors::onnx::Number;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    folder::ModelFolder,
    model::{
        batch::TextBatch,
        emit::{Edge, Emitter},
    },
    open::OpenError,
    weights,
};

/// Names the modules of a sentence encoder.
pub(crate) const MODULES: &str = "modules.json";

/// What stands after the encoder.
#[derive(Debug)]
pub(crate) struct Pooler {
    modes: Vec<Mode>,
    dense: Vec<Dense>,
}

/// How the hidden states of a text become one vector. With several modes they are laid end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Cls,
    Lasttoken,
    Max,
    Mean,
    MeanSqrtLenTokens,
    #[serde(skip)]
    End(EndToken),
    /// The model has pooled already: what it gives are vectors.
    #[serde(skip)]
    Given,
}

/// Which token stands for the whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndToken {
    /// The first of this id; the first of all where there is none.
    Id(u32),
    /// The first one of the highest id.
    HighestId,
}

impl Pooler {
    /// One way of pooling, and a linear layer after it.
    pub(crate) fn projected(mode: Mode, linear: Linear) -> Self {
        let dense = Dense { linear, activation: DenseActivation::Identity };
        Self { modes: vec![mode], dense: vec![dense] }
    }

    /// The mean of the hidden states.
    pub(crate) fn mean() -> Self {
        Self { modes: vec![Mode::Mean], dense: Vec::new() }
    }

    /// None: the model gives vectors.
    pub(crate) fn given() -> Self {
        Self { modes: vec![Mode::Given], dense: Vec::new() }
    }

    /// Reads the modules that follow the encoder.
    pub(crate) fn open(folder: &mut ModelFolder) -> Result<Self, OpenError> {
        let mut pooler = Self::mean();
        let modules: Vec<ModuleConfig> = folder.json_if_there(MODULES)?.unwrap_or_default();
        for module in modules {
            match module.kind() {
                "Transformer" if module.path.is_empty() => {}
                "Pooling" => pooler.modes = pooling(folder, &module.path)?,
                "Dense" => pooler.dense.push(Dense::open(folder, &module.path)?),
                // Every embedding is normalized, whatever the model says.
                "Normalize" => {}
                _ => return Err(folder.bad(MODULES, module.unsupported())),
            }
        }
        Ok(pooler)
    }

    /// The number of coordinates that come out for hidden states of a size.
    pub(crate) fn dimension(&self, hidden_size: usize) -> usize {
        let pooled = hidden_size * self.modes.len();
        self.dense.last().map_or(pooled, Dense::dimension)
    }

    /// Hidden states `texts x tokens x hidden` to vectors `texts x dimension`.
    pub(crate) fn forward(
        &self,
        hidden: &Tensor,
        batch: &TextBatch<'_>,
    ) -> candle_core::Result<Tensor> {
        let pooled: Vec<_> =
            self.modes.iter().map(|mode| mode.pool(hidden, batch)).collect::<Result<_, _>>()?;
        let pooled = Tensor::cat(&pooled, D::Minus1)?;
        self.dense.iter().try_fold(pooled, |vectors, dense| dense.forward(&vectors))
    }

    /// The same in a graph.
    pub(crate) fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> candle_core::Result<Edge> {
        let pooled: Vec<_> = self.modes.iter().map(|mode| mode.emit(emitter, hidden)).collect();
        let pooled = emitter.concat(&pooled.iter().collect::<Vec<_>>(), -1);
        self.dense.iter().try_fold(pooled, |vectors, dense| dense.emit(emitter, &vectors))
    }
}

impl Mode {
    fn pool(self, hidden: &Tensor, batch: &TextBatch<'_>) -> candle_core::Result<Tensor> {
        match self {
            Self::Cls => hidden.narrow(1, 0, 1)?.squeeze(1),
            Self::Lasttoken => pick(hidden, batch, |tokens| tokens.len().saturating_sub(1)),
            Self::End(end) => pick(hidden, batch, |tokens| end.position(tokens)),
            Self::Given => Ok(hidden.clone()),
            Self::Max => match batch.padding()? {
                Some(padding) => hidden.broadcast_add(&padding.unsqueeze(2)?)?.max(1),
                None => hidden.max(1),
            },
            Self::Mean => sum(hidden, batch)?.broadcast_div(&batch.lengths()?),
            Self::MeanSqrtLenTokens => sum(hidden, batch)?.broadcast_div(&batch.lengths()?.sqrt()?),
        }
    }

    /// The same in a graph.
    fn emit(self, emitter: &mut Emitter, hidden: &Edge) -> Edge {
        match self {
            Self::Cls => emitter.pick(hidden, 0, 1),
            Self::Lasttoken => {
                let n_tokens = emit_lengths(emitter);
                let n_tokens = emitter.cast(&n_tokens, Number::I64);
                let n_tokens = emitter.reshape(&n_tokens, &[-1]);
                let one = emitter.integers(&[1]);
                let last = emitter.apply("Sub", &[&n_tokens, &one], &[]);
                emitter.token(hidden, &last)
            }
            Self::End(end) => {
                let place = end.emit(emitter);
                emitter.token(hidden, &place)
            }
            Self::Given => hidden.clone(),
            Self::Max => {
                let marks = emitter.marks();
                let marks = emitter.reshape(&marks, &[0, -1, 1]);
                let marked = emitter.apply("Add", &[hidden, &marks], &[]);
                emitter.highest(&marked)
            }
            Self::Mean => {
                let [sum, n_tokens] = [emit_sum(emitter, hidden), emit_lengths(emitter)];
                emitter.apply("Div", &[&sum, &n_tokens], &[])
            }
            Self::MeanSqrtLenTokens => {
                let [sum, n_tokens] = [emit_sum(emitter, hidden), emit_lengths(emitter)];
                let root = emitter.apply("Sqrt", &[&n_tokens], &[]);
                emitter.apply("Div", &[&sum, &root], &[])
            }
        }
    }
}

/// The sum of the hidden states of each text.
fn emit_sum(emitter: &mut Emitter, hidden: &Edge) -> Edge {
    let mask = emitter.mask();
    let mask = emitter.cast(&mask, Number::F32);
    emitter.weighted_sum(hidden, &mask)
}

/// How many tokens each text has: `texts x 1`.
fn emit_lengths(emitter: &mut Emitter) -> Edge {
    let mask = emitter.mask();
    let mask = emitter.cast(&mask, Number::F32);
    let tokens = emitter.reshape(&mask, &[0, -1, 1]);
    emit_sum(emitter, &tokens)
}

impl EndToken {
    fn position(self, tokens: &[u32]) -> usize {
        let wanted = match self {
            Self::Id(id) => Some(id),
            Self::HighestId => tokens.iter().max().copied(),
        };
        tokens.iter().position(|&token| Some(token) == wanted).unwrap_or(0)
    }

    /// The place of each text's in a graph: `texts`.
    fn emit(self, emitter: &mut Emitter) -> Edge {
        let ids = Emitter::given_ids();
        let marks = match self {
            Self::Id(id) => {
                let id = emitter.integers(&[id.into()]);
                emitter.apply("Equal", &[&ids, &id], &[])
            }
            Self::HighestId => ids,
        };
        let marks = emitter.cast(&marks, Number::F32);
        emitter.highest_place(&marks)
    }
}

/// The hidden state of one token of each text.
fn pick(
    hidden: &Tensor,
    batch: &TextBatch<'_>,
    position: impl Fn(&[u32]) -> usize,
) -> candle_core::Result<Tensor> {
    let texts = batch.texts().iter().enumerate();
    let picked = texts.map(|(row, text)| hidden.get(row)?.get(position(text.value)));
    Tensor::stack(&picked.collect::<candle_core::Result<Vec<_>>>()?, 0)
}

fn sum(hidden: &Tensor, batch: &TextBatch<'_>) -> candle_core::Result<Tensor> {
    match batch.mask()? {
        Some(mask) => hidden.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1),
        None => hidden.sum(1),
    }
}

/// A linear layer with an activation after the pooling.
#[derive(Debug)]
struct Dense {
    linear: Linear,
    activation: DenseActivation,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum DenseActivation {
    #[serde(rename = "torch.nn.modules.activation.Tanh")]
    Tanh,
    #[serde(rename = "torch.nn.modules.linear.Identity")]
    Identity,
}

impl Dense {
    fn open(folder: &mut ModelFolder, path: &str) -> Result<Self, OpenError> {
        let config: DenseConfig = folder.json(&format!("{path}/config.json"))?;
        let weights = weights::map_in(folder, &format!("{path}/"))?;
        let linear =
            linear_b(config.in_features, config.out_features, config.bias, weights.pp("linear"))
                .map_err(|source| OpenError::weights(folder.path(), source))?;
        Ok(Self { linear, activation: config.activation_function })
    }

    fn dimension(&self) -> usize {
        self.linear.weight().dims()[0]
    }

    fn forward(&self, vectors: &Tensor) -> candle_core::Result<Tensor> {
        let projected = self.linear.forward(vectors)?;
        match self.activation {
            DenseActivation::Tanh => projected.tanh(),
            DenseActivation::Identity => Ok(projected),
        }
    }

    fn emit(&self, emitter: &mut Emitter, vectors: &Edge) -> candle_core::Result<Edge> {
        let weights = emitter.weights(&self.linear.weight().t()?)?;
        let mut projected = emitter.apply("MatMul", &[vectors, &weights], &[]);
        if let Some(bias) = self.linear.bias() {
            let bias = emitter.weights(bias)?;
            projected = emitter.apply("Add", &[&projected, &bias], &[]);
        }
        Ok(match self.activation {
            DenseActivation::Tanh => emitter.apply("Tanh", &[&projected], &[]),
            DenseActivation::Identity => projected,
        })
    }
}

/// The configuration of a `Dense` module.
#[derive(Debug, Deserialize)]
struct DenseConfig {
    in_features: usize,
    out_features: usize,
    bias: bool,
    activation_function: DenseActivation,
}

/// A line of `modules.json`.
#[derive(Debug, Deserialize)]
struct ModuleConfig {
    path: String,
    #[serde(rename = "type")]
    class: String,
}

impl ModuleConfig {
    /// The class without its Python module, which has moved over time.
    fn kind(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or_default()
    }

    fn unsupported(&self) -> String {
        format!("the module {} in {:?} is not supported", self.class, self.path)
    }
}

/// The configuration of a `Pooling` module: modes by name, in older files by a flag for each.
#[derive(Debug, Deserialize)]
struct PoolingConfig {
    pooling_mode: Option<OneOrMany>,
    #[serde(flatten)]
    flags: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Mode),
    Many(Vec<Mode>),
}

/// The modes in the order in which their vectors are laid end to end, by their flags; none where
/// this crate does not know the mode.
const FLAGS: [(&str, Option<Mode>); 6] = [
    ("pooling_mode_cls_token", Some(Mode::Cls)),
    ("pooling_mode_max_tokens", Some(Mode::Max)),
    ("pooling_mode_mean_tokens", Some(Mode::Mean)),
    ("pooling_mode_mean_sqrt_len_tokens", Some(Mode::MeanSqrtLenTokens)),
    ("pooling_mode_weightedmean_tokens", None),
    ("pooling_mode_lasttoken", Some(Mode::Lasttoken)),
];

fn pooling(folder: &mut ModelFolder, path: &str) -> Result<Vec<Mode>, OpenError> {
    let file = format!("{path}/config.json");
    let config: PoolingConfig = folder.json(&file)?;
    config.modes().map_err(|flag| folder.bad(&file, format!("{flag} is not supported")))
}

impl PoolingConfig {
    /// The modes, or the flag of one that is not supported.
    fn modes(self) -> Result<Vec<Mode>, &'static str> {
        match self.pooling_mode {
            Some(OneOrMany::One(mode)) => return Ok(vec![mode]),
            Some(OneOrMany::Many(modes)) => return Ok(modes),
            None => {}
        }
        let is_set = |flag: &str| self.flags.get(flag) == Some(&Value::Bool(true));
        let set = FLAGS.into_iter().filter(|(flag, _)| is_set(flag));
        let modes: Vec<_> = set.map(|(flag, mode)| mode.ok_or(flag)).collect::<Result<_, _>>()?;
        Ok(if modes.is_empty() { vec![Mode::Mean] } else { modes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(config: &str) -> Result<Vec<Mode>, &'static str> {
        serde_json::from_str::<PoolingConfig>(config).unwrap().modes()
    }

    #[test]
    fn modes_are_read_from_files_of_every_age() {
        assert_eq!(modes(r#"{"pooling_mode": "cls"}"#), Ok(vec![Mode::Cls]));
        let old = r#"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}"#;
        assert_eq!(modes(old), Ok(vec![Mode::Cls, Mode::Mean]));
        assert_eq!(modes(r#"{"word_embedding_dimension": 8}"#), Ok(vec![Mode::Mean]));
    }

    #[test]
    fn a_mode_that_is_not_known_is_named() {
        let old = r#"{"pooling_mode_weightedmean_tokens": true}"#;
        assert_eq!(modes(old), Err("pooling_mode_weightedmean_tokens"));
    }

    #[test]
    fn a_text_ends_at_its_first_end_token() {
        let tokens = [406, 5, 2, 407, 407];
        assert_eq!(EndToken::HighestId.position(&tokens), 3);
        assert_eq!(EndToken::Id(407).position(&tokens), 3);
        assert_eq!(EndToken::Id(5).position(&tokens), 1);
        assert_eq!(EndToken::Id(9).position(&tokens), 0);
    }
}
