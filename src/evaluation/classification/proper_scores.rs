//! Scores that only the true probabilities minimise.

use super::ClassificationCases;
use super::blocks::{ScoreBlock, blocks_of, both_classes, mean, totals};
use crate::evaluation::EvaluationError;

/// How near to 0 or 1 a probability may come in a logarithm: the resolution of `f32`, in which models predict.
const CLIP: f64 = f32::EPSILON as f64;

/// The mean of `-ln` of the probability that was given to the label, in nats.
///
/// # Edge cases
/// Probabilities are clipped to `[e, 1 - e]` with `e = 2^-23`, the resolution of `f32`: one exactly at 0 or 1 on the wrong
/// side would make the mean infinite. So no row costs more than 15.95.
///
/// # Errors
/// None for checked cases, of which one has a weight; [`EvaluationError::NoWeight`] otherwise.
///
/// # Source
/// scikit-learn, `log_loss`, which clips at the resolution of the type of the predictions. Differences: that is always `f32`.
pub fn log_loss(cases: &ClassificationCases) -> Result<f64, EvaluationError> {
    log_loss_of(&blocks_of(cases)).ok_or_else(|| no_weight(cases))
}

/// The log loss divided by that of who knows the share of positives alone: below 1 is better than that.
///
/// # Errors
/// [`EvaluationError::SingleClass`]: who knows the share then knows every label.
///
/// # Source
/// He et al. 2014, "Practical lessons from predicting clicks on ads at Facebook", section 2,
/// <https://doi.org/10.1145/2648584.2648589>. Differences: the share is that of the cases.
pub fn normalised_entropy(cases: &ClassificationCases) -> Result<f64, EvaluationError> {
    let blocks = blocks_of(cases);
    normalised_entropy_of(&blocks).ok_or_else(|| cases.single_class("normalised_entropy"))
}

/// The mean of the squared difference of probability and label, in `[0, 1]`.
///
/// # Errors
/// None for checked cases, of which one has a weight; [`EvaluationError::NoWeight`] otherwise.
///
/// # Source
/// Brier 1950, <https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2>. Differences: of one class, so half of
/// the original, as in scikit-learn.
pub fn brier_score(cases: &ClassificationCases) -> Result<f64, EvaluationError> {
    brier_score_of(&blocks_of(cases)).ok_or_else(|| no_weight(cases))
}

pub(super) fn no_weight(cases: &ClassificationCases) -> EvaluationError {
    let n_rows = cases.n_rows();
    EvaluationError::NoWeight { n_rows }
}

pub(super) fn log_loss_of(blocks: &[ScoreBlock]) -> Option<f64> {
    mean(blocks, |block| {
        let probability = block.probability.clamp(CLIP, 1.0 - CLIP);
        // Most blocks hold one class alone, and a logarithm is most of the work.
        let cost = |weight: f64, probability: f64| match weight > 0.0 {
            true => -weight * probability.ln(),
            false => 0.0,
        };
        cost(block.positive, probability) + cost(block.negative, 1.0 - probability)
    })
}

pub(super) fn normalised_entropy_of(blocks: &[ScoreBlock]) -> Option<f64> {
    let (positive, negative) = both_classes(blocks)?;
    let share = positive / (positive + negative);
    let entropy = -(share * share.ln() + (1.0 - share) * (1.0 - share).ln());
    Some(log_loss_of(blocks)? / entropy)
}

pub(super) fn brier_score_of(blocks: &[ScoreBlock]) -> Option<f64> {
    mean(blocks, |block| {
        let p = block.probability;
        block.positive * (1.0 - p).powi(2) + block.negative * p.powi(2)
    })
}

pub(super) fn mean_prediction_of(blocks: &[ScoreBlock]) -> Option<f64> {
    mean(blocks, |block| block.weight() * block.probability)
}

pub(super) fn positive_share_of(blocks: &[ScoreBlock]) -> Option<f64> {
    let (positive, negative) = totals(blocks);
    (positive + negative > 0.0).then(|| positive / (positive + negative))
}
