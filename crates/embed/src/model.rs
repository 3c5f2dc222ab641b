//! The models, one file each.

pub(crate) mod precomputed;
pub(crate) mod static_;
