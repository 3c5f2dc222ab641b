//! Links between the pages of documentation lead somewhere: the file is there, and so is the heading. Pages of the book
//! stand in its summary. Addresses of the web are not asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// Where pages are: folders, and files beside them.
const FOLDERS: [&str; 2] = ["docs", "notebooks"];
const FILES: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "python/README.md",
    "fixtures/embed/README.md",
];

/// The list of the book's pages.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Fails if a link leads nowhere, or a page of the book is not listed, and says which.
pub(crate) fn check() -> Result<()> {
    let pages = files()?.into_iter().map(|file| Page::read(&file).map(|page| (file, page)));
    let pages: BTreeMap<PathBuf, Page> = pages.collect::<Result<_>>()?;
    let mut wrong = broken(&pages);
    wrong.extend(unlisted(&pages));
    if !wrong.is_empty() {
        bail!("links and pages of the documentation:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// The pages, and the notebooks.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = FILES.iter().map(|file| shell::root().join(file)).collect();
    for folder in FOLDERS {
        pages_below(&shell::root().join(folder), &mut files)?;
    }
    Ok(files)
}

fn pages_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            pages_below(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "md" || ending == "ipynb") {
            files.push(path);
        }
    }
    Ok(())
}

/// What a page links to, and what can be linked to in it.
struct Page {
    /// Targets of links, with the lines that they stand in, from 1.
    links: Vec<(usize, String)>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        if file.extension() == Some(OsStr::new("ipynb")) {
            return Ok(Self::of(&text_of_notebook(&serde_json::from_str(&text)?)));
        }
        Ok(Self::of(&text))
    }

    fn of(text: &str) -> Self {
        let mut page = Self { links: Vec::new(), anchors: BTreeSet::new() };
        let mut fence = None;
        for (line, text) in text.lines().enumerate() {
            let dashes = text.trim_start().chars().take_while(|c| *c == '`').count();
            match fence {
                Some(opening) if dashes >= opening => fence = None,
                Some(_) => {}
                None if dashes >= 3 => fence = Some(dashes),
                None => page.add(line + 1, text),
            }
        }
        page
    }

    fn add(&mut self, line: usize, text: &str) {
        if let Some(heading) = text.strip_prefix('#') {
            self.add_heading(heading.trim_start_matches('#'));
        }
        let prose = without_code(text);
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let targets = targets.map(|(target, _)| target.trim_matches(['<', '>']).to_owned());
        self.links.extend(targets.map(|target| (line, target)));
    }

    /// Of headings that are called alike, the second has "-1" behind its name.
    fn add_heading(&mut self, heading: &str) {
        let name = anchor(heading.trim());
        let further = (1..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.clone()).chain(further);
        let free = free.into_iter().find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// The prose of a notebook, a cell after the other.
fn text_of_notebook(notebook: &Value) -> String {
    let cells = notebook["cells"].as_array().into_iter().flatten();
    let prose = cells.filter(|cell| cell["cell_type"] == "markdown");
    let lines = prose.flat_map(|cell| cell["source"].as_array().into_iter().flatten());
    lines.filter_map(|line| Some(format!("{}\n", line.as_str()?.trim_end()))).collect()
}

/// A line without what stands between backticks.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect()
}

/// What a heading is called in links: as by GitHub and by mdBook.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

fn broken(pages: &BTreeMap<PathBuf, Page>) -> Vec<String> {
    let mut broken = Vec::new();
    for (file, page) in pages {
        let local = page.links.iter().filter(|(_, target)| !is_of_the_web(target));
        for (line, target) in local {
            let place = format!("{}:{line}: {target}", file.display());
            if !leads_somewhere(pages, file, target) {
                broken.push(format!("{place} leads nowhere"));
            } else if leaves_the_book(file, target) {
                broken.push(format!("{place} is not in the book\nhint: link to its address"));
            }
        }
    }
    broken
}

/// The book is rendered from its folder alone.
fn leaves_the_book(file: &Path, target: &str) -> bool {
    let book = shell::root().join("docs");
    let path = target.split('#').next().unwrap_or_default();
    !path.is_empty()
        && file.starts_with(&book)
        && !plain(&file.with_file_name(path)).starts_with(book)
}

fn is_of_the_web(target: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme))
}

fn leads_somewhere(pages: &BTreeMap<PathBuf, Page>, file: &Path, target: &str) -> bool {
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let to = if path.is_empty() { file.to_path_buf() } else { plain(&file.with_file_name(path)) };
    match pages.get(&to) {
        Some(page) => fragment.is_empty() || page.anchors.contains(fragment),
        None => fragment.is_empty() && to.exists(),
    }
}

/// A path without "..".
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

fn unlisted(pages: &BTreeMap<PathBuf, Page>) -> Vec<String> {
    let summary = shell::root().join(SUMMARY);
    let listed = pages.get(&summary).into_iter().flat_map(|page| &page.links);
    let listed: BTreeSet<PathBuf> =
        listed.map(|(_, target)| plain(&summary.with_file_name(target))).collect();
    let of_the_book = pages.keys().filter(|file| {
        file.starts_with(shell::root().join("docs")) && **file != summary && !listed.contains(*file)
    });
    of_the_book.map(|file| format!("{} is not in {SUMMARY}", file.display())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Who may ask\n## `--where`, and more\n## `--where`, and more\n\
        [a](b.md#c) and `[not](this)`, [an image](<d e.png>)\n```\n# no heading\n[not](that)\n```\n";

    #[test]
    fn links_and_headings_are_found_in_prose_alone() {
        let page = Page::of(TEXT);
        assert_eq!(page.links, [(4, "b.md#c".to_owned()), (4, "d e.png".to_owned())]);
        let anchors = ["--where-and-more", "--where-and-more-1", "who-may-ask"];
        assert_eq!(page.anchors.iter().collect::<Vec<_>>(), anchors.each_ref());
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let page =
            "[x](b.md#there) [x](b.md#missing) [x](#own) [x](missing.md) [x](https://x.org)\n# Own";
        let pages = [("/docs/a.md", page), ("/docs/b.md", "# There")];
        let pages = pages.map(|(file, text)| (PathBuf::from(file), Page::of(text))).into();
        let expected = ["/docs/a.md:1: b.md#missing", "/docs/a.md:1: missing.md"];
        assert_eq!(broken(&pages), expected.map(|link| format!("{link} leads nowhere")));
    }

    #[test]
    fn a_page_of_the_book_links_to_nothing_beside_it() {
        let page = shell::root().join("docs/guides/a.md");
        assert!(leaves_the_book(&page, "../../README.md#what"));
        let inside = ["../tour.md", "#own", "data/x.csv"];
        assert!(inside.iter().all(|target| !leaves_the_book(&page, target)));
    }

    #[test]
    fn a_notebook_is_its_prose() {
        let cell =
            |kind: &str, text: &str| serde_json::json!({ "cell_type": kind, "source": [text] });
        let cells = [cell("markdown", "[x](y.md)"), cell("code", "[a](b)")];
        let text = text_of_notebook(&serde_json::json!({ "cells": cells }));
        assert_eq!(Page::of(&text).links, [(1, "y.md".to_owned())]);
    }

    #[test]
    fn every_link_of_the_documentation_leads_somewhere() {
        check().unwrap();
    }
}
