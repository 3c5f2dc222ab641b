//! The stores, each against its promises.

mod embedded;
