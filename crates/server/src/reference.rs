//! The reference page: the description of the API, as a page that needs no script and no network.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

const STYLE: &str = include_str!("reference.css");

/// Sends the style of the page.
pub(crate) async fn style() -> Response {
    let form = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, form)], STYLE).into_response()
}

/// The page about a description.
pub(crate) fn page(document: &Value) -> String {
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>linprobe API</title>\n\
         <link rel=\"stylesheet\" href=\"/api/docs.css\">\n<h1>linprobe API</h1>\n",
    );
    let about = document["info"]["description"].as_str().unwrap_or_default();
    add(&mut html, &format!("<p>{}</p>", escaped(about)));
    add(&mut html, "<p>For programs: <a href=\"/api/openapi.json\">openapi.json</a></p>");
    let operations = operations(document);
    let mut tags: Vec<&str> = Vec::new();
    for operation in &operations {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
    }
    for tag in tags {
        add(&mut html, &format!("<h2>{}</h2>", escaped(tag)));
        let own = operations.iter().filter(|operation| operation.tag == tag);
        own.for_each(|operation| operation.show(&mut html));
    }
    add(&mut html, "<h2>forms</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        show_schema(&mut html, name, schema);
    }
    html
}

/// What can be done at a path.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    tag: &'a str,
    about: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = entries(&document["paths"]);
    let all = paths.flat_map(|(path, methods)| {
        entries(methods).map(move |(method, about)| {
            let tag = about["tags"][0].as_str().unwrap_or("other");
            Operation { method, path, tag, about }
        })
    });
    all.collect()
}

impl Operation<'_> {
    fn show(&self, html: &mut String) {
        let Self { method, path, about, .. } = self;
        let method = method.to_uppercase();
        add(html, &format!("<h3><b>{method}</b> <code>{}</code></h3>", escaped(path)));
        for part in ["summary", "description"] {
            let words = about[part].as_str().unwrap_or_default();
            add(html, &format!("<p>{}</p>", escaped(words)));
        }
        let parameters = about["parameters"].as_array().into_iter().flatten();
        let rows = parameters.map(|parameter| {
            let word = |name: &str| escaped(parameter[name].as_str().unwrap_or_default());
            let form = form(&parameter["schema"]);
            format!("{}</td><td>{form}</td><td>{}", word("name"), word("description"))
        });
        table(html, rows);
        for (form, content) in entries(&about["requestBody"]["content"]) {
            let sent = self::form(&content["schema"]);
            add(html, &format!("<p>Takes {sent} ({})</p>", escaped(form)));
        }
        for (status, response) in entries(&about["responses"]) {
            for (form, content) in entries(&response["content"]) {
                let given = self::form(&content["schema"]);
                add(html, &format!("<p>{status}: {given} ({})</p>", escaped(form)));
            }
        }
    }
}

fn show_schema(html: &mut String, name: &str, schema: &Value) {
    let name = escaped(name);
    add(html, &format!("<h3 id=\"{name}\"><code>{name}</code></h3>"));
    let words = schema["description"].as_str().unwrap_or_default();
    add(html, &format!("<p>{}</p>", escaped(words)));
    let names = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let names: Vec<String> = names.map(|name| format!("<code>{}</code>", escaped(name))).collect();
    add(html, &format!("<p>{}</p>", names.join(", ")));
    let parts = std::iter::once(schema).chain(schema["allOf"].as_array().into_iter().flatten());
    for part in parts {
        let rows = entries(&part["properties"]).map(|(name, property)| {
            let words = escaped(property["description"].as_str().unwrap_or_default());
            format!("{}</td><td>{}</td><td>{words}", escaped(name), form(property))
        });
        table(html, rows);
        if part["$ref"].is_string() {
            add(html, &format!("<p>and all of {}</p>", form(part)));
        }
    }
}

fn table(html: &mut String, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.map(|row| format!("<tr><td>{row}</td></tr>")).collect();
    if !rows.is_empty() {
        add(html, &format!("<table>{}</table>", rows.join("\n")));
    }
}

/// The form of a value in a few words, with a link where it has a name.
fn form(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|link| link.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let choices = ["oneOf", "anyOf"].into_iter().filter_map(|kind| schema[kind].as_array());
    let choices: Vec<String> = choices.flatten().map(form).collect();
    if !choices.is_empty() {
        return choices.join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", form(&schema["items"])),
        Value::String(kind) => escaped(kind),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            escaped(&kinds.join(" or "))
        }
        _ => "anything".to_owned(),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let object: Option<&Map<String, Value>> = value.as_object();
    object.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// A line, unless it says nothing.
fn add(html: &mut String, line: &str) {
    if line != "<p></p>" {
        html.push_str(line);
        html.push('\n');
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
