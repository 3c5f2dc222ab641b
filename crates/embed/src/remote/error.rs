//! What can go wrong between here and a server that runs a model.

use std::error::Error;

/// Why a server gives no embeddings, by what the reader can do about it.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The name begins like an address and is none.
    #[error(
        "the address of the model cannot be used: {reason}\n\
         hint: \"http://host/v1#model\" for a server that speaks as OpenAI does, \"http://host\" \
         for text-embeddings-inference"
    )]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// Requests are switched off.
    #[error(
        "{url} is on another machine, and requests are switched off\n\
         hint: unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE"
    )]
    Offline {
        /// The model.
        url: String,
    },
    /// The server wants to know who asks.
    #[error("{url} refuses the token, or asks for one\nhint: set {variable}")]
    Unauthorized {
        /// What was asked for.
        url: String,
        /// The environment variable that the token is taken from.
        variable: &'static str,
    },
    /// The server has no such address or model.
    #[error(
        "{url} has no such model: {message}\n\
         hint: check the address, and the name behind the #"
    )]
    NotFound {
        /// What was asked for.
        url: String,
        /// What the server said.
        message: String,
    },
    /// The server does not take what it was given.
    #[error("{url} refuses it ({status}): {message}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// The server has too much to do, or is broken, however often it is asked.
    #[error("{url} answers {status} again and again: {message}\nhint: try again later")]
    Busy {
        /// What was asked for.
        url: String,
        /// The status of the last answer.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// The server, or the way to it, is down.
    #[error("cannot reach {url}\nhint: is the server running, and at this address?")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server is there, and says nothing.
    #[error("{url} took or gave nothing for {seconds} s\nhint: see what the server is doing")]
    Silent {
        /// What was asked for.
        url: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The answer is not one of such a server.
    #[error("{url} answered in a way that no such server does: {reason}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// The server has begun to make vectors of another length.
    #[error(
        "{url} made vectors of {expected} dimensions before, and of {found} now\n\
         hint: another model runs there; a project needs the one that it was made with"
    )]
    Dimension {
        /// The model.
        url: String,
        /// The dimension that the model had when it was opened.
        expected: usize,
        /// The dimension that came.
        found: usize,
    },
}
