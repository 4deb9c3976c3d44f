//! How customers survive as a whole.

use serde::{Deserialize, Serialize};

use super::SurvivalCases;
use crate::evaluation::normal::normal_quantile;
use crate::evaluation::{EvaluationError, Interval};

/// The share of customers that survives each time, whatever their columns: the product-limit estimate.
///
/// `S(t) = product over event times u <= t of (1 - events at u / customers at risk at u)`
///
/// ```
/// use salient::evaluation::survival::{KaplanMeier, SurvivalCases};
///
/// let cases = SurvivalCases::new(vec![1.0, 2.0, 2.0, 4.0], vec![true, true, false, true])?;
/// let curve = KaplanMeier::fit(&cases);
/// assert_eq!([0.5, 1.0, 2.5].map(|time| curve.survival_at(time)), [1.0, 0.75, 0.5]);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Edge cases
/// A customer censored at the time of an event is at risk of it. Beyond the last duration the curve stays as it is; if the last
/// customer is censored, what it is there is not known.
///
/// # Source
/// Kaplan and Meier 1958, <https://doi.org/10.1080/01621459.1958.10501452>. Differences: none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KaplanMeier {
    steps: Vec<KaplanMeierStep>,
    last_duration: f64,
}

/// A time at which the curve falls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KaplanMeierStep {
    /// The time.
    pub time: f64,
    /// Number of customers observed until then at least.
    pub n_at_risk: usize,
    /// Number of events at this time.
    pub n_events: usize,
    /// Share that survives this time.
    pub survival: f64,
    /// Greenwood's standard error of the share; `None` once nobody survives.
    pub standard_error: Option<f64>,
}

impl KaplanMeier {
    /// The curve of the event.
    pub fn fit(cases: &SurvivalCases) -> Self {
        Self::of(cases, true)
    }

    /// The curve of censoring: the share of customers that would still be observed, were there no events.
    ///
    /// # Edge cases
    /// At one time events come first, so that customers with an event are no longer at risk of being censored then.
    pub fn fit_censoring(cases: &SurvivalCases) -> Self {
        Self::of(cases, false)
    }

    fn of(cases: &SurvivalCases, counts_events: bool) -> Self {
        let (durations, events) = (cases.durations(), cases.events());
        let order = cases.order();
        let (mut n_left, mut survival, mut greenwood) = (order.len(), 1.0, 0.0);
        let mut steps = Vec::new();
        for rows in order.chunk_by(|&a, &b| durations[a] == durations[b]) {
            let n_events = rows.iter().filter(|&&row| events[row]).count();
            let (n_at_risk, n_gone) = match counts_events {
                true => (n_left, n_events),
                false => (n_left - n_events, rows.len() - n_events),
            };
            n_left -= rows.len();
            if n_gone == 0 {
                continue;
            }
            let (at_risk, stay) = (n_at_risk as f64, (n_at_risk - n_gone) as f64);
            survival *= stay / at_risk;
            greenwood += n_gone as f64 / (at_risk * stay);
            steps.push(KaplanMeierStep {
                time: durations[rows[0]],
                n_at_risk,
                n_events: n_gone,
                survival,
                standard_error: (survival > 0.0).then(|| survival * greenwood.sqrt()),
            });
        }
        let last = order.last().map_or(0.0, |&row| durations[row]);
        Self {
            steps,
            last_duration: last,
        }
    }

    /// The times at which the curve falls, ascending.
    pub fn steps(&self) -> &[KaplanMeierStep] {
        &self.steps
    }

    /// The longest duration, whether the event ended it or not.
    pub fn last_duration(&self) -> f64 {
        self.last_duration
    }

    /// Share that survives `time`; 1 before the first event.
    pub fn survival_at(&self, time: f64) -> f64 {
        self.step_at(time).map_or(1.0, |step| step.survival)
    }

    /// Share that survives all times before `time`: the limit from the left.
    pub fn survival_before(&self, time: f64) -> f64 {
        let n_before = self.steps.partition_point(|step| step.time < time);
        let step = n_before.checked_sub(1).map(|index| &self.steps[index]);
        step.map_or(1.0, |step| step.survival)
    }

    /// The first time that at most half survive; `None` if more do to the end.
    pub fn median(&self) -> Option<f64> {
        // A product of shares may miss a half by rounding.
        let step = self.steps.iter().find(|step| step.survival <= 0.5 + 1e-12);
        step.map(|step| step.time)
    }

    /// Greenwood's standard error of the share that survives `time`; `None` where nobody does.
    pub fn standard_error_at(&self, time: f64) -> Option<f64> {
        self.step_at(time)
            .map_or(Some(0.0), |step| step.standard_error)
    }

    /// Where the share that survives `time` may lie, by the normal distribution of `ln(-ln S)`, which keeps it in `[0, 1]`;
    /// `None` where all or none survive.
    ///
    /// # Errors
    /// [`EvaluationError::LevelOutOfRange`].
    ///
    /// # Source
    /// Kalbfleisch and Prentice 1980, "The statistical analysis of failure time data": `conf.type = "log-log"` of R.
    pub fn interval_at(&self, time: f64, level: f64) -> Result<Option<Interval>, EvaluationError> {
        if !(level > 0.0 && level < 1.0) {
            return Err(EvaluationError::LevelOutOfRange { level });
        }
        Ok(self.log_log_interval(time, level))
    }

    /// [`Self::interval_at`] for a level that has been checked.
    pub(super) fn log_log_interval(&self, time: f64, level: f64) -> Option<Interval> {
        let step = self.step_at(time)?;
        let (survival, error) = (step.survival, step.standard_error?);
        let half = normal_quantile(0.5 + level / 2.0) * error / (survival * survival.ln().abs());
        Some(Interval {
            low: survival.powf(half.exp()),
            high: survival.powf((-half).exp()),
        })
    }

    /// Whether customers were observed until `time`, or nobody was left to be.
    pub(super) fn is_known_at(&self, time: f64) -> bool {
        time <= self.last_duration || self.survival_at(time) <= 0.0
    }

    fn step_at(&self, time: f64) -> Option<&KaplanMeierStep> {
        let n_until = self.steps.partition_point(|step| step.time <= time);
        n_until.checked_sub(1).map(|index| &self.steps[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_before_censorings_of_the_same_time() {
        let cases = SurvivalCases::new(
            vec![2.0, 2.0, 2.0, 5.0, -0.0, 0.0],
            vec![false, true, true, false, false, true],
        );
        let cases = cases.unwrap();
        let event = KaplanMeier::fit(&cases);
        let counts = |curve: &KaplanMeier| -> Vec<(f64, usize, usize)> {
            let steps = curve.steps().iter();
            steps
                .map(|step| (step.time, step.n_at_risk, step.n_events))
                .collect()
        };
        assert_eq!(counts(&event), [(0.0, 6, 1), (2.0, 4, 2)]);
        let censoring = KaplanMeier::fit_censoring(&cases);
        assert_eq!(counts(&censoring), [(0.0, 5, 1), (2.0, 2, 1), (5.0, 1, 1)]);
        assert_eq!(censoring.survival_before(2.0), 0.8);
        assert_eq!(censoring.survival_at(2.0), 0.4);
        assert_eq!(censoring.survival_at(5.0), 0.0);
        assert_eq!(censoring.standard_error_at(5.0), None);
        assert!(!event.is_known_at(5.1) && event.is_known_at(5.0));
        assert!(censoring.is_known_at(6.0));
    }
}
