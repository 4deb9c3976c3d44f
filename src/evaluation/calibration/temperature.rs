//! One number that makes a model less or more sure.

use super::samples::{Sample, Samples, sigmoid};
use crate::evaluation::EvaluationError;

const KIND: &str = "temperature";
const MAX_STEPS: usize = 200;
/// Relative precision of the temperature.
const PRECISION: f64 = 1e-12;

/// The temperature of the highest likelihood.
///
/// The likelihood is concave in `1 / temperature`, so that its slope has one root: Newton's steps, and a bisection where such a
/// step leaves the interval that holds the root.
///
/// # Source
/// Guo et al. 2017, "On calibration of modern neural networks", section 4.2, <https://arxiv.org/abs/1706.04599>. Differences: of
/// one logit.
pub(super) fn fit_temperature(samples: &Samples) -> Result<f64, EvaluationError> {
    check_exists(samples)?;
    let (mut low, mut high) = bracket(samples)?;
    let mut sharpness = (low + high) / 2.0;
    for _ in 0..MAX_STEPS {
        let (slope, curvature) = slope_at(samples, sharpness);
        if slope > 0.0 {
            high = sharpness;
        } else {
            low = sharpness;
        }
        let newton = sharpness - slope / curvature;
        let next = match newton > low && newton < high {
            true => newton,
            false => (low + high) / 2.0,
        };
        if (next - sharpness).abs() <= PRECISION * sharpness {
            return Ok(1.0 / next);
        }
        sharpness = next;
    }
    Err(not_converged(samples, sharpness))
}

fn not_converged(samples: &Samples, sharpness: f64) -> EvaluationError {
    EvaluationError::NotConverged {
        kind: KIND,
        n_steps: MAX_STEPS,
        gradient: slope_at(samples, sharpness).0.abs(),
    }
}

/// That the likelihood is highest neither at a temperature of 0 nor at an infinite one.
fn check_exists(samples: &Samples) -> Result<(), EvaluationError> {
    let on_wrong_side = |row: &Sample| match row.label {
        true => row.logit < 0.0,
        false => row.logit > 0.0,
    };
    let reason = if slope_at(samples, 0.0).0 >= 0.0 {
        "the logits say nothing of the labels, or the opposite"
    } else if !samples.rows.iter().any(on_wrong_side) {
        "no logit is on the wrong side of 0, so that being surer is always better"
    } else {
        return Ok(());
    };
    Err(EvaluationError::NoBestCalibration { kind: KIND, reason })
}

/// Inverse temperatures a factor of two apart that hold the best between them.
fn bracket(samples: &Samples) -> Result<(f64, f64), EvaluationError> {
    let rises = |sharpness: f64| slope_at(samples, sharpness).0 > 0.0;
    let mut high = 1.0;
    // The logits span 200 powers of ten, each of 3.4 doublings.
    for _ in 0..4 * MAX_STEPS {
        match (rises(high), rises(high / 2.0)) {
            (true, false) => return Ok((high / 2.0, high)),
            (true, true) => high /= 2.0,
            (false, _) => high *= 2.0,
        }
    }
    Err(not_converged(samples, high))
}

/// First and second derivative of the mean loss by the inverse temperature.
fn slope_at(samples: &Samples, sharpness: f64) -> (f64, f64) {
    let (mut slope, mut curvature) = (0.0, 0.0);
    for row in &samples.rows {
        let probability = sigmoid(sharpness * row.logit);
        slope += row.weight * row.logit * (probability - f64::from(row.label));
        curvature += row.weight * row.logit.powi(2) * probability * (1.0 - probability);
    }
    (slope / samples.weight, curvature / samples.weight)
}
