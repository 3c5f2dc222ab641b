//! A label is what a person said of a record: a number from -1, irrelevant, to +1, relevant.

use linprobe_core::Embedding;

/// A grade from -1, irrelevant, to +1, relevant; 0 stands on the boundary.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Label(f32);

impl Label {
    /// Surely not what is looked for.
    pub const IRRELEVANT: Self = Self(-1.0);
    /// Neither the one nor the other.
    pub const NEUTRAL: Self = Self(0.0);
    /// Surely what is looked for.
    pub const RELEVANT: Self = Self(1.0);

    /// Checks a number.
    ///
    /// # Errors
    /// [`BadLabel`] when it is NaN or lies outside of -1 to 1.
    pub fn new(value: f32) -> Result<Self, BadLabel> {
        // Adding zero turns -0 into 0, so that equal labels have equal bits.
        if (-1.0..=1.0).contains(&value) { Ok(Self(value + 0.0)) } else { Err(BadLabel { value }) }
    }

    /// The number, in [-1, 1].
    pub fn value(self) -> f32 {
        self.0
    }

    /// The same on the scale of a probability: (1 + value) / 2, in [0, 1].
    pub fn grade(self) -> f32 {
        f32::midpoint(1.0, self.0)
    }

    /// Whether it is above 0.
    pub fn is_positive(self) -> bool {
        self.0 > 0.0
    }

    /// Whether it is below 0.
    pub fn is_negative(self) -> bool {
        self.0 < 0.0
    }
}

impl TryFrom<f32> for Label {
    type Error = BadLabel;

    fn try_from(value: f32) -> Result<Self, BadLabel> {
        Self::new(value)
    }
}

/// A number that is no label.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value} is no label\nhint: a label is a number from -1 (irrelevant) to 1 (relevant)")]
pub struct BadLabel {
    /// The number.
    pub value: f32,
}

/// An embedding and what a person said of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Where the record lies.
    pub embedding: Embedding,
    /// What was said of it.
    pub label: Label,
    /// The round in which it was said, from 1; 0 for what was known at the start.
    pub round: u32,
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_number_from_minus_one_to_one() {
        for value in [-1.0, -0.25, 0.0, 1.0] {
            assert_eq!(Label::new(value).map(Label::value), Ok(value));
        }
        for value in [f32::NAN, f32::INFINITY, -1.000_001, 1.000_001] {
            assert!(Label::new(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_grade_is_a_probability() {
        assert_eq!(Label::IRRELEVANT.grade(), 0.0);
        assert_eq!(Label::NEUTRAL.grade(), 0.5);
        assert_eq!(Label::RELEVANT.grade(), 1.0);
    }

    #[test]
    fn equal_labels_have_equal_bits() {
        assert_eq!(Label::new(-0.0).unwrap().value().to_bits(), 0.0_f32.to_bits());
    }
}
