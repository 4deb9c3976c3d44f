//! What becomes of probabilities when something is decided by them.

use serde::{Deserialize, Serialize};

use super::ClassificationCases;
use super::blocks::{ScoreBlock, blocks_of};
use crate::evaluation::EvaluationError;

/// Weight of the rows by decision and label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Positives at or above the threshold.
    pub true_positives: f64,
    /// Negatives at or above the threshold.
    pub false_positives: f64,
    /// Positives below the threshold.
    pub false_negatives: f64,
    /// Negatives below the threshold.
    pub true_negatives: f64,
}

/// Counts the rows by decision and label: a row is taken for positive if its probability is at least `threshold`.
///
/// ```
/// use salient::evaluation::classification::{ClassificationCases, confusion_at};
///
/// let cases = ClassificationCases::new(vec![0.5, 0.9, 0.2, 0.4], vec![true, false, false, true])?;
/// let confusion = confusion_at(&cases, 0.5)?;
/// assert_eq!(confusion.precision(), Some(0.5));
/// assert_eq!(confusion_at(&cases, 1.0)?.precision(), None);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`] for a threshold outside `[0, 1]`.
pub fn confusion_at(
    cases: &ClassificationCases,
    threshold: f64,
) -> Result<Confusion, EvaluationError> {
    check_threshold(threshold)?;
    Ok(Confusion::of(&blocks_of(cases), threshold))
}

pub(in crate::evaluation) fn check_threshold(threshold: f64) -> Result<(), EvaluationError> {
    match (0.0..=1.0).contains(&threshold) {
        true => Ok(()),
        false => Err(EvaluationError::SettingOutOfRange {
            setting: "threshold",
            value: threshold,
            rule: "between 0 and 1",
        }),
    }
}

impl Confusion {
    pub(super) fn of(blocks: &[ScoreBlock], threshold: f64) -> Self {
        let mut confusion = Self::default();
        for block in blocks {
            let (positives, negatives) = match block.probability >= threshold {
                true => (
                    &mut confusion.true_positives,
                    &mut confusion.false_positives,
                ),
                false => (
                    &mut confusion.false_negatives,
                    &mut confusion.true_negatives,
                ),
            };
            *positives += block.positive;
            *negatives += block.negative;
        }
        confusion
    }

    /// Share of the rows that are decided rightly; `None` without rows.
    pub fn accuracy(&self) -> Option<f64> {
        let right = self.true_positives + self.true_negatives;
        share(right, self.false_positives + self.false_negatives)
    }

    /// Share of positives among the rows taken for positive; `None` if none was.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positives, self.false_positives)
    }

    /// Share of the positives that were taken for positive; `None` without positives.
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positives, self.false_negatives)
    }

    /// The harmonic mean of precision and recall, `2 tp / (2 tp + fp + fn)`; `None` if there is no positive and none was
    /// taken for one.
    pub fn f1(&self) -> Option<f64> {
        let right = 2.0 * self.true_positives;
        share(right, self.false_positives + self.false_negatives)
    }
}

fn share(part: f64, rest: f64) -> Option<f64> {
    (part + rest > 0.0).then(|| part / (part + rest))
}
