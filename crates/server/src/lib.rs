//! The HTTP door of linprobe: the API, and the page that comes with it.
//!
//! A [`Server`] is bound first, so that its address is known, and then runs until it is told to stop.
//! Handlers wait; the library computes and reads on threads that may block. What goes over the wire is in
//! `wire`, what is checked before a handler sees a request in `guard`. A [`Door`] gives the same answers within a process.
//!
//! ```no_run
//! use linprobe::{Clock, OpenOptions, Surroundings};
//! use linprobe_server::{PATIENCE, Server, Settings};
//!
//! let server = Server::bind(&Settings {
//!     projects: vec!["tickets".into()],
//!     host: "127.0.0.1".to_owned(),
//!     port: 0,
//!     token: None,
//!     allowed_hosts: Vec::new(),
//!     data_roots: Vec::new(),
//!     patience: PATIENCE,
//!     surroundings: Surroundings { models: OpenOptions::default(), clock: Clock::new(|| 0) },
//! })?;
//! println!("the page is at {}", server.url());
//! server.run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Who has a server of their own takes its [`router`](Server::router). [`document`] describes the API, which is what `docs/openapi.json` is:
//!
//! ```
//! let document = linprobe_server::document().to_json()?;
//! assert!(document.contains("/api/projects"));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod api;
mod blocking;
mod dealer;
mod desk;
mod door;
mod extract;
mod guard;
mod jobs;
mod live;
mod lock;
mod page;
mod problem;
mod range;
mod reference;
mod router;
mod serve;
mod served;
mod show;
mod slots;
mod uploads;
mod wire;
mod workspace;

pub use desk::Desk;
pub use door::{Answered, Door};
pub use router::document;
pub use serve::{PATIENCE, ServeError, Server, Settings};
