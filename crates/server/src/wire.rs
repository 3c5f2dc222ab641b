//! What goes over the wire, and nothing else: the nouns of the core have no JSON of their own, so that a
//! field is added here and nowhere else.

mod audit;
mod insight;
mod job;
mod project;
mod record;
mod results;
mod session;

pub(crate) use audit::*;
pub(crate) use insight::*;
pub(crate) use job::*;
pub(crate) use project::*;
pub(crate) use record::*;
pub(crate) use results::*;
pub(crate) use session::*;
