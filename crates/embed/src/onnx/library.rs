//! Where engines for graphs are: nothing is downloaded or built, they are found where people have them.
//!
//! Their Python packages bring the shared libraries that are wanted here, so `pip install onnxruntime`, or
//! `openvino`, is all that anybody has to do.

use std::{
    env, fs, iter,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// Whether this program can load any: one that is linked statically cannot, and with the C library of GNU would crash.
pub(super) const CAN_BE_LOADED: bool = !cfg!(all(unix, target_feature = "crt-static"));

/// Where the libraries of engines may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryConfig {
    /// That of ONNX Runtime; where it is named, it is not looked for anywhere else.
    pub onnx_runtime: Option<PathBuf>,
    /// The same of OpenVINO: `libopenvino_c`.
    pub openvino: Option<PathBuf>,
    /// Environments of Python, in which they may have been installed.
    pub environments: Vec<PathBuf>,
    /// Whether `python3` and the system's folders may be asked as well.
    pub search_system: bool,
}

impl Default for LibraryConfig {
    /// As the environment of this process says, with all that may be asked.
    fn default() -> Self {
        Self { search_system: true, ..Self::from_variables(|name| env::var(name).ok()) }
    }
}

impl LibraryConfig {
    /// As environment variables say, looked up by name: `ORT_DYLIB_PATH`, `OPENVINO_DYLIB_PATH`, `VIRTUAL_ENV`
    /// and `CONDA_PREFIX`; the `.venv` of the folder that is worked in is looked at, too.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| lookup(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let named = [path("VIRTUAL_ENV"), path("CONDA_PREFIX"), Some(PathBuf::from(".venv"))];
        Self {
            onnx_runtime: path("ORT_DYLIB_PATH"),
            openvino: path("OPENVINO_DYLIB_PATH"),
            environments: named.into_iter().flatten().collect(),
            search_system: false,
        }
    }

    /// The libraries of ONNX Runtime that there are, the one that is meant first.
    pub(super) fn of_onnx_runtime(&self) -> impl Iterator<Item = PathBuf> {
        const PACKAGE: Package =
            Package { module: "onnxruntime", folder: "capi", library: "onnxruntime" };
        self.libraries(self.onnx_runtime.as_ref(), PACKAGE)
    }

    /// The same of OpenVINO.
    pub(super) fn of_openvino(&self) -> impl Iterator<Item = PathBuf> {
        const PACKAGE: Package =
            Package { module: "openvino", folder: "libs", library: "openvino_c" };
        self.libraries(self.openvino.as_ref(), PACKAGE)
    }

    /// Python is asked only by whoever comes to the end.
    fn libraries(
        &self,
        named: Option<&PathBuf>,
        package: Package,
    ) -> Box<dyn Iterator<Item = PathBuf> + '_> {
        if let Some(library) = named {
            return Box::new(iter::once(library.clone()));
        }
        let environments = self.environments.iter();
        let environments = environments.flat_map(move |folder| package.in_environment(folder));
        let system: [fn(Package) -> Vec<PathBuf>; 2] = [Package::in_system, Package::of_python];
        let system = system.into_iter().filter(|_| self.search_system);
        Box::new(environments.chain(system.flat_map(move |look| look(package))))
    }
}

/// What this process has made of the library that it has loaded: there can be one.
pub(super) struct Loaded<T>(Mutex<Option<T>>);

impl<T: Clone> Loaded<T> {
    pub(super) const fn nothing() -> Self {
        Self(Mutex::new(None))
    }

    /// What there is already, or what the first library gives that can be used. Else what is wrong with the last, if
    /// there was any.
    pub(super) fn or_first(
        &self,
        libraries: impl Iterator<Item = PathBuf>,
        load: impl Fn(PathBuf) -> Result<T, String>,
    ) -> Result<T, Option<String>> {
        let mut loaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = &*loaded {
            return Ok(loaded.clone());
        }
        let mut wrong = None;
        for library in libraries {
            match load(library) {
                Ok(made) => return Ok(loaded.insert(made).clone()),
                Err(reason) => wrong = Some(reason),
            }
        }
        Err(wrong)
    }
}

