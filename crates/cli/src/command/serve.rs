//! `linprobe serve`: the page in the browser, and the API behind it.

use std::{path::Path, time::Duration};

use anyhow::Result;
use linprobe_server::{PATIENCE, Server, Settings};
use serde_json::json;

use super::{Door, Outcome};
use crate::args::{AddressArgs, ServeArgs};

pub(crate) fn run(door: &Door, args: &ServeArgs) -> Result<Outcome> {
    let mut projects = args.projects.clone();
    if projects.is_empty() {
        projects.push(door.folder.clone());
    }
    let AddressArgs { host, port, open } = &args.at;
    let settings = Settings {
        projects,
        host: host.clone(),
        port: *port,
        token: args.token.clone(),
        allowed_hosts: args.allowed_hosts.clone(),
        data_roots: args.data_roots.clone(),
        patience: Duration::from_mins(args.patience.into()),
        surroundings: door.surroundings(),
    };
    serve(door, &settings, if *open { View::Home } else { View::None })
}

/// What is opened in the browser.
#[derive(Clone, Copy)]
enum View<'a> {
    None,
    Home,
    Session(&'a str),
}

/// Opens a session of the project in the browser.
pub(crate) fn session(door: &Door, name: &str) -> Result<Outcome> {
    serve(door, &local(door, &door.folder), View::Session(name))
}

/// Opens the project of a folder in the browser.
pub(crate) fn folder(door: &Door, folder: &Path) -> Result<Outcome> {
    serve(door, &local(door, folder), View::Home)
}

/// A project of this machine for a person at it, at any port.
fn local(door: &Door, folder: &Path) -> Settings {
    Settings {
        projects: vec![folder.to_owned()],
        host: "127.0.0.1".to_owned(),
        port: 0,
        token: None,
        allowed_hosts: Vec::new(),
        data_roots: Vec::new(),
        patience: PATIENCE,
        surroundings: door.surroundings(),
    }
}

/// Says where the page is, opens a view of it where one is named, and answers until it is stopped.
fn serve(door: &Door, settings: &Settings, view: View<'_>) -> Result<Outcome> {
    let server = Server::bind(settings)?;
    let url = server.url();
    let page = match (view, server.slugs().first()) {
        (View::Session(name), Some(slug)) => {
            format!("{url}#/p/{}/s/{}", encoded(slug), encoded(name))
        }
        _ => url.clone(),
    };
    let token = server.token();
    let mut text = format!("linprobe is at {page}");
    if let Some(token) = token {
        text = format!("{text}\nthe token is {token}");
    }
    door.answer(&json!({ "url": url, "page": page, "token": token }), &text)?;
    door.say("ctrl-c ends it; every label is saved when it is given")?;
    if !matches!(view, View::None) {
        // Without a browser the address above is all that there is.
        drop(open::that_detached(&page));
    }
    server.run()?;
    Ok(Outcome::Done)
}

/// A name as one part of an address.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let bytes = name.bytes();
    bytes.map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
