//! Values whose first one stands at the start of a line of the cache.

use std::ops::{Deref, DerefMut};

/// The bytes of a line.
const LINE: usize = 64;

/// As many values as it was made with. A vector that is as long as a line, taken at a multiple of its length, lies in one
/// line: from two it would take two loads.
#[derive(Debug)]
pub(super) struct Aligned<T> {
    /// With what stands before the first one, and behind the last.
    values: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// Zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let values = vec![T::default(); len + LINE / size_of::<T>()];
        // What a vector holds stays where it is.
        let start = values.as_ptr().align_offset(LINE).min(values.len() - len);
        Self { values, start, len }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..self.start + self.len]
    }
}

impl<T> AsRef<[T]> for Aligned<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_starts_a_line() {
        for len in [0, 1, 15, 16, 1000] {
            let mut values = Aligned::<u32>::zeros(len);
            values.iter_mut().zip(7..).for_each(|(value, n)| *value = n);
            assert!(values.iter().copied().eq((7..).take(len)), "{len}");
            assert_eq!(values.as_ptr().align_offset(LINE), 0, "{len}");
        }
    }
}
