//! How predicted survival is judged.

use super::calibration::check_bins;
use super::times::{check_time, check_times};
use crate::evaluation::{DataOrigin, EvaluationError, IntervalSettings};

/// How [`evaluate_survival`](super::evaluate_survival) judges.
#[derive(Clone, Debug, PartialEq)]
pub struct SurvivalSettings {
    /// The times over whose range the Brier score is integrated, ascending, from 0 or above it on; those without censoring support
    /// are left out and counted. Default empty: 101 equally far apart, from 0 to the last time of the curves, or to the last
    /// duration with support if that comes before. Where few customers are observed for long, end earlier: their weights are
    /// large.
    pub times: Vec<f64>,
    /// The times to judge by themselves, such as 90 days. Default none.
    pub horizons: Vec<f64>,
    /// Number of parts of the calibration at each horizon, at least 1. Default 10.
    pub n_bins: usize,
    /// How sure the values are; `None` spares the time where a value is enough. Default 1000 resamples, 95 %.
    pub interval: Option<IntervalSettings>,
    /// Where the cases come from; carried into the protocol.
    pub origin: DataOrigin,
}

impl Default for SurvivalSettings {
    fn default() -> Self {
        Self {
            times: Vec::new(),
            horizons: Vec::new(),
            n_bins: 10,
            interval: Some(IntervalSettings::default()),
            origin: DataOrigin::default(),
        }
    }
}

impl SurvivalSettings {
    /// That cases can be judged by these.
    ///
    /// # Errors
    /// [`EvaluationError::TimeOutOfOrder`], [`EvaluationError::SettingOutOfRange`], [`EvaluationError::TooFewResamples`],
    /// [`EvaluationError::LevelOutOfRange`].
    pub(super) fn check(&self) -> Result<(), EvaluationError> {
        check_times(&self.times, true)?;
        let horizons = self.horizons.iter();
        horizons
            .copied()
            .try_for_each(|time| check_time("horizon", time))?;
        check_bins(self.n_bins)?;
        self.interval
            .as_ref()
            .map_or(Ok(()), IntervalSettings::check)
    }
}
