//! The order in which a person lists numbered files: `img_2` before `img_10`.

use std::{cmp::Ordering, path::PathBuf};

/// Compares runs of digits by their number and all else by bytes; equal numbers, as `1` and `01`,
/// by the bytes of the whole.
pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(l), Some(r)) = (left.first(), right.first()) {
        let order = if l.is_ascii_digit() && r.is_ascii_digit() {
            let (l, r) = (take_digits(&mut left), take_digits(&mut right));
            l.len().cmp(&r.len()).then_with(|| l.cmp(r))
        } else {
            let order = l.cmp(r);
            (left, right) = (&left[1..], &right[1..]);
            order
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Sorts files by their paths.
pub(crate) fn sort(files: &mut [PathBuf]) {
    files.sort_unstable_by(|a, b| {
        let [a, b] = [a, b].map(|path| path.as_os_str().as_encoded_bytes());
        compare(a, b)
    });
}

/// Takes the leading digits off, and gives them without leading zeros.
fn take_digits<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let end = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len());
    let (digits, rest) = bytes.split_at(end);
    *bytes = rest;
    let zeros = digits.iter().take_while(|&&b| b == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_inside_names_count_as_numbers() {
        let mut names = ["img_10.jpg", "img_2.jpg", "img_02.jpg", "a/9", "a/10", "img.jpg", "7"];
        names.sort_by(|a, b| compare(a.as_bytes(), b.as_bytes()));
        assert_eq!(names, ["7", "a/9", "a/10", "img.jpg", "img_02.jpg", "img_2.jpg", "img_10.jpg"]);
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[a0-2/]{0,6}", b in "[a0-2/]{0,6}", c in "[a0-2/]{0,6}") {
            let order = |x: &str, y: &str| compare(x.as_bytes(), y.as_bytes());
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &b).is_eq(), a == b);
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le());
            }
        }
    }
}
