//! Counts what no lint counts: the length of functions. No function runs past 100 lines, and there
//! is no list of exceptions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::shell;

const LONGEST_FUNCTION: usize = 100;

/// Fails if a function of the workspace is too long, and says which.
pub(crate) fn check() -> Result<()> {
    let mut files = Vec::new();
    for folder in ["crates", "python", "xtask"] {
        rust_files(&shell::root().join(folder), &mut files)?;
    }
    let mut functions = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        functions.extend(functions_of(&text).map(|(line, length)| (length, file, line)));
    }
    functions.sort_unstable();
    if let Some((median, ..)) = functions.get(functions.len() / 2) {
        shell::say(&format!("{} functions, median length {median} lines", functions.len()));
    }
    let too_long = functions.iter().filter(|(length, ..)| *length > LONGEST_FUNCTION);
    let named: Vec<String> = too_long
        .map(|(length, file, line)| format!("{}:{line}: {length} lines", file.display()))
        .collect();
    if !named.is_empty() {
        bail!("functions past {LONGEST_FUNCTION} lines:\n{}", named.join("\n"));
    }
    Ok(())
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The first line, from 1, and the number of lines of each function. Leans on rustfmt: a function
/// that does not fit in one line ends with a brace as far in as its first line.
fn functions_of(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|&i| starts_function(lines[i])).collect();
    starts.into_iter().filter_map(move |start| {
        let indent = lines[start].len() - lines[start].trim_start().len();
        let end = (start..lines.len()).find(|&i| ends_at(lines[i], indent))?;
        Some((start + 1, end - start + 1))
    })
}

fn starts_function(line: &str) -> bool {
    let words = line.trim_start().split(' ');
    let mut words = words.skip_while(|word| {
        word.starts_with("pub") || ["async", "const", "unsafe", "extern"].contains(word)
    });
    words.next() == Some("fn")
}

fn ends_at(line: &str, indent: usize) -> bool {
    let code = line.trim_start();
    let same_indent = line.len() - code.len() == indent;
    same_indent && (code.starts_with('}') || code.ends_with('}') || code.ends_with(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_counted_from_its_first_line_to_its_closing_brace() {
        let text = "fn one() -> u8 { 1 }\n\npub(crate) async fn two(\n    x: u8,\n) {\n    x\n}\n";
        assert_eq!(functions_of(text).collect::<Vec<_>>(), [(1, 1), (3, 5)]);
    }
}
