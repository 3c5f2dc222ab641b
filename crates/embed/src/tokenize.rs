//! From text to the token ids that a model was trained on.

mod prompts;

use linprobe_core::{BadContent, Input};
use serde::Deserialize;
use tokenizers::{PaddingDirection, PaddingParams, PaddingStrategy, Tokenizer, TruncationParams};

use self::prompts::Prompts;
use crate::{folder::ModelFolder, open::OpenError};

/// The tokenizer itself, as Hugging Face's fast tokenizers save it.
const TOKENIZER: &str = "tokenizer.json";

/// What the class that reads the tokenizer has to know.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// Tokenizes as `tokenizer.json` says, cut to the length that the model takes.
#[derive(Debug)]
pub(crate) struct TextProcessor {
    tokenizer: Tokenizer,
    prompts: Prompts,
    lower_case: bool,
}

impl TextProcessor {
    /// Reads a tokenizer. `max_positions` is what the model can take at most.
    pub(crate) fn open(folder: &mut ModelFolder, max_positions: usize) -> Result<Self, OpenError> {
        let bytes = folder.bytes(TOKENIZER)?;
        let tokenizer: TokenizerConfig =
            folder.json_if_there(TOKENIZER_CONFIG)?.unwrap_or_default();
        let sentence: SentenceConfig =
            folder.json_if_there("sentence_bert_config.json")?.unwrap_or_default();
        let prompts = Prompts::open(folder)?;
        let max_length = sentence.max_seq_length.unwrap_or_else(|| tokenizer.max_length());
        let tokenizer = load(&bytes, max_length.min(max_positions))
            .map_err(|source| folder.bad(TOKENIZER, source.to_string()))?;
        Ok(Self { tokenizer, prompts, lower_case: sentence.do_lower_case })
    }

    /// Reads the tokenizer of a model that sees padding, and texts of one length alone.
    pub(crate) fn open_padded(folder: &mut ModelFolder, length: usize) -> Result<Self, OpenError> {
        let mut processor = Self::open(folder, length)?;
        let config: PaddingConfig = folder.json(TOKENIZER_CONFIG)?;
        let padding = config.padding(&processor.tokenizer, length);
        let padding =
            padding.ok_or_else(|| folder.bad(TOKENIZER_CONFIG, "it names no padding token"))?;
        processor.tokenizer.with_padding(Some(padding));
        Ok(processor)
    }

    /// The token ids of a record, special tokens included.
    pub(crate) fn process(&self, text: &str) -> Result<Input, BadContent> {
        self.tokenize(format!("{}{text}", self.prompts.record))
    }

    /// The token ids of what records are searched for by.
    pub(crate) fn process_query(&self, text: &str) -> Result<Input, BadContent> {
        self.tokenize(format!("{}{text}", self.prompts.query))
    }

    fn tokenize(&self, text: String) -> Result<Input, BadContent> {
        let text = if self.lower_case { text.to_lowercase() } else { text };
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|source| BadContent::Undecodable(format!("cannot tokenize it: {source}")))?;
        Ok(Input::Tokens(encoding.get_ids().to_vec()))
    }
}

fn load(bytes: &[u8], max_length: usize) -> tokenizers::Result<Tokenizer> {
    let mut tokenizer = Tokenizer::from_bytes(bytes)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(TruncationParams { max_length, ..Default::default() }))?;
    Ok(tokenizer)
}

/// `tokenizer_config.json`.
#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    /// Some tokenizers write 1e30 where there is no limit.
    model_max_length: Option<f64>,
}

impl TokenizerConfig {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    fn max_length(&self) -> usize {
        self.model_max_length.map_or(usize::MAX, |length| length as usize)
    }
}

/// How texts are padded, of `tokenizer_config.json`.
#[derive(Debug, Deserialize)]
struct PaddingConfig {
    pad_token: Option<TokenConfig>,
    padding_side: Option<String>,
}

/// A token by itself, or with how it is found in texts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TokenConfig {
    Content(String),
    Added { content: String },
}

impl PaddingConfig {
    /// None where no token of the tokenizer is the padding token.
    fn padding(self, tokenizer: &Tokenizer, length: usize) -> Option<PaddingParams> {
        let (TokenConfig::Content(pad_token) | TokenConfig::Added { content: pad_token }) =
            self.pad_token?;
        let direction = match self.padding_side.as_deref() {
            Some("left") => PaddingDirection::Left,
            _ => PaddingDirection::Right,
        };
        let strategy = PaddingStrategy::Fixed(length);
        let pad_id = tokenizer.token_to_id(&pad_token)?;
        Some(PaddingParams { strategy, direction, pad_id, pad_token, ..Default::default() })
    }
}

/// `sentence_bert_config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}
