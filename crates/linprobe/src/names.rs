//! Names of sessions and classifiers. They share one space, since either is asked for by its name alone.

use crate::{error::ProjectError, project::Project};

/// The longest name, in characters.
const MAX_CHARS: usize = 100;

/// The longest one that is made from a description.
const MADE_CHARS: usize = 40;

/// What a session is called that has no words to be called by.
const UNNAMED: &str = "session";

/// What has a name, in words.
const SESSION: &str = "session";
const CLASSIFIER: &str = "classifier";

/// Whether a text is a name that a line, a path and an address can carry.
fn is_name(text: &str) -> bool {
    let n_chars = text.chars().count();
    (1..=MAX_CHARS).contains(&n_chars)
        && text.trim() == text
        && !matches!(text, "." | "..")
        && !text.chars().any(char::is_control)
}

impl Project {
    /// A name for a new session that nothing else has: the first words of what it looks for.
    ///
    /// # Errors
    /// The database fails.
    pub fn name_for(&self, description: &str) -> Result<String, ProjectError> {
        let words = description.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = words.chars().filter(|c| !c.is_control()).take(MADE_CHARS).collect();
        let base = Some(short.trim()).filter(|base| is_name(base)).unwrap_or(UNNAMED);
        let mut name = base.to_owned();
        let mut n = 2;
        while self.holder_of(&name)?.is_some() {
            name = format!("{base} {n}");
            n += 1;
        }
        Ok(name)
    }

    /// Refuses a name for a session that is none, or that a session or an imported classifier has.
    pub(crate) fn check_new_name(&self, name: &str) -> Result<(), ProjectError> {
        check_name(name)?;
        match self.holder_of(name)? {
            Some(kind) => Err(ProjectError::NameTaken { kind, name: name.to_owned() }),
            None => Ok(()),
        }
    }

    /// Refuses one for an imported classifier, which may take the place of another one.
    pub(crate) fn check_import_name(&self, name: &str) -> Result<(), ProjectError> {
        check_name(name)?;
        match self.holder_of(name)? {
            Some(kind @ SESSION) => Err(ProjectError::NameTaken { kind, name: name.to_owned() }),
            _ => Ok(()),
        }
    }

    /// What has a name.
    fn holder_of(&self, name: &str) -> Result<Option<&'static str>, ProjectError> {
        if self.journal()?.find(name)?.is_some() {
            return Ok(Some(SESSION));
        }
        Ok(self.catalogue().classifier(name)?.map(|_| CLASSIFIER))
    }
}

fn check_name(name: &str) -> Result<(), ProjectError> {
    if is_name(name) { Ok(()) } else { Err(ProjectError::BadName { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_that_a_path_can_carry() {
        for name in ["cats", "a dog in the snow", "...", "ship/sail", "犬", &"x".repeat(MAX_CHARS)]
        {
            assert!(is_name(name), "{name:?}");
        }
        for text in ["", " ", " cats", ".", "..", "a\nb", "\u{1b}[2J", &"x".repeat(MAX_CHARS + 1)] {
            assert!(!is_name(text), "{text:?}");
        }
    }
}
