//! An array of a file, of whatever numbers in whatever order.

use half::{bf16, f16};
use linprobe_tensors::{Element, Endian, Order, View};

use super::ImportError;

/// An array, whose numbers become single precision when they are asked for.
#[derive(Clone, Debug)]
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    element: Element,
    endian: Endian,
    layout: Layout,
    bytes: &'a [u8],
}

/// Which number stands where.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Numbers before the first.
    offset: usize,
    shape: Vec<usize>,
    /// Numbers from one to the next, for each axis.
    strides: Vec<usize>,
}

impl Layout {
    /// Numbers that follow each other.
    pub(super) fn plain(shape: Vec<usize>, order: Order) -> Self {
        let mut strides = vec![1_usize; shape.len()];
        let mut step = 1_usize;
        for place in 0..shape.len() {
            let axis = if order == Order::C { shape.len() - 1 - place } else { place };
            strides[axis] = step;
            step = step.saturating_mul(shape[axis]);
        }
        Self { offset: 0, shape, strides }
    }

    /// The place of the last number, if there are any.
    fn last(&self) -> Option<usize> {
        let mut axes = self.shape.iter().zip(&self.strides);
        axes.try_fold(self.offset, |last, (&size, &stride)| {
            last.checked_add(size.checked_sub(1)?.checked_mul(stride)?)
        })
    }
}

impl From<&View> for Layout {
    fn from(view: &View) -> Self {
        let View { offset, shape, strides, .. } = view.clone();
        Self { offset, shape, strides }
    }
}

impl<'a> Tensor<'a> {
    /// Checks that every number is there.
    pub(super) fn new(
        name: &str,
        (element, endian): (Element, Endian),
        layout: Layout,
        bytes: &'a [u8],
    ) -> Result<Self, ImportError> {
        let name = name.to_owned();
        if !element.is_float() {
            return Err(ImportError::Dtype { name, found: element.to_string() });
        }
        let width = usize::try_from(element.n_bytes()).unwrap_or(usize::MAX);
        if layout.last().is_none_or(|last| last >= bytes.len() / width) {
            return Err(ImportError::Shape { name, found: layout.shape });
        }
        Ok(Self { name, element, endian, layout, bytes })
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// The same numbers, columns for rows.
    pub(super) fn transposed(mut self) -> Self {
        self.layout.shape.reverse();
        self.layout.strides.reverse();
        self
    }

    /// The same numbers in a row, where they have one axis or none.
    pub(super) fn into_rows(mut self) -> Self {
        while self.layout.shape.len() < 2 {
            self.layout.shape.insert(0, 1);
            self.layout.strides.insert(0, 0);
        }
        self
    }

    /// The numbers of a row of a matrix.
    pub(super) fn row(&self, row_idx: usize) -> Vec<f32> {
        let Layout { offset, shape, strides } = &self.layout;
        let (&[_, n_columns], &[down, along]) = (&shape[..], &strides[..]) else {
            return Vec::new();
        };
        let start = offset + row_idx * down;
        (0..n_columns).map(|column| self.number(start + column * along)).collect()
    }

    fn number(&self, place: usize) -> f32 {
        match self.element {
            Element::F16 => f16::from_le_bytes(self.word(place)).to_f32(),
            Element::Bf16 => bf16::from_le_bytes(self.word(place)).to_f32(),
            Element::F64 => narrow(f64::from_le_bytes(self.word(place))),
            _ => f32::from_le_bytes(self.word(place)),
        }
    }

    /// The bytes of a number, the lowest first.
    fn word<const N: usize>(&self, place: usize) -> [u8; N] {
        let mut word = self.bytes.as_chunks().0[place];
        if self.endian == Endian::Big {
            word.reverse();
        }
        word
    }
}

/// A number that f32 cannot hold becomes an infinity, which no classifier accepts.
#[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(layout: Layout, bytes: &[u8]) -> Result<Tensor<'_>, ImportError> {
        Tensor::new("x", (Element::F32, Endian::Little), layout, bytes)
    }

    #[test]
    fn rows_are_read_in_every_order() {
        let bytes: Vec<u8> = (0_u8..6).flat_map(|n| f32::from(n).to_le_bytes()).collect();
        let rows = of(Layout::plain(vec![2, 3], Order::C), &bytes).unwrap();
        assert_eq!((rows.row(0), rows.row(1)), (vec![0.0, 1.0, 2.0], vec![3.0, 4.0, 5.0]));
        let columns = of(Layout::plain(vec![2, 3], Order::Fortran), &bytes).unwrap();
        assert_eq!((columns.row(0), columns.row(1)), (vec![0.0, 2.0, 4.0], vec![1.0, 3.0, 5.0]));
        assert_eq!(rows.transposed().row(2), [2.0, 5.0]);
        let flat = of(Layout::plain(vec![6], Order::C), &bytes).unwrap().into_rows();
        assert_eq!((flat.shape(), flat.row(0).len()), (&[1, 6][..], 6));
    }

    #[test]
    fn numbers_that_are_not_there_are_refused() {
        for shape in [vec![4], vec![2, 2], vec![usize::MAX, 2], vec![usize::MAX; 3], vec![0, 3]] {
            assert!(of(Layout::plain(shape.clone(), Order::C), &[0; 12]).is_err(), "{shape:?}");
        }
        let beyond = Layout { offset: 3, shape: vec![1], strides: vec![1] };
        assert!(of(beyond, &[0; 12]).is_err());
    }
}
