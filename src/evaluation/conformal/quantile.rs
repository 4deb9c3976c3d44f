//! How unlike the calibration rows a label may be.

use serde::{Deserialize, Serialize};

use crate::evaluation::EvaluationError;
use crate::writable::writable;

pub(super) const ROWS: &str = "rows";
pub(super) const NEGATIVE_ROWS: &str = "negative rows";
pub(super) const POSITIVE_ROWS: &str = "positive rows";

/// How unlike the calibration rows a label may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Quantile {
    pub(super) nonconformity: f64,
    /// Number of calibration rows that it was found on.
    pub(super) n_rows: usize,
}

impl Quantile {
    pub(super) fn new(
        alpha: f64,
        rows: &'static str,
        mut scores: Vec<f64>,
    ) -> Result<Self, EvaluationError> {
        check_enough(alpha, rows, scores.len())?;
        let rank = rank(scores.len(), alpha);
        let (_, score, _) = scores.select_nth_unstable_by(rank - 1, f64::total_cmp);
        Ok(Self {
            nonconformity: rounded_up(*score),
            n_rows: scores.len(),
        })
    }

    pub(super) fn check(&self, alpha: f64, rows: &'static str) -> Result<(), EvaluationError> {
        check_enough(alpha, rows, self.n_rows)?;
        match (0.0..=1.0).contains(&self.nonconformity) {
            true => Ok(()),
            false => Err(EvaluationError::SettingOutOfRange {
                setting: "nonconformity",
                value: self.nonconformity,
                rule: "between 0 and 1",
            }),
        }
    }
}

/// How many calibration rows there are from the quantile up, one to come included: `floor((n + 1) alpha)`. The slack is more
/// than the rounding of the product, so that 0.29 of 100 is 29.
pub(super) fn n_above(n_rows: usize, alpha: f64) -> usize {
    let slack = 1e-9;
    // Of n + 1 rows one at least lies below.
    (((n_rows + 1) as f64 * alpha + slack) as usize).min(n_rows)
}

/// `ceil((n + 1) (1 - alpha))`, at least 1.
fn rank(n_rows: usize, alpha: f64) -> usize {
    n_rows + 1 - n_above(n_rows, alpha)
}

fn check_enough(alpha: f64, rows: &'static str, n_rows: usize) -> Result<(), EvaluationError> {
    if n_rows > 0 && n_above(n_rows, alpha) > 0 {
        return Ok(());
    }
    let near = (1.0 / alpha - 1.0).ceil().max(1.0) as usize;
    // The division may be rounded to either side of a whole number.
    let n_needed = if near > 1 && n_above(near - 1, alpha) > 0 {
        near - 1
    } else {
        near
    };
    Err(EvaluationError::TooFewCalibrationRows {
        alpha,
        rows,
        n_rows,
        n_needed,
    })
}

/// The nearest number of 15 digits that is not below.
fn rounded_up(score: f64) -> f64 {
    let near = writable(score);
    match near >= score {
        true => near,
        false => writable(score * (1.0 + 1e-14)).min(1.0),
    }
}
