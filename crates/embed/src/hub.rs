//! Which files of a model on the hub are needed to open it.
//!
//! A model that is in the cache is opened without a single request.

use linprobe_hub::{Download, HubError, Progress, Repo, RepoName, Snapshot};

use crate::{OpenError, onnx::GraphFiles};

/// The files of a model that stand beside its weights: small, and read before these.
const FILES: [&str; 9] = [
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors.index.json",
    "modules.json",
    "preprocessor_config.json",
    "processor_config.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// Says what a model of OpenCLIP is. Few have it, so nobody asks after it who has the others.
const OPEN_CLIP: &str = "open_clip_config.json";

/// Whether every file that matters is there, or is known not to exist. A tool that reads fewer
/// files leaves a snapshot without those that say how to pool, say.
pub(crate) fn is_complete(repo: &Repo<'_>, snapshot: &Snapshot) -> bool {
    let is_there = |file: &str| snapshot.folder.join(file).is_file();
    FILES.iter().all(|file| is_there(file) || repo.is_absent(&snapshot.commit, file))
}

/// A model that is being brought from the hub into the cache, configuration first.
#[derive(Debug)]
pub(crate) struct ModelDownload<'a> {
    name: &'a RepoName,
    download: Download<'a>,
}

impl<'a> ModelDownload<'a> {
    /// Asks the hub what the model consists of.
    pub(crate) fn start(
        name: &'a RepoName,
        repo: &'a Repo<'_>,
        progress: &Progress,
    ) -> Result<Self, HubError> {
        Ok(Self { name, download: repo.list(progress)? })
    }

    /// Fetches the files that say what the model is.
    ///
    /// # Errors
    /// [`HubError`], when a file cannot be brought here.
    pub(crate) fn fetch_configuration(&self) -> Result<Snapshot, HubError> {
        for file in FILES {
            if self.has(file) {
                self.fetch(file)?;
            } else {
                self.download.mark_absent(file)?;
            }
        }
        let is_wanted =
            |file: &&str| *file == OPEN_CLIP || module_file(file) == Some("config.json");
        self.files().filter(is_wanted).try_for_each(|file| self.fetch(file))?;
        self.download.finish()
    }

    /// Whether there are weights in one of these files.
    pub(crate) fn has_weights(&self, files: [&str; 2]) -> bool {
        self.main_weights(files).is_some()
    }

    /// Whether there are exported graphs.
    pub(crate) fn has_graphs(&self) -> bool {
        self.graphs().is_some()
    }

    /// Fetches the exported graphs, and the weights that stand beside them.
    ///
    /// # Errors
    /// [`OpenError::NoGraphOnHub`], or why a file cannot be brought here.
    pub(crate) fn fetch_graphs(&self) -> Result<(), OpenError> {
        let Some(graphs) = self.graphs() else {
            return Err(OpenError::NoGraphOnHub { name: self.name.to_string() });
        };
        let files = self.files().filter(|file| graphs.include(file));
        Ok(self.module_weights().into_iter().chain(files).try_for_each(|file| self.fetch(file))?)
    }

    fn graphs(&self) -> Option<GraphFiles> {
        GraphFiles::find(|file| self.has(file))
    }

    /// Fetches the weights, from the first of these files that there is.
    ///
    /// # Errors
    /// [`OpenError::NoWeightsOnHub`], or why a file cannot be brought here.
    pub(crate) fn fetch_weights(&self, files: [&str; 2]) -> Result<(), OpenError> {
        let Some(main) = self.main_weights(files) else {
            return Err(OpenError::NoWeightsOnHub { name: self.name.to_string() });
        };
        let modules = self.module_weights();
        Ok(modules.into_iter().chain(main).try_for_each(|file| self.fetch(file))?)
    }

    fn main_weights(&self, files: [&str; 2]) -> Option<Vec<&str>> {
        files.into_iter().find_map(|file| self.weights(file))
    }

    /// The file of that name, or its shards and their index; none where there is neither.
    fn weights(&self, single: &str) -> Option<Vec<&str>> {
        let index = format!("{single}.index.json");
        let is_whole = self.has(single);
        let is_part = |file: &str| file == index || is_shard(file, single);
        let is_wanted = |file: &&str| if is_whole { *file == single } else { is_part(file) };
        let files: Vec<_> = self.files().filter(is_wanted).collect();
        (!files.is_empty()).then_some(files)
    }

    /// Those of the modules that have some, in one format each.
    fn module_weights(&self) -> Vec<&str> {
        let named = |file: &str, name| module_file(file) == Some(name);
        let older = |file: &&str| {
            let newer = file.replace("pytorch_model.bin", "model.safetensors");
            named(file, "pytorch_model.bin") && !self.has(&newer)
        };
        let is_wanted = |file: &&str| named(file, "model.safetensors") || older(file);
        self.files().filter(is_wanted).collect()
    }

    fn files(&self) -> impl Iterator<Item = &str> {
        self.download.listing().files()
    }

    fn has(&self, file: &str) -> bool {
        self.download.listing().has(file)
    }

    fn fetch(&self, file: &str) -> Result<(), HubError> {
        self.download.fetch(file)
    }
}

/// The file's name where it belongs to a module of a sentence encoder: `1_Pooling/config.json`.
fn module_file(path: &str) -> Option<&str> {
    let (folder, file) = path.split_once('/')?;
    let number = folder.split('_').next()?;
    let is_module = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (is_module && folder.chars().all(is_name)).then_some(file)
}

/// Whether it is `model-00001-of-00002.safetensors` where `model.safetensors` is the whole.
fn is_shard(file: &str, single: &str) -> bool {
    let Some((stem, extension)) = single.split_once('.') else { return false };
    let number = file.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    number.is_some_and(|numbers| {
        numbers.chars().all(|c| c.is_ascii_digit() || c == '-' || c.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_of_modules_and_shards_are_taken_for_them() {
        assert_eq!(module_file("1_Pooling/config.json"), Some("config.json"));
        assert_eq!(module_file("onnx/config.json"), None);
        assert_eq!(module_file("1_../config.json"), None);
        let is_safe = |file| is_shard(file, "model.safetensors");
        assert!(is_safe("model-00001-of-00002.safetensors"));
        assert!(!is_safe("model-00001/of.safetensors"));
        assert!(!is_safe("model.fp16.safetensors"));
        assert!(is_shard("pytorch_model-00001-of-00002.bin", "pytorch_model.bin"));
    }
}
