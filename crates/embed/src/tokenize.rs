//! From text to the token ids that a model was trained on.

mod mend;
mod prompts;

use std::fmt::Display;

use linprobe_core::{BadContent, Input};
use serde::Deserialize;
use tokenizers::{PaddingDirection, PaddingParams, PaddingStrategy, Tokenizer, TruncationParams};
use unicode_normalization_alignments::UnicodeNormalization;

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
    cleaning: Cleaning,
    /// Whether texts are mended first.
    mends: bool,
    /// The token in whose place padding is put, of which the id is 0.
    blanked: Option<u32>,
    /// Of models that read words alone.
    bare: Option<Bare>,
}

/// What a model does not read that reads words alone, no special tokens.
#[derive(Debug)]
struct Bare {
    /// The token that stands for what the vocabulary cannot spell.
    unknown: Option<u32>,
    /// Characters past this number.
    max_chars: usize,
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
        let cleaning = if sentence.do_lower_case { Cleaning::Lower } else { Cleaning::AsIs };
        Ok(Self { tokenizer, prompts, cleaning, mends: false, blanked: None, bare: None })
    }

    /// Reads the tokenizer of a model that reads words alone, up to a number of tokens.
    pub(crate) fn open_bare(
        folder: &mut ModelFolder,
        max_length: Option<usize>,
    ) -> Result<Self, OpenError> {
        let bytes = folder.bytes(TOKENIZER)?;
        let max_length = max_length.unwrap_or(usize::MAX);
        let bad = |source: &dyn Display| folder.bad(TOKENIZER, source.to_string());
        let tokenizer = load(&bytes, max_length).map_err(|source| bad(&source))?;
        let Vocabulary { model } = serde_json::from_slice(&bytes).map_err(|source| bad(&source))?;
        let unknown = model.unknown(&tokenizer);
        let max_chars = max_length.saturating_mul(median_length(&tokenizer));
        let bare = Some(Bare { unknown, max_chars });
        let (prompts, cleaning) = (Prompts::default(), Cleaning::default());
        Ok(Self { tokenizer, prompts, cleaning, mends: false, blanked: None, bare })
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

    /// The same over texts that are mended, and cleaned in a way.
    pub(crate) fn mending(self, cleaning: Cleaning) -> Self {
        Self { cleaning, mends: true, ..self }
    }

    /// The same with the id 0 in place of the token that separates texts, which stands at their end.
    pub(crate) fn without_separators(self, folder: &mut ModelFolder) -> Result<Self, OpenError> {
        let SeparatorConfig { sep_token } = folder.json(TOKENIZER_CONFIG)?;
        let id = sep_token.and_then(|token| self.tokenizer.token_to_id(token.content()));
        let bad = || folder.bad(TOKENIZER_CONFIG, "it names no token that separates texts");
        Ok(Self { blanked: Some(id.ok_or_else(bad)?), ..self })
    }

    /// The id of the token that stands for nothing; none where no file tells.
    pub(crate) fn padding(&self, folder: &mut ModelFolder) -> Result<Option<u32>, OpenError> {
        let config: Option<PaddingConfig> = folder.json_if_there(TOKENIZER_CONFIG)?;
        let padding = config.and_then(|config| config.padding(&self.tokenizer, 0));
        Ok(padding.map(|padding| padding.pad_id))
    }

    /// The token ids of a record, special tokens included.
    pub(crate) fn process(&self, text: &str) -> Result<Input, BadContent> {
        self.tokenize(format!("{}{text}", self.prompts.record))
    }

    /// The token ids of what records are searched for by.
    pub(crate) fn process_query(&self, text: &str) -> Result<Input, BadContent> {
        self.tokenize(format!("{}{text}", self.prompts.query))
    }

    /// The number of tokens that there are.
    pub(crate) fn n_tokens(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    fn tokenize(&self, text: String) -> Result<Input, BadContent> {
        let text = self.cleaning.clean(if self.mends { mend::mended(&text) } else { text });
        let Some(Bare { unknown, max_chars }) = &self.bare else {
            return self.ids(text, true).map(Input::Tokens);
        };
        let text = text.chars().take(*max_chars).collect();
        let mut ids = self.ids(text, false)?;
        ids.retain(|id| Some(*id) != *unknown);
        if ids.is_empty() {
            let reason = "the text holds no word that the model knows";
            return Err(BadContent::Undecodable(reason.to_owned()));
        }
        Ok(Input::Tokens(ids))
    }

    fn ids(&self, text: String, with_special_tokens: bool) -> Result<Vec<u32>, BadContent> {
        let encoding = self
            .tokenizer
            .encode_fast(text, with_special_tokens)
            .map_err(|source| BadContent::Undecodable(format!("cannot tokenize it: {source}")))?;
        let blanked = |id: &u32| if Some(*id) == self.blanked { 0 } else { *id };
        Ok(encoding.get_ids().iter().map(blanked).collect())
    }
}

/// What becomes of a text before it is cut into tokens, by OpenCLIP's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cleaning {
    /// Nothing.
    #[default]
    #[serde(skip)]
    AsIs,
    /// One space between words.
    Whitespace,
    Lower,
    /// Lower case, in normal form C, without punctuation and what cannot be seen, one space between words, as SigLIP was
    /// trained.
    Canonicalize,
}

