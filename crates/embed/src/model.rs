//! The models, one file each.

pub(crate) mod precomputed;
