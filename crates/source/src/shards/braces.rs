//! Names of many files in one, as shells and `WebDataset` have them: `{000..041}` and `{a,b}`.

use std::path::{Path, PathBuf};

/// The most files that one name stands for.
const MAX_FILES: usize = 1 << 20;

/// The files that a name with braces stands for; none where it has no braces, or a file of that very name is
/// there.
pub(crate) fn expand(location: &Path) -> Option<Vec<PathBuf>> {
    let name = location.to_str().filter(|name| name.contains('{'))?;
    if location.exists() {
        return None;
    }
    let mut names = vec![name.to_owned()];
    while let Some(next) = names.iter().map(|name| expand_first(name)).collect::<Option<Vec<_>>>() {
        names = next.into_iter().flatten().take(MAX_FILES + 1).collect();
        if names.len() > MAX_FILES {
            return None;
        }
    }
    (names.len() > 1 || names.first().is_none_or(|first| first != name))
        .then(|| names.into_iter().map(PathBuf::from).collect())
}

/// The names that the first braces stand for; none without braces.
fn expand_first(name: &str) -> Option<Vec<String>> {
    let (before, rest) = name.split_once('{')?;
    let (inner, after) = rest.split_once('}')?;
    let parts = match inner.split_once("..") {
        Some((first, last)) => numbers(first, last)?,
        None => inner.split(',').map(str::to_owned).collect(),
    };
    Some(parts.into_iter().map(|part| format!("{before}{part}{after}")).collect())
}

/// From one number to another, as wide as they are written.
fn numbers(first: &str, last: &str) -> Option<Vec<String>> {
    let (low, high): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    let width = first.len().max(last.len());
    let padded = first.len() == last.len() || first.starts_with('0');
    let written = |n: usize| if padded { format!("{n:0width$}") } else { n.to_string() };
    (high.checked_sub(low)? < MAX_FILES).then(|| (low..=high).map(written).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(name: &str) -> Vec<String> {
        let files = expand(Path::new(name)).unwrap_or_default();
        files.iter().map(|file| file.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn numbers_keep_their_width() {
        assert_eq!(expanded("s-{008..010}.tar"), ["s-008.tar", "s-009.tar", "s-010.tar"]);
        assert_eq!(expanded("{9..11}.tar"), ["9.tar", "10.tar", "11.tar"]);
    }

    #[test]
    fn several_braces_stand_for_every_combination() {
        assert_eq!(expanded("{a,b}/{0..1}.tar"), ["a/0.tar", "a/1.tar", "b/0.tar", "b/1.tar"]);
    }

    #[test]
    fn what_is_no_range_is_no_set_of_files() {
        for name in ["plain.tar", "{3..1}.tar", "{a..c}.tar", "{0..9999999999}.tar", "open{.tar"] {
            assert!(expanded(name).is_empty(), "{name}");
        }
    }
}
