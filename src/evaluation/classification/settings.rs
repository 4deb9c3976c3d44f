//! How probabilities are judged.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::threshold::check_threshold;
use crate::evaluation::{DataOrigin, EvaluationError, IntervalSettings};

/// How [`evaluate_classification`](super::evaluate_classification) judges.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationSettings {
    /// The probability from which a row is taken for positive, in `[0, 1]`. Default 0.5; where positives are rare few rows
    /// reach it, and recall is near 0.
    pub threshold: f64,
    /// The parts whose predictions are held against their share of positives. Default 10 of equal mass.
    pub bins: CalibrationBins,
    /// How sure the values are; `None` spares the time where a value is enough. Default 1000 resamples, 95 %.
    pub interval: Option<IntervalSettings>,
    /// Where the cases come from; carried into the protocol.
    pub origin: DataOrigin,
}

impl Default for ClassificationSettings {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            bins: CalibrationBins::default(),
            interval: Some(IntervalSettings::default()),
            origin: DataOrigin::default(),
        }
    }
}

impl ClassificationSettings {
    /// That cases can be judged by these.
    ///
    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`], [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`].
    pub(super) fn check(&self) -> Result<(), EvaluationError> {
        check_threshold(self.threshold)?;
        self.bins.check()?;
        self.interval
            .as_ref()
            .map_or(Ok(()), IntervalSettings::check)
    }
}

/// How rows are put into bins by their prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationBins {
    /// This many bins of as nearly equal weight as rows of one prediction, which stay together, allow: scikit-learn's
    /// `strategy="quantile"`. Sees miscalibration wherever the rows are, which for rare positives is near 0.
    EqualMass(usize),
    /// This many bins of equal width over `[0, 1]`; a prediction on an edge belongs to the bin above it. netcal's `ECE` and
    /// scikit-learn's `strategy="uniform"`. Where positives are rare, nearly all rows are in the first bin.
    EqualWidth(usize),
}

impl Default for CalibrationBins {
    /// 10 of equal mass: the number is netcal's, the kind suits rare positives.
    fn default() -> Self {
        Self::EqualMass(10)
    }
}

impl CalibrationBins {
    /// Number of bins, empty ones included.
    pub fn n_bins(self) -> usize {
        match self {
            Self::EqualMass(n_bins) | Self::EqualWidth(n_bins) => n_bins,
        }
    }

    pub(super) fn check(self) -> Result<(), EvaluationError> {
        match self.n_bins() {
            0 => Err(EvaluationError::SettingOutOfRange {
                setting: "number of bins",
                value: 0.0,
                rule: "at least 1",
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for CalibrationBins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EqualMass(n_bins) => write!(f, "{n_bins} of equal mass"),
            Self::EqualWidth(n_bins) => write!(f, "{n_bins} of equal width"),
        }
    }
}
