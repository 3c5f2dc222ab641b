//! Where the hub and its cache are, as the environment says it to every tool of the family.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::BucketConfig;

/// The hub that is asked when the environment names no other.
const ENDPOINT: &str = "https://huggingface.co";

/// Each of these switches requests off.
const OFFLINE: [&str; 3] = ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"];

/// Where the hub and its cache are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubConfig {
    /// The cache: a folder `models--org--name` for every model, `datasets--org--name` for every dataset.
    pub cache: PathBuf,
    /// Where files are kept that were fetched by their addresses.
    pub downloads: PathBuf,
    /// The address of the hub.
    pub endpoint: String,
    /// Proves who asks, for what is not public.
    pub token: Option<String>,
    /// What opens buckets of objects.
    pub buckets: BucketConfig,
    /// Makes no request at all.
    pub offline: bool,
}

impl Default for HubConfig {
    /// As the environment of this process says.
    fn default() -> Self {
        Self::from_variables(|name| env::var(name).ok())
    }
}

impl HubConfig {
    /// As environment variables say, looked up by name: `HF_HUB_CACHE`, `HF_HOME`,
    /// `XDG_CACHE_HOME`, `LINPROBE_CACHE` for downloads, `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`,
    /// `HF_DATASETS_OFFLINE` and `TRANSFORMERS_OFFLINE`, which all mean what they mean to the tools of
    /// that family.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let variables = Variables { lookup };
        let home = variables.hf_home();
        let endpoint = variables.text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        Self {
            cache: variables
                .path("HF_HUB_CACHE")
                .or_else(|| variables.path("HUGGINGFACE_HUB_CACHE"))
                .unwrap_or_else(|| home.join("hub")),
            downloads: variables.downloads(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: variables.token(&home),
            buckets: BucketConfig::from_variables(&|name| variables.text(name)),
            offline: OFFLINE.iter().any(|name| variables.is_set(name)),
        }
    }
}

struct Variables<F> {
    lookup: F,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = self.text(name)?;
        match path.strip_prefix("~/") {
            Some(rest) => Some(self.home()?.join(rest)),
            None => Some(PathBuf::from(path)),
        }
    }

    fn home(&self) -> Option<PathBuf> {
        self.text("HOME").or_else(|| self.text("USERPROFILE")).map(PathBuf::from)
    }

    fn cache(&self) -> PathBuf {
        let home = || Some(self.home()?.join(".cache"));
        self.path("XDG_CACHE_HOME").or_else(home).unwrap_or_else(|| PathBuf::from(".cache"))
    }

    fn hf_home(&self) -> PathBuf {
        self.path("HF_HOME").unwrap_or_else(|| self.cache().join("huggingface"))
    }

    fn downloads(&self) -> PathBuf {
        let own = self.path("LINPROBE_CACHE").unwrap_or_else(|| self.cache().join("linprobe"));
        own.join("downloads")
    }

    fn token(&self, hf_home: &Path) -> Option<String> {
        if self.is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            return None;
        }
        let given = self.text("HF_TOKEN").or_else(|| self.text("HUGGING_FACE_HUB_TOKEN"));
        given.or_else(|| {
            let path = self.path("HF_TOKEN_PATH").unwrap_or_else(|| hf_home.join("token"));
            let token = fs::read_to_string(path).ok()?.trim().to_owned();
            (!token.is_empty()).then_some(token)
        })
    }

    fn is_set(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|value| ["1", "on", "yes", "true"].contains(&&*value.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> HubConfig {
        HubConfig::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_cache_is_where_the_most_particular_variable_says() {
        let home = ("HOME", "/home/ann");
        let cache = |variables: &[_]| config(variables).cache;
        assert_eq!(cache(&[home]), Path::new("/home/ann/.cache/huggingface/hub"));
        let xdg = ("XDG_CACHE_HOME", "/xdg");
        assert_eq!(cache(&[home, xdg]), Path::new("/xdg/huggingface/hub"));
        let hf_home = ("HF_HOME", "~/hf");
        assert_eq!(cache(&[home, xdg, hf_home]), Path::new("/home/ann/hf/hub"));
        let hub = ("HF_HUB_CACHE", "/hub");
        assert_eq!(cache(&[home, xdg, hf_home, hub]), Path::new("/hub"));
        let downloads = |variables: &[_]| config(variables).downloads;
        assert_eq!(downloads(&[home, hub]), Path::new("/home/ann/.cache/linprobe/downloads"));
        assert_eq!(downloads(&[("LINPROBE_CACHE", "/own")]), Path::new("/own/downloads"));
    }

    #[test]
    fn offline_is_said_by_any_variable_and_in_any_of_the_usual_ways() {
        assert!(!config(&[]).offline);
        assert!(!config(&[("HF_HUB_OFFLINE", "0")]).offline);
        assert!(config(&[("HF_HUB_OFFLINE", "1")]).offline);
        assert!(config(&[("HF_DATASETS_OFFLINE", "true")]).offline);
        assert!(config(&[("TRANSFORMERS_OFFLINE", "YES")]).offline);
    }

    #[test]
    fn the_token_comes_from_its_variable_or_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let path = path.to_str().unwrap();
        assert_eq!(config(&[("HF_TOKEN_PATH", path)]).token, None);
        std::io::Write::write_all(&mut fs::File::create(path).unwrap(), b"hf_file\n").unwrap();
        assert_eq!(config(&[("HF_TOKEN_PATH", path)]).token.unwrap(), "hf_file");
        let both = [("HF_TOKEN_PATH", path), ("HF_TOKEN", "hf_variable")];
        assert_eq!(config(&both).token.unwrap(), "hf_variable");
    }

    #[test]
    fn another_endpoint_loses_its_last_slash() {
        assert_eq!(config(&[("HF_ENDPOINT", "http://mirror/")]).endpoint, "http://mirror");
        assert_eq!(config(&[]).endpoint, ENDPOINT);
    }
}
