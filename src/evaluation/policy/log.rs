//! What was done, what came of it, and how it is judged.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evaluation::{EvaluationError, IntervalSettings};

/// A decision of the policy that was running.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedAction {
    /// The probability with which the running policy took this action, in `(0, 1]`: recorded at the time, not estimated.
    pub propensity: f64,
    /// What came of it, such as 1 for a click.
    pub reward: f64,
    /// The probability with which the target policy would take this action, in `[0, 1]`.
    pub target_probability: f64,
}

/// What a model of rewards, fitted on other data, says of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardPrediction {
    /// The reward it expects of the logged action.
    pub logged: f64,
    /// The reward it expects of the target policy: the mean over all actions by the target's probabilities.
    pub target: f64,
}

/// How [`evaluate_policy`](super::evaluate_policy) judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicySettings {
    /// The largest weight that a decision may have, above 0; larger ones are set to it, which lowers the variance and adds a
    /// bias. Default `None`: as they are.
    pub max_weight: Option<f64>,
    /// How sure the values are. Default the bootstrap, 1000 resamples, 95 %.
    pub interval: PolicyInterval,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            max_weight: None,
            interval: PolicyInterval::Bootstrap(IntervalSettings::default()),
        }
    }
}

/// How intervals of a policy's value are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PolicyInterval {
    /// None are.
    None,
    /// By the standard error and the normal distribution; of a ratio by the delta method.
    Normal {
        /// Share of such intervals that hold the value, in `(0, 1)`.
        level: f64,
    },
    /// From decisions drawn anew.
    Bootstrap(IntervalSettings),
}

impl fmt::Display for PolicyInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            // Four decimals of a percentage, without the noise of binary fractions.
            Self::Normal { level } => write!(f, "{} %, normal", (level * 1e6).round() / 1e4),
            Self::Bootstrap(settings) => write!(f, "{settings}"),
        }
    }
}

impl PolicySettings {
    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`], [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`].
    pub(super) fn check(&self) -> Result<(), EvaluationError> {
        if let Some(value) = self
            .max_weight
            .filter(|&weight| weight.is_nan() || weight <= 0.0)
        {
            return Err(EvaluationError::SettingOutOfRange {
                setting: "max_weight",
                value,
                rule: "above 0",
            });
        }
        match &self.interval {
            PolicyInterval::Normal { level } if !(*level > 0.0 && *level < 1.0) => {
                Err(EvaluationError::LevelOutOfRange { level: *level })
            }
            PolicyInterval::Bootstrap(settings) => settings.check(),
            _ => Ok(()),
        }
    }
}

/// The largest size of a reward, so that its product with a weight is a number.
const MAX_REWARD: f64 = 1e100;
/// The least propensity, for the same reason.
const MIN_PROPENSITY: f64 = 1e-50;

/// # Errors
/// [`EvaluationError::NoCases`], [`EvaluationError::RowOutOfRange`].
pub(super) fn check_log(log: &[LoggedAction]) -> Result<(), EvaluationError> {
    if log.is_empty() {
        return Err(EvaluationError::NoCases);
    }
    for (row, action) in log.iter().enumerate() {
        check_range(
            ("propensity", action.propensity, row),
            (MIN_PROPENSITY, 1.0),
            "above 0 (by 1e-50 at least) and at most 1",
        )?;
        check_reward("reward", action.reward, row)?;
        check_range(
            ("target_probability", action.target_probability, row),
            (0.0, 1.0),
            "between 0 and 1",
        )?;
    }
    Ok(())
}

/// # Errors
/// [`EvaluationError::RowCount`], [`EvaluationError::RowOutOfRange`].
pub(super) fn check_predictions(
    predictions: &[RewardPrediction],
    n_rows: usize,
) -> Result<(), EvaluationError> {
    if predictions.len() != n_rows {
        return Err(EvaluationError::RowCount {
            column: "predictions".to_owned(),
            found: predictions.len(),
            expected: n_rows,
        });
    }
    for (row, prediction) in predictions.iter().enumerate() {
        check_reward(
            "predicted reward of the logged action",
            prediction.logged,
            row,
        )?;
        check_reward(
            "predicted reward of the target policy",
            prediction.target,
            row,
        )?;
    }
    Ok(())
}

fn check_reward(column: &'static str, value: f64, row: usize) -> Result<(), EvaluationError> {
    let range = (-MAX_REWARD, MAX_REWARD);
    check_range((column, value, row), range, "between -1e100 and 1e100")
}

fn check_range(
    (column, value, row): (&'static str, f64, usize),
    (low, high): (f64, f64),
    rule: &'static str,
) -> Result<(), EvaluationError> {
    match (low..=high).contains(&value) {
        true => Ok(()),
        false => Err(EvaluationError::RowOutOfRange {
            column,
            row,
            value,
            rule,
        }),
    }
}
