//! Two procedures on the same folds.

use super::normal::normal_quantile;
use super::{Estimate, EvaluationError, Interval};

/// The mean of `ours` less `theirs`, fold by fold, with the interval that holds the true difference in a share `level` of
/// comparisons.
///
/// Training parts of folds overlap, so that their figures vary less than those of fresh data would: the variance of the mean is
/// taken as `(1 / n + test_share / (1 - test_share))` times that of the differences, `test_share` being the part of the rows
/// that a fold tests. Repeats count as further folds. One fold has no interval.
///
/// ```
/// use salient::evaluation::paired_folds;
///
/// let difference = paired_folds(&[0.85, 0.84, 0.86], &[0.84, 0.84, 0.84], 1.0 / 3.0, 0.95)?;
/// assert!((difference.mean - 0.01).abs() < 1e-12);
/// assert!(difference.interval.is_some_and(|interval| interval.low < 0.0));
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Errors
/// [`EvaluationError::RowCount`] for lists of different lengths, [`EvaluationError::NoCases`] for empty ones,
/// [`EvaluationError::SettingOutOfRange`] for a share outside `(0, 1)`, [`EvaluationError::LevelOutOfRange`].
///
/// # Source
/// Nadeau and Bengio 2003, "Inference for the generalization error", <https://doi.org/10.1023/A:1024068626366>; Bouckaert and
/// Frank 2004 for repeats. Differences: quantiles of Student's distribution by the expansion 26.7.5 of Abramowitz and Stegun,
/// within 1 % from 4 degrees of freedom on.
pub fn paired_folds(
    ours: &[f64],
    theirs: &[f64],
    test_share: f64,
    level: f64,
) -> Result<Estimate, EvaluationError> {
    if ours.len() != theirs.len() {
        return Err(EvaluationError::RowCount {
            column: "folds of the other".to_owned(),
            found: theirs.len(),
            expected: ours.len(),
        });
    }
    if ours.is_empty() {
        return Err(EvaluationError::NoCases);
    }
    if !(test_share > 0.0 && test_share < 1.0) {
        return Err(EvaluationError::SettingOutOfRange {
            setting: "share of rows that a fold tests",
            value: test_share,
            rule: "above 0 and below 1",
        });
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(EvaluationError::LevelOutOfRange { level });
    }
    let n = ours.len() as f64;
    let differences: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let squares = differences
        .iter()
        .map(|difference| (difference - mean).powi(2));
    let variance = squares.sum::<f64>() / (n - 1.0);
    let interval = (ours.len() > 1).then(|| {
        let error = ((1.0 / n + test_share / (1.0 - test_share)) * variance).sqrt();
        let half = student_quantile(0.5 + level / 2.0, n - 1.0) * error;
        Interval {
            low: mean - half,
            high: mean + half,
        }
    });
    Ok(Estimate { mean, interval })
}

/// The number that a variable of Student's distribution lies below with this probability.
fn student_quantile(probability: f64, degrees: f64) -> f64 {
    // Where the expansion is poor there are closed forms.
    if degrees <= 1.0 {
        return (std::f64::consts::PI * (probability - 0.5)).tan();
    }
    if degrees <= 2.0 {
        let a = 4.0 * probability * (1.0 - probability);
        return (2.0 * probability - 1.0) * (2.0 / a).sqrt();
    }
    let x = normal_quantile(probability);
    let square = x * x;
    let terms = [
        (square + 1.0) / 4.0,
        ((5.0 * square + 16.0) * square + 3.0) / 96.0,
        (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0,
        ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0)
            / 92_160.0,
    ];
    let series = terms
        .iter()
        .rev()
        .fold(0.0, |sum, term| (sum + term) / degrees);
    x * (1.0 + series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        for (degrees, expected) in [
            (1.0, 12.706),
            (2.0, 4.303),
            (4.0, 2.776),
            (9.0, 2.262),
            (14.0, 2.145),
            (30.0, 2.042),
            (1e9, 1.960),
        ] {
            let found = student_quantile(0.975, degrees);
            assert!((found / expected - 1.0).abs() < 0.004, "{degrees}: {found}");
        }
    }

    #[test]
    fn an_interval_is_wider_than_if_folds_were_independent() {
        let ours = [0.1, 0.3, 0.2, 0.4, 0.0];
        let found = paired_folds(&ours, &[0.0; 5], 0.2, 0.95).unwrap();
        let interval = found.interval.unwrap();
        // Variance 0.025; (1/5 + 1/4) of it is 0.01125.
        let expected = 2.776 * 0.01125_f64.sqrt();
        assert!((interval.high - 0.2 - expected).abs() < 2e-3);
        assert!((interval.low + interval.high - 0.4).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        assert!(paired_folds(&[0.1], &[], 0.2, 0.95).is_err());
        assert!(paired_folds(&[], &[], 0.2, 0.95).is_err());
        assert!(paired_folds(&[0.1], &[0.1], 1.0, 0.95).is_err());
        assert!(paired_folds(&[0.1], &[0.1], 0.2, 1.0).is_err());
        let one = paired_folds(&[0.2], &[0.1], 0.2, 0.95).unwrap();
        assert_eq!(one.interval, None);
    }
}
