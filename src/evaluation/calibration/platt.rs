//! A line through logits.

use super::PlattTargets;
use super::samples::{Sample, Samples, sigmoid, softplus};
use crate::evaluation::EvaluationError;

const KIND: &str = "Platt";
const MAX_STEPS: usize = 100;
/// Size of the gradient of the mean loss, by a logit of mean 0 and deviation 1, at which the fit ends.
const PRECISION: f64 = 1e-10;

/// Slope and intercept of the lowest cross-entropy with the targets, by Newton's method with step halving.
///
/// # Source
/// Platt 1999, "Probabilistic outputs for support vector machines", with the algorithm of Lin, Lin and Weng 2007,
/// <https://doi.org/10.1007/s10994-007-5018-6>. Differences: the sign of the slope; weights; the logits are standardised
/// instead of a ridge added; a fit that does not converge is an error.
pub(super) fn fit_platt(
    samples: &Samples,
    targets: PlattTargets,
) -> Result<(f64, f64), EvaluationError> {
    check_exists(samples, targets)?;
    let (mean, deviation) = moments(samples);
    let problem = Problem {
        samples,
        mean,
        deviation,
        targets: target_values(samples, targets),
    };
    let (slope, intercept) = problem.solve()?;
    // Back from standardised logits to those of the model.
    Ok((slope / deviation, intercept - slope * mean / deviation))
}

/// That the likelihood has a maximum.
fn check_exists(samples: &Samples, targets: PlattTargets) -> Result<(), EvaluationError> {
    let (negative, positive) = (samples.range(false), samples.range(true));
    let overlap = positive.0 < negative.1 && negative.0 < positive.1;
    let reason = if negative.0.min(positive.0) == negative.1.max(positive.1) {
        "all logits are equal"
    } else if targets == PlattTargets::Labels && !overlap {
        "the logits separate the classes, so that being surer is always better; smooth the targets"
    } else {
        return Ok(());
    };
    Err(EvaluationError::NoBestCalibration { kind: KIND, reason })
}

fn moments(samples: &Samples) -> (f64, f64) {
    let mean_of = |value: &dyn Fn(&Sample) -> f64| {
        let values = samples.rows.iter().map(|row| row.weight * value(row));
        values.sum::<f64>() / samples.weight
    };
    let mean = mean_of(&|row| row.logit);
    (mean, mean_of(&|row| (row.logit - mean).powi(2)).sqrt())
}

/// What the probability of a negative and of a positive row should be.
fn target_values(samples: &Samples, targets: PlattTargets) -> [f64; 2] {
    let weight_of = |label| {
        let rows = samples.rows.iter().filter(|row| row.label == label);
        rows.map(|row| row.weight).sum::<f64>()
    };
    match targets {
        PlattTargets::Labels => [0.0, 1.0],
        PlattTargets::Smoothed => {
            let (negative, positive) = (weight_of(false), weight_of(true));
            [1.0 / (negative + 2.0), (positive + 1.0) / (positive + 2.0)]
        }
    }
}

struct Problem<'a> {
    samples: &'a Samples,
    mean: f64,
    deviation: f64,
    targets: [f64; 2],
}

/// Loss, gradient and second derivatives by slope and intercept.
#[derive(Default)]
struct Derivatives {
    by_slope: f64,
    by_intercept: f64,
    slope_slope: f64,
    slope_intercept: f64,
    intercept_intercept: f64,
}

impl Problem<'_> {
    fn solve(&self) -> Result<(f64, f64), EvaluationError> {
        let (mut slope, mut intercept) = (0.0, 0.0);
        let (mut gradient, mut n_steps) = (f64::INFINITY, 0);
        while n_steps < MAX_STEPS {
            let d = self.derivatives(slope, intercept);
            gradient = d.by_slope.hypot(d.by_intercept);
            if gradient <= PRECISION {
                return Ok((slope, intercept));
            }
            let determinant = d.slope_slope * d.intercept_intercept - d.slope_intercept.powi(2);
            let step = (
                (d.slope_intercept * d.by_intercept - d.intercept_intercept * d.by_slope)
                    / determinant,
                (d.slope_intercept * d.by_slope - d.slope_slope * d.by_intercept) / determinant,
            );
            let fall = d.by_slope * step.0 + d.by_intercept * step.1;
            let Some(size) = self.step_size((slope, intercept), step, fall) else {
                break;
            };
            slope += size * step.0;
            intercept += size * step.1;
            n_steps += 1;
        }
        Err(EvaluationError::NotConverged {
            kind: KIND,
            n_steps,
            gradient,
        })
    }

    /// The first of 1, 1/2, 1/4 and so on at which the loss falls enough.
    fn step_size(
        &self,
        (slope, intercept): (f64, f64),
        step: (f64, f64),
        fall: f64,
    ) -> Option<f64> {
        let loss = self.loss(slope, intercept);
        let sizes = std::iter::successors(Some(1.0), |size| Some(size / 2.0)).take(40);
        let mut sizes = sizes.filter(|size| {
            let next = self.loss(slope + size * step.0, intercept + size * step.1);
            // Near the best the loss falls by less than it is rounded.
            next <= loss + 1e-4 * size * fall + 1e-14 * loss
        });
        sizes.next()
    }

    fn standardised(&self, row: &Sample) -> f64 {
        (row.logit - self.mean) / self.deviation
    }

    fn loss(&self, slope: f64, intercept: f64) -> f64 {
        let of_row = |row: &Sample| {
            let logit = slope * self.standardised(row) + intercept;
            let target = self.targets[usize::from(row.label)];
            row.weight * (target * softplus(-logit) + (1.0 - target) * softplus(logit))
        };
        self.samples.rows.iter().map(of_row).sum::<f64>() / self.samples.weight
    }

    fn derivatives(&self, slope: f64, intercept: f64) -> Derivatives {
        let mut sums = Derivatives::default();
        for row in &self.samples.rows {
            let x = self.standardised(row);
            let probability = sigmoid(slope * x + intercept);
            let weight = row.weight / self.samples.weight;
            let excess = weight * (probability - self.targets[usize::from(row.label)]);
            let spread = weight * probability * (1.0 - probability);
            sums.by_slope += excess * x;
            sums.by_intercept += excess;
            sums.slope_slope += spread * x * x;
            sums.slope_intercept += spread * x;
            sums.intercept_intercept += spread;
        }
        sums
    }
}
