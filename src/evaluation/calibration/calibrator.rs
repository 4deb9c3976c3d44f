//! The kinds of calibration.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::isotonic::{IsotonicMap, fit_isotonic};
use super::platt::fit_platt;
use super::samples::{Samples, sigmoid};
use super::temperature::fit_temperature;
use crate::evaluation::EvaluationError;
use crate::writable::writable;

/// A map from a model's logit to a probability.
///
/// Serialises with its numbers; what is read back is checked as [`Self::check`] does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredCalibrator", tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Calibrator {
    /// `sigmoid(logit)`: the model is taken at its word.
    Identity,
    /// `sigmoid(logit / temperature)`: keeps order and the side of one half.
    Temperature {
        /// Above 1 the model was too sure, below 1 not sure enough.
        temperature: f64,
    },
    /// `sigmoid(slope * logit + intercept)`: mends a wrong share of positives, too.
    Platt {
        /// Below 0 where the model ranks the wrong way round.
        slope: f64,
        /// What is added.
        intercept: f64,
    },
    /// A rising line through the shares of positives.
    Isotonic(IsotonicMap),
}

/// What [`Calibrator::fit`] fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CalibrationKind {
    /// Nothing is fitted. The default.
    #[default]
    Identity,
    /// One number; for models whose share of positives is right.
    Temperature,
    /// Two numbers.
    Platt(PlattTargets),
    /// As many numbers as the data ask for; needs a thousand rows or so.
    Isotonic,
}

/// What [`CalibrationKind::Platt`] fits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlattTargets {
    /// `(n_positives + 1) / (n_positives + 2)` and `1 / (n_negatives + 2)`, as Platt proposes: a best map always exists.
    Smoothed,
    /// 1 and 0: maximum likelihood.
    Labels,
}

impl Calibrator {
    /// Fits to logits and labels of data that training did not see.
    ///
    /// # Errors
    /// - [`EvaluationError::NoCases`]; [`EvaluationError::RowCount`]; [`EvaluationError::RowOutOfRange`] for a logit that is not
    ///   finite or beyond `1e100`, or a weight that is neither 0 nor in `[1e-100, 1e100]`; [`EvaluationError::NoWeight`]
    /// - [`EvaluationError::SingleClass`]
    /// - [`EvaluationError::NoBestCalibration`] where the likelihood has no maximum: logits that are all equal (not for
    ///   isotonic) or separate the classes (not for isotonic and smoothed targets), and, for a temperature, logits that say the
    ///   opposite of the labels
    /// - [`EvaluationError::NotConverged`]
    pub fn fit(
        kind: CalibrationKind,
        logits: &[f64],
        labels: &[bool],
        weights: Option<&[f64]>,
    ) -> Result<Self, EvaluationError> {
        let samples = Samples::new(logits, labels, weights)?;
        Ok(match kind {
            CalibrationKind::Identity => Self::Identity,
            CalibrationKind::Temperature => Self::Temperature {
                temperature: fit_temperature(&samples)?,
            },
            CalibrationKind::Platt(targets) => {
                let (slope, intercept) = fit_platt(&samples, targets)?;
                Self::Platt { slope, intercept }
            }
            CalibrationKind::Isotonic => Self::Isotonic(fit_isotonic(&samples)),
        })
    }

    /// The probability that a logit stands for; NaN for NaN.
    pub fn probability(&self, logit: f64) -> f64 {
        match self {
            Self::Identity => sigmoid(logit),
            Self::Temperature { temperature } => sigmoid(logit / temperature),
            // No slope times an infinite logit is no number.
            Self::Platt { slope, intercept } if *slope == 0.0 && !logit.is_nan() => {
                sigmoid(*intercept)
            }
            Self::Platt { slope, intercept } => sigmoid(slope * logit + intercept),
            Self::Isotonic(map) => map.probability(logit),
        }
    }

    /// The same to 15 digits, so that a saved model answers as it did before.
    pub(crate) fn written(self) -> Result<Self, EvaluationError> {
        let all = |numbers: &[f64]| numbers.iter().copied().map(writable).collect();
        Ok(match self {
            Self::Identity => Self::Identity,
            Self::Temperature { temperature } => Self::Temperature {
                temperature: writable(temperature),
            },
            Self::Platt { slope, intercept } => Self::Platt {
                slope: writable(slope),
                intercept: writable(intercept),
            },
            Self::Isotonic(map) => Self::Isotonic(IsotonicMap::new(
                all(map.logits()),
                all(map.probabilities()),
            )?),
        })
    }

    /// That the numbers make a map to probabilities.
    ///
    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`].
    pub fn check(&self) -> Result<(), EvaluationError> {
        let out_of_range = |setting, value, rule| {
            Err(EvaluationError::SettingOutOfRange {
                setting,
                value,
                rule,
            })
        };
        match *self {
            Self::Temperature { temperature }
                if !(temperature > 0.0 && temperature.is_finite()) =>
            {
                out_of_range("temperature", temperature, "finite and above 0")
            }
            Self::Platt { slope, .. } if !slope.is_finite() => {
                out_of_range("slope", slope, "finite")
            }
            Self::Platt { intercept, .. } if !intercept.is_finite() => {
                out_of_range("intercept", intercept, "finite")
            }
            // A map of this kind exists only checked.
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Calibrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Temperature { temperature } => write!(f, "temperature {temperature:.4}"),
            Self::Platt { slope, intercept } => {
                write!(f, "Platt, slope {slope:.4}, intercept {intercept:.4}")
            }
            Self::Isotonic(map) => write!(f, "isotonic, {} points", map.logits().len()),
        }
    }
}

/// A calibrator as it is stored, not yet checked.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum StoredCalibrator {
    Identity,
    Temperature { temperature: f64 },
    Platt { slope: f64, intercept: f64 },
    Isotonic(IsotonicMap),
}

impl TryFrom<StoredCalibrator> for Calibrator {
    type Error = EvaluationError;

    fn try_from(stored: StoredCalibrator) -> Result<Self, EvaluationError> {
        let calibrator = match stored {
            StoredCalibrator::Identity => Self::Identity,
            StoredCalibrator::Temperature { temperature } => Self::Temperature { temperature },
            StoredCalibrator::Platt { slope, intercept } => Self::Platt { slope, intercept },
            StoredCalibrator::Isotonic(map) => Self::Isotonic(map),
        };
        calibrator.check()?;
        Ok(calibrator)
    }
}
