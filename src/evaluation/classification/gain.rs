//! How many positives are found among the rows of the highest predictions.

use serde::{Deserialize, Serialize};

use super::ClassificationCases;
use super::blocks::{ScoreBlock, blocks_of, both_classes, totals};
use crate::evaluation::EvaluationError;

/// What is found among the rows of the highest predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainPoint {
    /// Share of the rows that are taken, by their weight, the highest predictions first.
    pub share: f64,
    /// Share of all positives that are among them.
    pub gain: f64,
    /// How many times more positives there are among them than among as many rows at random: `gain / share`.
    pub lift: f64,
}

/// Cumulative gain and lift at `1/n_parts, 2/n_parts, ..., 1` of the rows; 10 parts for deciles.
///
/// # Edge cases
/// Where a cut goes through rows of one prediction, it takes of each class the same share of them: the expectation over
/// their order.
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`] for no parts; [`EvaluationError::SingleClass`].
pub fn cumulative_gain(
    cases: &ClassificationCases,
    n_parts: usize,
) -> Result<Vec<GainPoint>, EvaluationError> {
    if n_parts == 0 {
        return Err(EvaluationError::SettingOutOfRange {
            setting: "number of parts",
            value: 0.0,
            rule: "at least 1",
        });
    }
    let found = gain_of(&blocks_of(cases), n_parts);
    found.ok_or_else(|| cases.single_class("cumulative_gain"))
}

/// How many times more positives there are among the `share` of rows of the highest predictions than among as many at random.
///
/// ```
/// use salient::evaluation::classification::{ClassificationCases, lift_at};
///
/// let labels = vec![true, true, false, false, false, false, false, false];
/// let cases = ClassificationCases::new(vec![0.9, 0.1, 0.8, 0.3, 0.3, 0.2, 0.2, 0.2], labels)?;
/// // One of the first two is positive, one of four in all.
/// assert_eq!(lift_at(&cases, 0.25)?, 2.0);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`] for a share outside `(0, 1]`; [`EvaluationError::SingleClass`].
pub fn lift_at(cases: &ClassificationCases, share: f64) -> Result<f64, EvaluationError> {
    if !(share > 0.0 && share <= 1.0) {
        return Err(EvaluationError::SettingOutOfRange {
            setting: "share of rows",
            value: share,
            rule: "above 0 and at most 1",
        });
    }
    let blocks = blocks_of(cases);
    let totals = both_classes(&blocks).ok_or_else(|| cases.single_class("lift"))?;
    Ok(gain_at(&blocks, totals, share) / share)
}

pub(super) fn gain_of(blocks: &[ScoreBlock], n_parts: usize) -> Option<Vec<GainPoint>> {
    let totals = both_classes(blocks)?;
    let point = |part: usize| {
        let share = part as f64 / n_parts as f64;
        let gain = gain_at(blocks, totals, share);
        GainPoint {
            share,
            gain,
            lift: gain / share,
        }
    };
    Some((1..=n_parts).map(point).collect())
}

/// Share of the positives in the first `share` of all weight.
fn gain_at(blocks: &[ScoreBlock], (positive, _): (f64, f64), share: f64) -> f64 {
    (sum_of_first(blocks, share, |block| block.positive) / positive).min(1.0)
}

/// The sum of an amount over the first `share` of all weight; a block that is cut gives the same share of its amount.
pub(in crate::evaluation) fn sum_of_first(
    blocks: &[ScoreBlock],
    share: f64,
    amount_of: impl Fn(&ScoreBlock) -> f64,
) -> f64 {
    let (positive, negative) = totals(blocks);
    let mut left = share * (positive + negative);
    let mut found = 0.0;
    for block in blocks.iter().filter(|block| block.weight() > 0.0) {
        let taken = (left / block.weight()).min(1.0);
        found += taken * amount_of(block);
        left -= block.weight();
        if left <= 0.0 {
            break;
        }
    }
    found
}
