//! From text to the token ids that a model was trained on.

use linprobe_core::{BadContent, Input};
use serde::Deserialize;
use tokenizers::{Tokenizer, TruncationParams};

use crate::{folder::ModelFolder, open::OpenError};

/// The tokenizer itself, as Hugging Face's fast tokenizers save it.
const TOKENIZER: &str = "tokenizer.json";

/// Tokenizes as `tokenizer.json` says, cut to the length that the model takes.
#[derive(Debug)]
pub(crate) struct TextProcessor {
    tokenizer: Tokenizer,
    prompt: String,
    lower_case: bool,
}

impl TextProcessor {
    /// Reads a tokenizer. `max_positions` is what the model can take at most.
    pub(crate) fn open(folder: &mut ModelFolder, max_positions: usize) -> Result<Self, OpenError> {
        let bytes = folder.bytes(TOKENIZER)?;
        let tokenizer: TokenizerConfig =
            folder.json_if_there("tokenizer_config.json")?.unwrap_or_default();
        let sentence: SentenceConfig =
            folder.json_if_there("sentence_bert_config.json")?.unwrap_or_default();
        let prompts: PromptConfig =
            folder.json_if_there("config_sentence_transformers.json")?.unwrap_or_default();
        let max_length = sentence.max_seq_length.unwrap_or_else(|| tokenizer.max_length());
        let tokenizer = load(&bytes, max_length.min(max_positions))
            .map_err(|source| folder.bad(TOKENIZER, source.to_string()))?;
        Ok(Self { tokenizer, prompt: prompts.default_prompt(), lower_case: sentence.do_lower_case })
    }

    /// The token ids of a text, special tokens included.
    pub(crate) fn process(&self, text: &str) -> Result<Input, BadContent> {
        let text = format!("{}{text}", self.prompt);
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

/// `sentence_bert_config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}

/// `config_sentence_transformers.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptConfig {
    prompts: std::collections::BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

impl PromptConfig {
    /// What stands before every text for which no other prompt is asked.
    fn default_prompt(mut self) -> String {
        self.default_prompt_name.and_then(|name| self.prompts.remove(&name)).unwrap_or_default()
    }
}
