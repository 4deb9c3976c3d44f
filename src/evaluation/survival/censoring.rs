//! Weights that make up for customers who were lost sight of.

use super::times::check_time;
use super::{KaplanMeier, SurvivalCases};
use crate::evaluation::EvaluationError;

/// How many customers each observed one stands for: the inverse of its chance not to have been censored before.
///
/// At time `t` a customer with an event at `T <= t` weighs `1 / G(T-)`, one beyond `t` weighs `1 / G(t)`, one censored by `t`
/// weighs nothing, and the sum of all is the number of customers; `G` is the Kaplan-Meier curve of censoring of the same
/// customers. None of these divides by 0: whoever is observed at a time was at risk of censoring before it and stayed.
#[derive(Debug)]
pub(super) struct CensoringWeights<'a> {
    cases: &'a SurvivalCases,
    censoring: KaplanMeier,
    /// `1 / G(T-)` of each row.
    of_event: Vec<f64>,
}

impl<'a> CensoringWeights<'a> {
    pub(super) fn new(cases: &'a SurvivalCases) -> Self {
        let censoring = KaplanMeier::fit_censoring(cases);
        let weight = |&duration: &f64| 1.0 / censoring.survival_before(duration);
        Self {
            of_event: cases.durations().iter().map(weight).collect(),
            cases,
            censoring,
        }
    }

    pub(super) fn cases(&self) -> &SurvivalCases {
        self.cases
    }

    /// Weight of a row as an event.
    pub(super) fn of_event(&self, row: usize) -> f64 {
        self.of_event[row]
    }

    /// `G` at a time.
    pub(super) fn uncensored_at(&self, time: f64) -> f64 {
        self.censoring.survival_at(time)
    }

    /// Whether the weights at `time` still stand for all customers. They do not once the last of them is censored.
    pub(super) fn supports(&self, time: f64) -> bool {
        self.uncensored_at(time) > 0.0
    }

    /// The last duration at which they do, if there is one.
    pub(super) fn last_time(&self) -> Option<f64> {
        let durations = self.cases.durations().iter().copied();
        durations
            .filter(|&duration| self.supports(duration))
            .max_by(f64::total_cmp)
    }

    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`] for what is no time, [`EvaluationError::NoCensoringSupport`].
    pub(super) fn check(&self, time: f64) -> Result<(), EvaluationError> {
        check_time("time", time)?;
        match self.supports(time) {
            true => Ok(()),
            false => Err(EvaluationError::NoCensoringSupport {
                time,
                last_duration: self.censoring.last_duration(),
            }),
        }
    }
}
