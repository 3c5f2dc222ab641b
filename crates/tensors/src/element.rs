//! What an array is made of, and in which order.

use std::fmt;

/// What an array is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// Half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Integers of so many bytes, at most eight.
    Signed(u64),
    /// The same without a sign.
    Unsigned(u64),
    /// Strings of so many bytes, padded with NUL.
    Bytes(u64),
    /// Strings of so many UTF-32 units, padded with NUL.
    Unicode(u64),
    /// Pickled Python objects.
    Object,
    /// Anything else, by the name that the file gives it.
    Other(String),
}

impl Element {
    /// The size of one, in bytes; zero for those that are not read.
    pub fn n_bytes(&self) -> u64 {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Signed(n) | Self::Unsigned(n) | Self::Bytes(n) => *n,
            Self::Unicode(n) => n.saturating_mul(4),
            Self::Object | Self::Other(_) => 0,
        }
    }

    /// Whether it is a floating-point number.
    pub fn is_float(&self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F16 => f.write_str("f16"),
            Self::Bf16 => f.write_str("bf16"),
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::Signed(n) => write!(f, "i{}", n * 8),
            Self::Unsigned(n) => write!(f, "u{}", n * 8),
            Self::Bytes(_) | Self::Unicode(_) => f.write_str("string"),
            Self::Object => f.write_str("object"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// The lowest.
    Little,
    /// The highest.
    Big,
}

/// Which index runs fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The last: rows stand together.
    C,
    /// The first: columns stand together.
    Fortran,
}