impl Cleaning {
    fn clean(self, text: String) -> String {
        match self {
            Self::AsIs => text,
            Self::Whitespace => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Self::Lower => text.to_lowercase(),
            Self::Canonicalize => {
                let is_lost =
                    |c: char| c.is_ascii_punctuation() || c.is_control() && !c.is_whitespace();
                let text: String = text.nfc().map(|(c, _)| c).collect();
                let text = text.replace('_', " ").replace(is_lost, "").to_lowercase();
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// The middle one of the lengths of all tokens, in characters, by which model2vec cuts texts before
/// it tokenizes them; of two in the middle, their mean.
fn median_length(tokenizer: &Tokenizer) -> usize {
    let vocabulary = tokenizer.get_vocab(true);
    let mut lengths: Vec<_> = vocabulary.keys().map(|token| token.chars().count()).collect();
    lengths.sort_unstable();
    let middle = |n: usize| lengths.get(n).copied().unwrap_or(0);
    let n_lower = lengths.len().saturating_sub(1) / 2;
    usize::midpoint(middle(n_lower), middle(lengths.len() / 2))
}

fn load(bytes: &[u8], max_length: usize) -> tokenizers::Result<Tokenizer> {
    let mut tokenizer = Tokenizer::from_bytes(bytes)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(TruncationParams { max_length, ..Default::default() }))?;
    Ok(tokenizer)
}

/// `tokenizer.json`, as far as it says what an unknown word becomes.
#[derive(Debug, Deserialize)]
struct Vocabulary {
    model: VocabularyModel,
}

#[derive(Debug, Deserialize)]
struct VocabularyModel {
    unk_token: Option<String>,
    /// Of unigram models.
    unk_id: Option<u32>,
}

impl VocabularyModel {
    fn unknown(&self, tokenizer: &Tokenizer) -> Option<u32> {
        self.unk_token.as_deref().map_or(self.unk_id, |token| tokenizer.token_to_id(token))
    }
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

/// What separates texts, of `tokenizer_config.json`.
#[derive(Debug, Deserialize)]
struct SeparatorConfig {
    sep_token: Option<TokenConfig>,
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

impl TokenConfig {
    fn content(&self) -> &str {
        match self {
            Self::Content(content) | Self::Added { content } => content,
        }
    }
}

impl PaddingConfig {
    /// None where no token of the tokenizer is the padding token.
    fn padding(self, tokenizer: &Tokenizer, length: usize) -> Option<PaddingParams> {
        let pad_token = self.pad_token?.content().to_owned();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `canonicalize_text` of OpenCLIP gives.
    #[test]
    fn a_text_in_canonical_form_has_no_capitals_no_punctuation_and_single_spaces() {
        let cleaned = |text: &str| Cleaning::Canonicalize.clean(text.to_owned());
        assert_eq!(cleaned("  A photo_of \t (the) Dog's\nÉtude!? "), "a photo of the dogs étude");
        assert_eq!(cleaned("—…"), "—…");
        assert_eq!(cleaned(" .,_"), "");
        assert_eq!(cleaned("a\0b e\u{301}"), "ab é");
    }
}
