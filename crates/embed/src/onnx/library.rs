//! Where ONNX Runtime is: nothing is downloaded or built, it is found where people have it.
//!
//! Its Python package brings the shared library that is wanted here, so `pip install onnxruntime`
//! is all that anybody has to do.

use std::{
    env, fs, iter,
    path::{Path, PathBuf},
    process::Command,
};

/// Where ONNX Runtime may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxRuntimeConfig {
    /// The shared library; where it is named, it is not looked for anywhere else.
    pub library: Option<PathBuf>,
    /// Environments of Python, in which it may have been installed.
    pub environments: Vec<PathBuf>,
    /// Whether `python3` and the system's folders may be asked as well.
    pub search_system: bool,
}

impl Default for OnnxRuntimeConfig {
    /// As the environment of this process says, with all that may be asked.
    fn default() -> Self {
        Self { search_system: true, ..Self::from_variables(|name| env::var(name).ok()) }
    }
}

impl OnnxRuntimeConfig {
    /// As environment variables say, looked up by name: `ORT_DYLIB_PATH`, `VIRTUAL_ENV` and
    /// `CONDA_PREFIX`; the `.venv` of the folder that is worked in is looked at, too.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| lookup(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let named = [path("VIRTUAL_ENV"), path("CONDA_PREFIX"), Some(PathBuf::from(".venv"))];
        Self {
            library: path("ORT_DYLIB_PATH"),
            environments: named.into_iter().flatten().collect(),
            search_system: false,
        }
    }

    /// The libraries that there are, the one that is meant first. Python is asked only by whoever
    /// comes to the end.
    pub(super) fn libraries(&self) -> Box<dyn Iterator<Item = PathBuf> + '_> {
        if let Some(library) = &self.library {
            return Box::new(iter::once(library.clone()));
        }
        let environments = self.environments.iter().flat_map(|folder| in_environment(folder));
        let system: [fn() -> Vec<PathBuf>; 2] = [in_system, of_python];
        let system = system.into_iter().filter(|_| self.search_system).flat_map(|look| look());
        Box::new(environments.chain(system))
    }
}

/// The libraries in an environment of Python: `lib/python3.X/site-packages` is `Lib/site-packages`
/// on Windows.
fn in_environment(folder: &Path) -> Vec<PathBuf> {
    let versions = entries(&folder.join("lib")).into_iter().filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3"))
    });
    let versions = versions.chain([folder.join("Lib")]);
    versions.flat_map(|version| in_package(&version.join("site-packages/onnxruntime"))).collect()
}

/// The libraries that a Python package has brought.
fn in_package(package: &Path) -> Vec<PathBuf> {
    in_folder(&package.join("capi"))
}

/// The libraries in the folders for them.
fn in_system() -> Vec<PathBuf> {
    let folders = [
        "/usr/local/lib",
        "/usr/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/opt/onnxruntime/lib",
        "/opt/homebrew/lib",
    ];
    folders.iter().flat_map(|folder| in_folder(Path::new(folder))).collect()
}

/// The libraries of the package that `python3` would import: it knows of shims, of user sites and
/// of distributions, and takes some 30 ms to say so.
fn of_python() -> Vec<PathBuf> {
    const WHERE: &str = "import importlib.util as u; print(u.find_spec('onnxruntime').origin)";
    let Ok(output) = Command::new("python3").args(["-c", WHERE]).output() else {
        return Vec::new();
    };
    let module = String::from_utf8_lossy(&output.stdout);
    Path::new(module.trim()).parent().map(in_package).unwrap_or_default()
}

/// The files of a folder that are the library: `libonnxruntime.so.1.32.0`, not what it loads itself
/// such as `libonnxruntime_providers_shared.so`.
fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rest = name.strip_prefix(prefix).and_then(|name| name.strip_prefix("onnxruntime"));
        rest.is_some_and(|rest| rest.starts_with('.') && rest.contains(suffix))
    };
    entries(folder).into_iter().filter(is_library).collect()
}

/// What is in a folder, in the order of names; nothing where it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> OnnxRuntimeConfig {
        OnnxRuntimeConfig::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_library_that_is_named_is_the_only_one() {
        let config = config(&[("ORT_DYLIB_PATH", "/opt/ort.so"), ("VIRTUAL_ENV", "/venv")]);
        assert_eq!(config.libraries().collect::<Vec<_>>(), [Path::new("/opt/ort.so")]);
    }

    #[test]
    fn the_library_of_a_python_package_is_found_and_nothing_else_of_it() {
        let environment = tempfile::tempdir().unwrap();
        let capi = environment.path().join("lib/python3.11/site-packages/onnxruntime/capi");
        fs::create_dir_all(&capi).unwrap();
        let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        let library = capi.join(format!("{prefix}onnxruntime{suffix}"));
        for name in [
            library.clone(),
            capi.join(format!("{prefix}onnxruntime_providers_shared{suffix}")),
            capi.join("onnxruntime_inference_collection.py"),
        ] {
            fs::File::create(name).unwrap();
        }
        let config = config(&[("VIRTUAL_ENV", environment.path().to_str().unwrap())]);
        assert_eq!(config.libraries().next(), Some(library));
    }
}
