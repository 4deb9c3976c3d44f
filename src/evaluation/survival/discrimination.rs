//! Whether those who leave within a time are told from those who stay.

use super::censoring::CensoringWeights;
use super::{SurvivalCases, SurvivalCurves};
use crate::evaluation::EvaluationError;
use crate::evaluation::classification::{ClassificationCases, check_length, roc_auc};

/// The chance that a customer with an event by `time` is predicted a lower survival at `time` than one beyond it: cumulative cases
/// against dynamic controls.
///
/// Each event weighs the inverse of its chance not to be censored before, `1 / G(T_i-)`; customers censored by `time` do not count.
///
/// # Edge cases
/// Equal predictions count 1/2.
///
/// # Errors
/// [`EvaluationError::RowCount`] unless there is a curve for each customer; [`EvaluationError::SettingOutOfRange`] for what is no
/// time; [`EvaluationError::NoCensoringSupport`] for a time by which the last customer is censored;
/// [`EvaluationError::OneSideOfTime`] if no event comes by then, or nobody is observed for longer.
///
/// # Source
/// Uno et al. 2007, <https://doi.org/10.1198/016214507000000149>, and Hung and Chiang 2010,
/// <https://doi.org/10.1002/cjs.10046>. Differences: the limit from the left in `G(T_i-)`.
pub fn roc_auc_at(
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
    time: f64,
) -> Result<f64, EvaluationError> {
    check_length("curves", curves.n_rows(), cases.n_rows())?;
    let weights = CensoringWeights::new(cases);
    weights.check(time)?;
    roc_auc_of(&weights, curves, time)
}

/// [`roc_auc_at`] for a time that is supported.
///
/// # Errors
/// [`EvaluationError::OneSideOfTime`].
pub(super) fn roc_auc_of(
    weights: &CensoringWeights<'_>,
    curves: &SurvivalCurves,
    time: f64,
) -> Result<f64, EvaluationError> {
    let cases = weights.cases();
    let is_beyond: Vec<bool> = (cases.durations().iter())
        .map(|&duration| duration > time)
        .collect();
    let weight = |row: usize| match (is_beyond[row], cases.events()[row]) {
        (true, _) => 1.0,
        (false, true) => weights.of_event(row),
        (false, false) => 0.0,
    };
    let row_weights: Vec<f64> = (0..cases.n_rows()).map(weight).collect();
    let n_beyond = is_beyond.iter().filter(|beyond| **beyond).count();
    let n_counted = row_weights.iter().filter(|weight| **weight > 0.0).count();
    if n_beyond == 0 || n_counted == n_beyond {
        return Err(EvaluationError::OneSideOfTime {
            metric: "roc_auc_at",
            time,
            n_events: n_counted - n_beyond,
            n_beyond,
        });
    }
    let place = curves.place(time);
    let risks = (0..cases.n_rows()).map(|row| 1.0 - curves.at(row, place));
    let labels = is_beyond.iter().map(|beyond| !beyond).collect();
    let sides = ClassificationCases::new(risks.collect(), labels)?;
    roc_auc(&sides.with_weights(row_weights)?)
}
