//! Pages of documentation, and what in them is code: blocks between fences, and spans between backticks.

use std::fs;

/// The checkout.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Pages that stand beside the book.
const BESIDE: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "python/README.md"];

/// A page.
pub(crate) struct Page {
    /// From the checkout.
    pub(crate) name: String,
    /// What stands between fences.
    pub(crate) blocks: Vec<Code>,
    /// What stands between backticks in the prose.
    pub(crate) spans: Vec<Code>,
}

/// Something to be typed or read as it stands.
#[derive(Debug, PartialEq)]
pub(crate) struct Code {
    /// The line that it begins in, from 1.
    pub(crate) line: usize,
    /// Empty where the page names none.
    pub(crate) language: String,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(format!("{ROOT}/{name}")).unwrap();
        Self::of(name, &text)
    }

    fn of(name: &str, text: &str) -> Self {
        let (mut blocks, mut prose, mut is_inside) = (Vec::<Code>::new(), String::new(), false);
        for (line, text) in (1..).zip(text.lines()) {
            let fence = text.trim_start().strip_prefix("```");
            match fence {
                Some(language) if !is_inside => {
                    blocks.push(Code::new(line + 1, language, String::new()));
                }
                None if is_inside => blocks.last_mut().unwrap().text.extend([text, "\n"]),
                _ => {}
            }
            let is_prose = !is_inside && fence.is_none();
            is_inside ^= fence.is_some();
            prose.extend([if is_prose { text } else { "" }, "\n"]);
        }
        assert!(!is_inside, "{name}: a block does not end");
        Self { name: name.to_owned(), blocks, spans: spans(&prose) }
    }

    /// The blocks of a language.
    pub(crate) fn blocks_of(&self, language: &str) -> impl Iterator<Item = &str> {
        let own = self.blocks.iter().filter(move |block| block.language == language);
        own.map(|block| block.text.as_str())
    }
}

impl Code {
    fn new(line: usize, language: &str, text: String) -> Self {
        Self { line, language: language.to_owned(), text }
    }
}

/// Spans end in their paragraph, so that one backtick too many leaves the next paragraph as it is.
fn spans(prose: &str) -> Vec<Code> {
    let mut spans = Vec::new();
    let mut line = 1;
    for paragraph in prose.split("\n\n") {
        for (place, text) in paragraph.split('`').enumerate() {
            if place % 2 == 1 {
                spans.push(Code::new(line, "", text.replace('\n', " ")));
            }
            line += text.matches('\n').count();
        }
        line += 2;
    }
    spans
}

/// Every page that is written by hand: those of `docs/reference` are made of the programs themselves.
pub(crate) fn pages() -> Vec<Page> {
    let book = pages_of_the_book().into_iter().filter(|page| !page.starts_with("reference/"));
    let book = book.map(|page| format!("docs/{page}.md"));
    BESIDE.map(str::to_owned).into_iter().chain(book).map(|name| Page::read(&name)).collect()
}

/// The pages of the book from its folder, without their ending.
pub(crate) fn pages_of_the_book() -> Vec<String> {
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(format!("{ROOT}/docs/{folder}")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter_map(|name| name.strip_suffix(".md").map(|page| format!("{folder}{page}")))
            .collect()
    };
    ["", "guides/", "reference/"].into_iter().flat_map(names).collect()
}

#[test]
fn code_is_found_with_the_lines_that_it_stands_in() {
    let page = Page::of("page", "a `b` and `c\nd`\n```sh\ne\n`f`\n```\n\n`g\n\n`h`\n");
    let code = Code::new;
    assert_eq!(page.blocks, [code(4, "sh", "e\n`f`\n".to_owned())]);
    let spans = [(1, "b"), (1, "c d"), (8, "g"), (10, "h")];
    assert_eq!(page.spans, spans.map(|(line, text)| code(line, "", text.to_owned())));
}
