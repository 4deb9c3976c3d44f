//! Whether as many leave as predicted.

use serde::{Deserialize, Serialize};

use super::parts::equal_parts;
use super::times::check_time;
use super::{KaplanMeier, SurvivalCases, SurvivalCurves};
use crate::evaluation::classification::check_length;
use crate::evaluation::{EvaluationError, Interval};

/// Customers of similar risk, and how many of them leave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurvivalCalibrationBin {
    /// The lowest predicted chance of an event by the horizon.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// Number of customers.
    pub n_rows: usize,
    /// Number of events that were observed by the horizon.
    pub n_events: usize,
    /// The mean prediction.
    pub mean_prediction: f64,
    /// Share with an event by the horizon, by the Kaplan-Meier curve of these customers; `None` if the last of them is censored
    /// before.
    pub observed: Option<f64>,
    /// Where the share may lie; `None` if it is not known, 0 or 1.
    pub interval: Option<Interval>,
}

/// Predicted chances of an event by the `horizon` beside the share that has one by Kaplan-Meier, in `n_bins` parts of as nearly
/// equal size as equal predictions, which stay together, allow; the lowest risk first, empty parts left out.
///
/// # Errors
/// [`EvaluationError::RowCount`] unless there is a curve for each customer; [`EvaluationError::SettingOutOfRange`] for a horizon
/// that is negative or not finite and for no bins; [`EvaluationError::LevelOutOfRange`].
///
/// # Source
/// Harrell, Lee and Mark 1996, <https://doi.org/10.1002/(SICI)1097-0258(19960229)15:4%3C361::AID-SIM168%3E3.0.CO;2-4>.
/// Differences: Greenwood's intervals on the scale of `ln(-ln S)`.
pub fn calibration_at(
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
    horizon: f64,
    n_bins: usize,
    level: f64,
) -> Result<Vec<SurvivalCalibrationBin>, EvaluationError> {
    check_length("curves", curves.n_rows(), cases.n_rows())?;
    check_time("horizon", horizon)?;
    check_bins(n_bins)?;
    if !(level > 0.0 && level < 1.0) {
        return Err(EvaluationError::LevelOutOfRange { level });
    }
    let place = curves.place(horizon);
    let risks = (0..cases.n_rows()).map(|row| 1.0 - curves.at(row, place));
    let risks: Vec<f64> = risks.collect();
    let parts = equal_parts(&risks, n_bins);
    let bin = |rows: &Vec<usize>| {
        let of_rows: Vec<f64> = rows.iter().map(|&row| risks[row]).collect();
        bin(&cases.subset(rows), &of_rows, horizon, level)
    };
    Ok(parts.iter().map(bin).collect())
}

/// # Errors
/// [`EvaluationError::SettingOutOfRange`].
pub(super) fn check_bins(n_bins: usize) -> Result<(), EvaluationError> {
    match n_bins {
        0 => Err(EvaluationError::SettingOutOfRange {
            setting: "number of bins",
            value: 0.0,
            rule: "at least 1",
        }),
        _ => Ok(()),
    }
}

/// `risks` ascend.
fn bin(cases: &SurvivalCases, risks: &[f64], horizon: f64, level: f64) -> SurvivalCalibrationBin {
    let curve = KaplanMeier::fit(cases);
    let is_known = curve.is_known_at(horizon);
    let interval = curve.log_log_interval(horizon, level);
    let rows = cases.durations().iter().zip(cases.events());
    let (low, high) = (risks[0], risks[risks.len() - 1]);
    SurvivalCalibrationBin {
        low,
        high,
        n_rows: risks.len(),
        n_events: rows
            .filter(|&(&duration, &event)| event && duration <= horizon)
            .count(),
        // Rounding may leave the mean of equal numbers a little beside them.
        mean_prediction: (risks.iter().sum::<f64>() / risks.len() as f64).clamp(low, high),
        observed: is_known.then(|| 1.0 - curve.survival_at(horizon)),
        interval: interval.filter(|_| is_known).map(|survival| Interval {
            low: 1.0 - survival.high,
            high: 1.0 - survival.low,
        }),
    }
}

/// The mean distance of prediction and share over customers whose share is known; `None` if it is for none.
pub(super) fn calibration_error(bins: &[SurvivalCalibrationBin]) -> Option<f64> {
    let (mut sum, mut n_rows) = (0.0, 0);
    for bin in bins {
        if let Some(observed) = bin.observed {
            sum += bin.n_rows as f64 * (bin.mean_prediction - observed).abs();
            n_rows += bin.n_rows;
        }
    }
    (n_rows > 0).then(|| sum / n_rows as f64)
}
