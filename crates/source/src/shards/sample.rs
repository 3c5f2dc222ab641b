//! The members of one sample, by their endings, and the record that they make.

use std::io::{self, Read};

use linprobe_core::{Content, Metadata, Record, RecordId};

use crate::{MAX_ROW_BYTES, SourceOptions, folder, splits::SPLIT, table::fields_of};

/// Endings of texts.
const TEXTS: [&str; 4] = ["txt", "text", "caption", "transcript"];

/// Endings of classes.
const LABELS: [&str; 3] = ["cls", "label", "class"];

const JSON: &str = "json";

/// Which fields are asked for by name.
#[derive(Debug, Default)]
pub(super) struct Roles {
    text: Option<String>,
    label: Option<String>,
    metadata: Option<Vec<String>>,
}

impl Roles {
    pub(super) fn of(options: &SourceOptions) -> Self {
        let SourceOptions { text, label, metadata, .. } = options.clone();
        Self { text, label, metadata }
    }
}

/// A file of an archive.
pub(super) struct Member<'a> {
    /// What follows the first dot of its name, in lower case or not.
    pub(super) ending: &'a str,
    /// In bytes.
    pub(super) size: u64,
    pub(super) content: &'a mut dyn Read,
}

/// The name that a member shares with its sample, folders included, and the rest behind the first dot.
pub(super) fn split_name(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let start = path.rfind('/').map_or(0, |slash| slash + 1);
    let dot = path.get(start..)?.find('.')? + start;
    let (key, ending) = (path.get(..dot)?, path.get(dot + 1..)?);
    (dot > start && !ending.is_empty()).then_some((key, ending))
}

/// What has been read of a sample.
#[derive(Debug, Default)]
pub(super) struct Sample {
    picture: Option<Vec<u8>>,
    /// Members that are words, by their endings, and those of the JSON among them.
    fields: Metadata,
    /// What is wrong with it.
    fault: Option<String>,
}

impl Sample {
    /// Of an archive of a split.
    pub(super) fn of(split: Option<&str>) -> Self {
        let split = split.map(|split| (SPLIT.to_owned(), split.to_owned()));
        Self { fields: split.into_iter().collect(), ..Self::default() }
    }

    /// Takes in a member. What is wrong with its content is told by [`Self::into_record`].
    ///
    /// # Errors
    /// The archive cannot be read.
    pub(super) fn add(&mut self, member: &mut Member<'_>) -> io::Result<()> {
        let ending = member.ending.to_ascii_lowercase();
        let is_picture = folder::is_image_ending(&ending);
        let limit = if is_picture { folder::MAX_IMAGE_BYTES } else { MAX_ROW_BYTES as u64 };
        let is_words = || ending == JSON || TEXTS.contains(&&*ending) || LABELS.contains(&&*ending);
        if !is_picture && !is_words() {
            return Ok(());
        }
        if member.size > limit {
            self.blame(format!("{ending} has {} bytes, at most {limit} are read", member.size));
            return Ok(());
        }
        let mut bytes = Vec::new();
        (&mut *member.content).take(limit).read_to_end(&mut bytes)?;
        if is_picture {
            self.picture.get_or_insert(bytes);
            return Ok(());
        }
        let Ok(text) = String::from_utf8(bytes) else {
            self.blame(format!("{ending} is not UTF-8"));
            return Ok(());
        };
        if ending == JSON {
            match fields_of(&text) {
                Ok(fields) => self.fields.extend(fields),
                Err(reason) => self.blame(format!("{JSON} is {reason}")),
            }
        } else {
            self.fields.insert(ending, text.trim_end().to_owned());
        }
        Ok(())
    }

    fn blame(&mut self, reason: String) {
        self.fault.get_or_insert(reason);
    }

    pub(super) fn into_record(mut self, id: RecordId, roles: &Roles) -> Result<Record, String> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut take = |asked: &Option<String>, known: &[&str]| match asked {
            Some(name) => self.fields.remove(name),
            None => known.iter().find_map(|name| self.fields.remove(*name)),
        };
        let label = take(&roles.label, &LABELS).filter(|label| !label.is_empty());
        let content = match self.picture.filter(|_| roles.text.is_none()) {
            Some(bytes) if bytes.is_empty() => return Err("the picture is empty".to_owned()),
            Some(bytes) => Content::Image(bytes),
            None => match take(&roles.text, &TEXTS) {
                Some(text) if text.trim().is_empty() => return Err("the text is empty".to_owned()),
                Some(text) if text.contains('\0') => {
                    return Err("the text holds a NUL character".to_owned());
                }
                Some(text) => Content::Text(text),
                None => return Err("there is neither a picture nor a text".to_owned()),
            },
        };
        if let Some(kept) = &roles.metadata {
            self.fields.retain(|name, _| kept.contains(name));
        }
        Ok(Record { id, content, label, metadata: self.fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_the_first_dot_of_its_last_part() {
        assert_eq!(split_name("a/b.c/0001.seg.png"), Some(("a/b.c/0001", "seg.png")));
        assert_eq!(split_name("./0001.jpg"), Some(("0001", "jpg")));
        for name in ["folder", ".hidden", "a/.x", "ends."] {
            assert_eq!(split_name(name), None, "{name}");
        }
    }
}
