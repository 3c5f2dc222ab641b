//! A set of row numbers, one bit a row.

/// A set of row numbers. Takes an eighth of a byte for each row up to the highest in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
}

impl Bitmap {
    /// No row at all.
    pub(crate) const EMPTY: Self = Self { words: Vec::new() };

    /// The first rows.
    pub(crate) fn first(n_rows: usize) -> Self {
        let mut words = vec![u64::MAX; n_rows.div_ceil(64)];
        if let Some(last) = words.last_mut().filter(|_| !n_rows.is_multiple_of(64)) {
            *last = (1 << (n_rows % 64)) - 1;
        }
        Self { words }
    }

    /// Adds a row.
    pub(crate) fn insert(&mut self, row_idx: usize) {
        let word_idx = row_idx / 64;
        if word_idx >= self.words.len() {
            self.words.resize(word_idx + 1, 0);
        }
        self.words[word_idx] |= 1 << (row_idx % 64);
    }

    /// Takes a row out.
    pub(crate) fn remove(&mut self, row_idx: usize) {
        if let Some(word) = self.words.get_mut(row_idx / 64) {
            *word &= !(1 << (row_idx % 64));
        }
    }

    /// Whether a row is in the set.
    pub(crate) fn contains(&self, row_idx: usize) -> bool {
        self.word(row_idx / 64) >> (row_idx % 64) & 1 == 1
    }

    /// The 64 bits from row `64 * word_idx`.
    pub(crate) fn word(&self, word_idx: usize) -> u64 {
        self.words.get(word_idx).copied().unwrap_or(0)
    }

    /// The rows in the set, lowest first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(word_idx, &word)| ones(word).map(move |bit| word_idx * 64 + bit))
    }

    /// Those of its rows that are not in another set.
    pub(crate) fn without(mut self, other: &Self) -> Self {
        for (word, taken) in self.words.iter_mut().zip(&other.words) {
            *word &= !taken;
        }
        self
    }

    /// How many rows are in the set.
    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// Bit `i` of word `w` stands for row `64 * w + i`.
impl From<Vec<u64>> for Bitmap {
    fn from(words: Vec<u64>) -> Self {
        Self { words }
    }
}

impl FromIterator<usize> for Bitmap {
    fn from_iter<I: IntoIterator<Item = usize>>(iter: I) -> Self {
        let mut set = Self::default();
        set.extend(iter);
        set
    }
}

impl Extend<usize> for Bitmap {
    fn extend<I: IntoIterator<Item = usize>>(&mut self, iter: I) {
        iter.into_iter().for_each(|row_idx| self.insert(row_idx));
    }
}

/// The positions of the bits that are set.
pub(crate) fn ones(word: u64) -> impl Iterator<Item = usize> {
    let mut left = word;
    std::iter::from_fn(move || {
        let bit = (left != 0).then(|| left.trailing_zeros() as usize);
        left &= left.wrapping_sub(1);
        bit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_order_whatever_the_order_they_went_in() {
        let set: Bitmap = [200, 0, 63, 64, 200].into_iter().collect();
        assert_eq!(set.rows().collect::<Vec<_>>(), [0, 63, 64, 200]);
        assert_eq!(set.count(), 4);
        assert!(set.contains(63) && !set.contains(62) && !set.contains(100_000));
    }

    #[test]
    fn the_first_rows_are_as_many_as_asked_for_and_can_be_taken_out() {
        for n_rows in [0, 1, 63, 64, 65, 200] {
            let mut rows = Bitmap::first(n_rows);
            assert_eq!(rows.rows().collect::<Vec<_>>(), (0..n_rows).collect::<Vec<_>>());
            rows.remove(63);
            rows.remove(1000);
            assert_eq!(rows.count(), n_rows - usize::from(n_rows > 63));
        }
    }

    #[test]
    fn taking_a_longer_or_a_shorter_set_away_leaves_the_rest() {
        let set = |rows: &[usize]| rows.iter().copied().collect::<Bitmap>();
        let rest = |a: &[usize], b: &[usize]| set(a).without(&set(b)).rows().collect::<Vec<_>>();
        assert_eq!(rest(&[1, 70], &[1]), [70]);
        assert_eq!(rest(&[1], &[2, 700]), [1]);
    }
}
