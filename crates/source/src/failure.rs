//! Short ways to make the errors that every reader here gives.

use std::{io, path::Path};

use linprobe_core::SourceError;

/// Names the file that the system refused.
pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> SourceError + '_ {
    move |source| SourceError::Io { path: path.to_owned(), source }
}

/// A file that is not what its name says, or says something impossible.
pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> SourceError {
    let hint = "copy the file again, or write it again";
    unsupported(path, reason, hint)
}

/// Something that these readers cannot take as it is.
pub(crate) fn unsupported(
    path: &Path,
    reason: impl Into<String>,
    hint: impl Into<String>,
) -> SourceError {
    SourceError::Unsupported { path: path.to_owned(), reason: reason.into(), hint: hint.into() }
}

/// Names as a person would list them: `a, b and c`.
pub(crate) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_a_person_would() {
        assert_eq!(listed::<&str>(&[]), "none");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