/// What brings a library.
#[derive(Clone, Copy, Debug)]
struct Package {
    /// The package of Python.
    module: &'static str,
    /// The folder in it that libraries are in.
    folder: &'static str,
    library: &'static str,
}

impl Package {
    /// The libraries in an environment of Python: `lib/python3.X/site-packages` is `Lib/site-packages`
    /// on Windows.
    fn in_environment(self, folder: &Path) -> Vec<PathBuf> {
        let versions = entries(&folder.join("lib")).into_iter().filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3"))
        });
        let versions = versions.chain([folder.join("Lib")]);
        let packages = versions.map(|version| version.join("site-packages").join(self.module));
        packages.flat_map(|package| self.in_package(&package)).collect()
    }

    /// The libraries that a Python package has brought.
    fn in_package(self, package: &Path) -> Vec<PathBuf> {
        self.in_folder(&package.join(self.folder))
    }

    /// The libraries in the folders for them.
    fn in_system(self) -> Vec<PathBuf> {
        let folders = [
            "/usr/local/lib",
            "/usr/lib",
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/opt/onnxruntime/lib",
            "/opt/intel/openvino/runtime/lib/intel64",
            "/opt/homebrew/lib",
        ];
        folders.iter().flat_map(|folder| self.in_folder(Path::new(folder))).collect()
    }

    /// The libraries of the package that `python3` would import: it knows of shims, of user sites and
    /// of distributions, and takes some 30 ms to say so.
    fn of_python(self) -> Vec<PathBuf> {
        let module = self.module;
        let place = format!("import importlib.util as u; print(u.find_spec('{module}').origin)");
        let Ok(output) = Command::new("python3").args(["-c", &place]).output() else {
            return Vec::new();
        };
        let module = String::from_utf8_lossy(&output.stdout);
        let package = Path::new(module.trim()).parent();
        package.map(|package| self.in_package(package)).unwrap_or_default()
    }

    /// The files of a folder that are the library: `libonnxruntime.so.1.32.0`, not what it loads itself
    /// such as `libonnxruntime_providers_shared.so`.
    fn in_folder(self, folder: &Path) -> Vec<PathBuf> {
        let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        let is_library = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let rest = name.strip_prefix(prefix).and_then(|name| name.strip_prefix(self.library));
            rest.is_some_and(|rest| rest.starts_with('.') && rest.contains(suffix))
        };
        entries(folder).into_iter().filter(is_library).collect()
    }
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

    fn config(variables: &[(&str, &str)]) -> LibraryConfig {
        LibraryConfig::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_library_that_is_named_is_the_only_one() {
        let config = config(&[("ORT_DYLIB_PATH", "/opt/ort.so"), ("VIRTUAL_ENV", "/venv")]);
        assert_eq!(config.of_onnx_runtime().collect::<Vec<_>>(), [Path::new("/opt/ort.so")]);
        assert_eq!(config.of_openvino().next(), None);
    }

    #[test]
    fn the_library_of_a_python_package_is_found_and_nothing_else_of_it() {
        let environment = tempfile::tempdir().unwrap();
        let packages = environment.path().join("lib/python3.11/site-packages");
        let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        let file = |folder: &str, library: &str| {
            packages.join(folder).join(format!("{prefix}{library}{suffix}"))
        };
        let onnx_runtime = file("onnxruntime/capi", "onnxruntime");
        let openvino = file("openvino/libs", "openvino_c");
        for file in [
            onnx_runtime.clone(),
            file("onnxruntime/capi", "onnxruntime_providers_shared"),
            openvino.clone(),
            file("openvino/libs", "openvino"),
        ] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::File::create(file).unwrap();
        }
        let config = config(&[("VIRTUAL_ENV", environment.path().to_str().unwrap())]);
        assert_eq!(config.of_onnx_runtime().collect::<Vec<_>>(), [onnx_runtime]);
        assert_eq!(config.of_openvino().collect::<Vec<_>>(), [openvino]);
    }
}
