//! How much each kind of network counts.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

use super::member::logistic;
use crate::evaluation::EvaluationError;
use crate::writable::writable;

/// Steps of Newton's method; it needs about six.
const MAX_STEPS: usize = 50;

/// Pull of the weights towards equal ones, as of so many rows: what tells nothing apart is mixed evenly.
const PRIOR: f64 = 1.0;

/// The weights, at least 0 and 1 in all, whose mean of the kinds' logits predicts best after a straight line: those of a
/// logistic regression on the logits of each kind about customers that it has not seen, without the kinds that would count
/// less than nothing.
///
/// `logits` holds those of each kind, one a row.
///
/// # Source
/// Wolpert 1992, "Stacked generalization"; weights at least 0 as in Breiman 1996, "Stacked regressions".
pub(super) fn mixture(
    logits: &[Vec<f64>],
    labels: &[f32],
    weights: &[f32],
) -> Result<Vec<f64>, EvaluationError> {
    let mut kinds: Vec<usize> = (0..logits.len()).collect();
    loop {
        let fitted = match kinds.len() {
            0 | 1 => vec![1.0; kinds.len()],
            _ => {
                let chosen: Vec<&[f64]> = kinds.iter().map(|&kind| &logits[kind][..]).collect();
                regression(&chosen, labels, weights)?
            }
        };
        let worst = (0..kinds.len()).min_by(|&a, &b| fitted[a].total_cmp(&fitted[b]));
        match worst {
            Some(worst) if kinds.len() > 1 && fitted[worst] <= 0.0 => {
                kinds.remove(worst);
            }
            _ => {
                let sum: f64 = fitted.iter().sum();
                let mut shares = vec![0.0; logits.len()];
                for (&kind, weight) in kinds.iter().zip(&fitted) {
                    shares[kind] = writable(weight / sum);
                }
                return Ok(shares);
            }
        }
    }
}

/// The slopes of a logistic regression with an intercept, by Newton's method.
fn regression(
    logits: &[&[f64]],
    labels: &[f32],
    weights: &[f32],
) -> Result<Vec<f64>, EvaluationError> {
    let n_slopes = logits.len();
    let even = 1.0 / n_slopes as f64;
    let mut found = vec![even; n_slopes];
    found.push(0.0);
    let mut largest = 0.0_f64;
    for _ in 0..MAX_STEPS {
        let size = n_slopes + 1;
        let mut hessian = Mat::<f64>::zeros(size, size);
        let mut gradient = Mat::<f64>::zeros(size, 1);
        for (row, &label) in labels.iter().enumerate() {
            let weight = weights.get(row).map_or(1.0, |&weight| f64::from(weight));
            let input = |place: usize| logits.get(place).map_or(1.0, |kind| kind[row]);
            let logit: f64 = (0..size).map(|place| found[place] * input(place)).sum();
            let probability = logistic(logit);
            let spread = weight * probability * (1.0 - probability);
            for i in 0..size {
                gradient[(i, 0)] += weight * (f64::from(label) - probability) * input(i);
                for j in 0..size {
                    hessian[(i, j)] += spread * input(i) * input(j);
                }
            }
        }
        for place in 0..n_slopes {
            gradient[(place, 0)] -= PRIOR * (found[place] - even);
            hessian[(place, place)] += PRIOR;
        }
        // All rows certain leave nothing of the intercept.
        hessian[(n_slopes, n_slopes)] += 1e-9;
        let Ok(factors) = hessian.llt(Side::Lower) else {
            break;
        };
        let step = factors.solve(&gradient);
        largest = 0.0;
        for place in 0..size {
            found[place] += step[(place, 0)];
            largest = largest.max(step[(place, 0)].abs());
        }
        if largest < 1e-9 {
            found.pop();
            return Ok(found);
        }
    }
    Err(EvaluationError::NotConverged {
        kind: "mixture",
        n_steps: MAX_STEPS,
        gradient: largest,
    })
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::random::RandomKey;

    /// Labels drawn from a logit, and logits of kinds that are the truth times a slope with noise.
    fn drawn(kinds: &[(f64, f64)]) -> (Vec<Vec<f64>>, Vec<f32>) {
        let mut generator = RandomKey::new(3).generator();
        let mut logits = vec![Vec::new(); kinds.len()];
        let mut labels = Vec::new();
        for _ in 0..20_000 {
            let mut normal = || {
                let sum: f64 = (0..12).map(|_| generator.random::<f64>()).sum();
                sum - 6.0
            };
            let truth = 1.5 * normal() - 1.0;
            for (kind, (slope, noise)) in logits.iter_mut().zip(kinds) {
                kind.push(slope * truth + noise * normal());
            }
            labels.push(f32::from(u8::from(
                generator.random::<f64>() < logistic(truth),
            )));
        }
        (logits, labels)
    }

    #[test]
    fn a_kind_that_knows_more_counts_more() {
        let (logits, labels) = drawn(&[(1.0, 0.3), (1.0, 0.6), (0.0, 1.0)]);
        let shares = mixture(&logits, &labels, &[]).unwrap();
        // Independent errors: by the inverse of their variance.
        assert!((shares[0] / shares[1] - 4.0).abs() < 1.0, "{shares:?}");
        assert!(shares[2] < 0.05, "{shares:?}");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_kind_that_says_the_opposite_is_left_out_and_equal_kinds_are_mixed_evenly() {
        let (mut logits, labels) = drawn(&[(1.0, 0.2), (-1.0, 2.0)]);
        let shares = mixture(&logits, &labels, &[]).unwrap();
        assert_eq!(shares, [1.0, 0.0]);
        logits[1] = logits[0].clone();
        let shares = mixture(&logits, &labels, &[]).unwrap();
        assert!((shares[0] - 0.5).abs() < 1e-6, "{shares:?}");
    }
}
