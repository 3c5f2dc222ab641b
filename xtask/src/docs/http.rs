//! The HTTP API as a page: its routes, then the forms of what they take and give.

use std::collections::BTreeMap;

use serde_json::Value;

/// What stands above it all.
const OPENING: &str = "# Reference: HTTP\n\n\
    Made of [openapi.json](../openapi.json) by `cargo xtask docs`; the server shows the same at `/api/docs`. What it promises and who \
    may ask: [the server](../server.md).";

/// What is true of every route.
const EVERY: &str = "A request that fails is answered by a [Problem](#problem), as `application/problem+json`, under a status of 400 or more. \
    A path names its project and its session by what stands in braces; parameters behind `?` may be left out unless they are *needed*.";

/// The page about a description.
pub(super) fn page(description: &Value) -> String {
    let about = text(&description["info"]["description"]);
    let mut page = vec![OPENING.to_owned(), about.to_owned(), EVERY.to_owned()];
    for (tag, routes) in by_tag(description) {
        page.push(format!("## Routes: {tag}"));
        page.extend(routes.iter().flat_map(Route::paragraphs));
    }
    page.push("## Forms".to_owned());
    for (name, form) in entries(&description["components"]["schemas"]) {
        page.push(format!("### {name}"));
        page.extend(form_paragraphs(form));
    }
    page.retain(|paragraph| !paragraph.is_empty());
    page.join("\n\n") + "\n"
}

/// What can be done at a path.
struct Route<'a> {
    method: &'a str,
    path: &'a str,
    about: &'a Value,
}

fn by_tag(description: &Value) -> BTreeMap<&str, Vec<Route<'_>>> {
    let mut tags: BTreeMap<&str, Vec<Route<'_>>> = BTreeMap::new();
    for (path, methods) in entries(&description["paths"]) {
        for (method, about) in entries(methods) {
            let tag = about["tags"][0].as_str().unwrap_or("others");
            tags.entry(tag).or_default().push(Route { method, path, about });
        }
    }
    tags
}

impl Route<'_> {
    fn paragraphs(&self) -> Vec<String> {
        let Self { method, path, about } = self;
        let heading = format!("### {} {path}", method.to_uppercase()).replace('{', "\\{");
        let [summary, more] = ["summary", "description"].map(|part| in_one_line(&about[part]));
        let lines = [self.parameters(), self.taken(), self.given()].concat();
        vec![heading, summary, more, lines.join("\n")]
    }

    /// Those behind the question mark: of others the path speaks.
    fn parameters(&self) -> Vec<String> {
        let parameters = self.about["parameters"].as_array().into_iter().flatten();
        let asked = parameters.filter(|parameter| parameter["in"] == "query");
        let line = |parameter: &Value| {
            let needed = if parameter["required"] == true { ", *needed*" } else { "" };
            let (name, form) = (text(&parameter["name"]), form_of(&parameter["schema"]));
            let words = in_one_line(&parameter["description"]);
            format!("- `?{name}=`, {form}{needed}. {words}").trim_end().to_owned()
        };
        asked.map(line).collect()
    }

    fn taken(&self) -> Vec<String> {
        let taken = entries(&self.about["requestBody"]["content"]);
        taken
            .into_iter()
            .map(|(kind, content)| format!("- Takes {}.", sent(kind, content)))
            .collect()
    }

    /// Answers of requests that succeed.
    fn given(&self) -> Vec<String> {
        let answers = entries(&self.about["responses"]).into_iter();
        let good = answers.filter(|(status, _)| !status.ends_with("XX"));
        let line = |(status, answer): (&str, &Value)| {
            let contents = entries(&answer["content"]).into_iter();
            let sent: Vec<String> = contents.map(|(kind, content)| sent(kind, content)).collect();
            let sent = if sent.is_empty() { "nothing".to_owned() } else { sent.join(", or ") };
            format!("- Gives {status}: {sent}.")
        };
        good.map(line).collect()
    }
}

fn sent(kind: &str, content: &Value) -> String {
    match kind {
        "application/json" => form_of(&content["schema"]),
        _ => format!("`{kind}`"),
    }
}

fn form_paragraphs(form: &Value) -> Vec<String> {
    let mut paragraphs = vec![in_one_line(&form["description"])];
    let choices = choices(form);
    if !choices.is_empty() {
        paragraphs.push(format!("One of {}.", choices.join(", ")));
    }
    let parts = std::iter::once(form).chain(form["allOf"].as_array().into_iter().flatten());
    for part in parts {
        if part["$ref"].is_string() {
            paragraphs.push(format!("All of {}, and:", form_of(part)));
        }
        paragraphs.push(fields(part).join("\n"));
    }
    paragraphs
}

fn fields(form: &Value) -> Vec<String> {
    let needed: Vec<&str> =
        form["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let line = |(name, field): (&str, &Value)| {
        let optional = if needed.contains(&name) { "" } else { ", may be left out" };
        let words = in_one_line(&field["description"]);
        format!("- `{name}`: {}{optional}. {words}", form_of(field)).trim_end().to_owned()
    };
    entries(&form["properties"]).into_iter().map(line).collect()
}

/// A form in words: a name that leads to what it is, or what JSON calls it.
fn form_of(form: &Value) -> String {
    if let Some(name) = form["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(forms) = form["oneOf"].as_array() {
        return forms.iter().map(form_of).collect::<Vec<_>>().join(" or ");
    }
    let kinds: Vec<&str> = match &form["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let words = kinds.iter().map(|kind| match *kind {
        "array" => format!("array of {}", form_of(&form["items"])),
        "object" if form["additionalProperties"].is_object() => {
            format!("object of {}", form_of(&form["additionalProperties"]))
        }
        kind => kind.to_owned(),
    });
    let words: Vec<String> = words.collect();
    let choices = choices(form);
    match (words.is_empty(), choices.is_empty()) {
        (_, false) => choices.join(", "),
        (true, true) => "anything".to_owned(),
        (false, true) => words.join(" or "),
    }
}

fn choices(form: &Value) -> Vec<String> {
    let names = form["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| format!("`{name}`")).collect()
}

/// The entries of an object by their names, whatever order they are kept in.
fn entries(object: &Value) -> Vec<(&str, &Value)> {
    let entries = object.as_object().into_iter().flatten();
    let mut entries: Vec<_> = entries.map(|(name, value)| (name.as_str(), value)).collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn in_one_line(value: &Value) -> String {
    text(value).split_whitespace().collect::<Vec<_>>().join(" ")
}
