//! What goes over the wire, and nothing else: the nouns of the core have no JSON of their own, so that a
//! field is added here and nowhere else.

mod insight;
mod project;
mod record;
mod session;

pub(crate) use insight::*;
pub(crate) use project::*;
pub(crate) use record::*;
pub(crate) use session::*;
