//! The HTTP door of linprobe: the API, and the page that comes with it.
//!
//! A [`Server`] is bound first, so that its address is known, and then runs until it is told to stop.
//! Handlers wait; the library computes and reads on threads that may block. What goes over the wire is in
//! `wire`, what is checked before a handler sees a request in `guard`. A [`Door`] gives the same answers within a process.

mod api;
mod blocking;
mod dealer;
mod desk;
mod door;
mod extract;
mod guard;
mod jobs;
mod live;
mod page;
mod problem;
mod range;
mod reference;
mod router;
mod serve;
mod served;
mod show;
mod uploads;
mod wire;
mod workspace;

pub use desk::Desk;
pub use door::{Answered, Door};
pub use router::document;
pub use serve::{PATIENCE, ServeError, Server, Settings};
