//! Checked logits, labels and weights to fit to.

use crate::evaluation::EvaluationError;
use crate::evaluation::classification::{check_length, check_weights};

/// Rows with a weight above 0, of both classes.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) rows: Vec<Sample>,
    /// Weight of all rows.
    pub(super) weight: f64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) logit: f64,
    pub(super) label: bool,
    pub(super) weight: f64,
}

impl Samples {
    pub(super) fn new(
        logits: &[f64],
        labels: &[bool],
        weights: Option<&[f64]>,
    ) -> Result<Self, EvaluationError> {
        if logits.is_empty() {
            return Err(EvaluationError::NoCases);
        }
        check_length("labels", labels.len(), logits.len())?;
        weights.map_or(Ok(()), |weights| check_weights(weights, logits.len()))?;
        // Within this range squares are numbers still.
        let wrong = |logit: &f64| !(-1e100..=1e100).contains(logit);
        if let Some(row) = logits.iter().position(wrong) {
            return Err(EvaluationError::RowOutOfRange {
                column: "logit",
                row,
                value: logits[row],
                rule: "between -1e100 and 1e100",
            });
        }
        let sample = |row: usize| Sample {
            logit: logits[row],
            label: labels[row],
            weight: weights.map_or(1.0, |weights| weights[row]),
        };
        let rows: Vec<Sample> = (0..logits.len()).map(sample).collect();
        let rows: Vec<Sample> = rows.into_iter().filter(|row| row.weight > 0.0).collect();
        let n_positives = rows.iter().filter(|row| row.label).count();
        if n_positives == 0 || n_positives == rows.len() {
            return Err(EvaluationError::SingleClass {
                metric: "calibration",
                n_rows: rows.len(),
                n_positives,
            });
        }
        let weight = rows.iter().map(|row| row.weight).sum();
        Ok(Self { rows, weight })
    }

    /// The lowest and the highest logit of a class.
    pub(super) fn range(&self, label: bool) -> (f64, f64) {
        let logits = self.rows.iter().filter(|row| row.label == label);
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        logits.fold(ends, |(low, high), row| {
            (low.min(row.logit), high.max(row.logit))
        })
    }
}

/// `1 / (1 + exp(-logit))`.
pub(super) fn sigmoid(logit: f64) -> f64 {
    // The exponential of a large number would be infinite.
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let odds = logit.exp();
        odds / (1.0 + odds)
    }
}

/// `ln(1 + exp(logit))`.
pub(super) fn softplus(logit: f64) -> f64 {
    logit.max(0.0) + (-logit.abs()).exp().ln_1p()
}
