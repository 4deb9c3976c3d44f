//! The share of positives, restored after negatives were left out.

use crate::evaluation::EvaluationError;

/// What to add to the logit of a model that was trained on all positives and this share of the negatives: `ln(kept_share)`.
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`] for a share outside `(0, 1]`.
///
/// # Source
/// As [`prior_corrected`]: its formula divides the odds by `1 / kept_share`.
pub fn prior_shift(kept_share: f64) -> Result<f64, EvaluationError> {
    match kept_share > 0.0 && kept_share <= 1.0 {
        true => Ok(kept_share.ln()),
        false => Err(EvaluationError::SettingOutOfRange {
            setting: "share of negatives that were kept",
            value: kept_share,
            rule: "above 0 and at most 1",
        }),
    }
}

/// The probability among all rows, from one of a model that was trained on all positives and this share of the negatives.
///
/// `q = p / (p + (1 - p) / kept_share)`
///
/// ```
/// use salient::evaluation::calibration::prior_corrected;
///
/// // Of 1000 rows 10 are positive; with 1 % of the negatives kept, half are.
/// let probability = prior_corrected(10.0 / 19.9, 0.01)?;
/// assert!((probability - 0.01).abs() < 1e-12);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`] for a share outside `(0, 1]` or a probability outside `[0, 1]`.
///
/// # Source
/// He et al. 2014, "Practical lessons from predicting clicks on ads at Facebook", section 6.3,
/// <https://doi.org/10.1145/2648584.2648589>. Differences: none.
pub fn prior_corrected(probability: f64, kept_share: f64) -> Result<f64, EvaluationError> {
    prior_shift(kept_share)?;
    match (0.0..=1.0).contains(&probability) {
        true => Ok(probability / (probability + (1.0 - probability) / kept_share)),
        false => Err(EvaluationError::SettingOutOfRange {
            setting: "probability",
            value: probability,
            rule: "between 0 and 1",
        }),
    }
}
