//! The server as its clients see it: requests in, answers out, over projects on the disk.

mod attacks;
mod labelling;
mod stage;
