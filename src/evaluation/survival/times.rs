//! Grids of times.

use crate::evaluation::EvaluationError;

/// That times ascend, from `0` or above it on.
///
/// # Errors
/// [`EvaluationError::TimeOutOfOrder`].
pub(super) fn check_times(times: &[f64], may_start_at_zero: bool) -> Result<(), EvaluationError> {
    for (index, &value) in times.iter().enumerate() {
        let rule = match index {
            0 if may_start_at_zero && value >= 0.0 && value.is_finite() => continue,
            0 if may_start_at_zero => "0 or above and finite",
            0 if value > 0.0 && value.is_finite() => continue,
            0 => "above 0 and finite",
            _ if value > times[index - 1] && value.is_finite() => continue,
            _ => "above the time before it and finite",
        };
        return Err(EvaluationError::TimeOutOfOrder { index, value, rule });
    }
    Ok(())
}

/// That a single time is one.
///
/// # Errors
/// [`EvaluationError::SettingOutOfRange`].
pub(super) fn check_time(setting: &'static str, value: f64) -> Result<(), EvaluationError> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(EvaluationError::SettingOutOfRange {
            setting,
            value,
            rule: "0 or above and finite",
        }),
    }
}

/// What the value at each time weighs in the mean over the range of times, by the trapezoidal rule. There must be two times.
pub(super) fn trapezoid_weights(times: &[f64]) -> Vec<f64> {
    let last = times.len() - 1;
    let span = times[last] - times[0];
    let weight = |index: usize| {
        let (before, after) = (index.saturating_sub(1), (index + 1).min(last));
        (times[after] - times[before]) / (2.0 * span)
    };
    (0..times.len()).map(weight).collect()
}
