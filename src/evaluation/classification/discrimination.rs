//! How well positives are told from negatives, whatever the size of the probabilities.

use super::ClassificationCases;
use super::blocks::{ScoreBlock, blocks_of, both_classes};
use crate::evaluation::EvaluationError;

/// The probability that a positive row drawn by weight has a higher prediction than a negative one; a tie counts half.
///
/// In `O(n log n)`. Equal to the area under the curve of true over false positives.
///
/// # Errors
/// [`EvaluationError::SingleClass`].
///
/// # Source
/// Hanley and McNeil 1982, <https://doi.org/10.1148/radiology.143.1.7063747>. Differences: weights.
pub fn roc_auc(cases: &ClassificationCases) -> Result<f64, EvaluationError> {
    auc_of(&blocks_of(cases)).ok_or_else(|| cases.single_class("roc_auc"))
}

/// The mean of the precision at each prediction, weighed by the recall that it adds.
///
/// `sum of (R_t - R_{t-1}) P_t` over the different predictions `t`, the highest first. Rows of one prediction enter
/// together, so that their order does not matter, and nothing is interpolated.
///
/// # Errors
/// [`EvaluationError::SingleClass`].
///
/// # Source
/// scikit-learn, `average_precision_score`. Differences: one class is an error.
pub fn average_precision(cases: &ClassificationCases) -> Result<f64, EvaluationError> {
    average_precision_of(&blocks_of(cases)).ok_or_else(|| cases.single_class("average_precision"))
}

pub(super) fn auc_of(blocks: &[ScoreBlock]) -> Option<f64> {
    let (positive, negative) = both_classes(blocks)?;
    let (mut above, mut pairs) = (0.0, 0.0);
    for block in blocks {
        pairs += block.negative * (above + block.positive / 2.0);
        above += block.positive;
    }
    Some(pairs / (positive * negative))
}

pub(super) fn average_precision_of(blocks: &[ScoreBlock]) -> Option<f64> {
    let (positive, _) = both_classes(blocks)?;
    let (mut found, mut taken, mut sum) = (0.0, 0.0, 0.0);
    for block in blocks.iter().filter(|block| block.weight() > 0.0) {
        found += block.positive;
        taken += block.weight();
        sum += block.positive * found / taken;
    }
    Some(sum / positive)
}
