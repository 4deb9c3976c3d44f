//! How long customers were observed, and what ended it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::evaluation::EvaluationError;
use crate::evaluation::classification::check_length;

/// How long each customer was observed, and whether the event ended it, such as churn, or the observation did: then the customer
/// is censored, and the event is known to come later or never. Cheap to clone.
///
/// ```
/// use salient::evaluation::survival::SurvivalCases;
///
/// let cases = SurvivalCases::new(vec![6.0, 72.0], vec![true, false])?;
/// assert_eq!(cases.n_events(), 1);
/// let error = SurvivalCases::new(vec![6.0, -1.0], vec![true, false]).unwrap_err();
/// assert_eq!(error.to_string(), "duration of row 1 is -1; it must be 0 or above and finite");
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SurvivalCases {
    durations: Arc<[f64]>,
    events: Arc<[bool]>,
}

impl SurvivalCases {
    /// One duration a customer, in any unit; `true` in `events` where the event ended it, `false` where it is censored.
    ///
    /// # Errors
    /// [`EvaluationError::NoCases`]; [`EvaluationError::RowOutOfRange`] for a duration that is negative or not finite;
    /// [`EvaluationError::RowCount`] unless there is an entry in `events` for each duration.
    pub fn new(durations: Vec<f64>, events: Vec<bool>) -> Result<Self, EvaluationError> {
        if durations.is_empty() {
            return Err(EvaluationError::NoCases);
        }
        let wrong = |duration: &f64| !(*duration >= 0.0 && duration.is_finite());
        if let Some(row) = durations.iter().position(wrong) {
            return Err(EvaluationError::RowOutOfRange {
                column: "duration",
                row,
                value: durations[row],
                rule: "0 or above and finite",
            });
        }
        check_length("events", events.len(), durations.len())?;
        Ok(Self {
            durations: durations.into(),
            events: events.into(),
        })
    }

    /// Number of customers.
    pub fn n_rows(&self) -> usize {
        self.durations.len()
    }

    /// Number of customers whose event was observed.
    pub fn n_events(&self) -> usize {
        self.events.iter().filter(|event| **event).count()
    }

    /// Share of customers whose event was not observed.
    pub fn censored_share(&self) -> f64 {
        (self.n_rows() - self.n_events()) as f64 / self.n_rows() as f64
    }

    /// How long each customer was observed.
    pub fn durations(&self) -> &[f64] {
        &self.durations
    }

    /// Whether the event ended it.
    pub fn events(&self) -> &[bool] {
        &self.events
    }

    /// Some of the customers.
    pub(super) fn subset(&self, rows: &[usize]) -> Self {
        Self {
            durations: rows.iter().map(|&row| self.durations[row]).collect(),
            events: rows.iter().map(|&row| self.events[row]).collect(),
        }
    }

    /// The rows by duration; at one duration events come before censored rows, which are known to outlive them.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.n_rows()).collect();
        // Adding 0 makes -0 the same as 0, which `total_cmp` would tell apart.
        let key = |row: usize| (self.durations[row] + 0.0, !self.events[row]);
        order.sort_unstable_by(|&a, &b| {
            let ((left, left_is_censored), (right, right_is_censored)) = (key(a), key(b));
            let by_event = left_is_censored.cmp(&right_is_censored);
            left.total_cmp(&right).then(by_event).then(a.cmp(&b))
        });
        order
    }

    /// SHA-256 of durations and events in their order: of what a model is judged by, not of what it says.
    pub(super) fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for (duration, &event) in self.durations.iter().zip(self.events.iter()) {
            digest.update(duration.to_le_bytes());
            digest.update([u8::from(event)]);
        }
        let bytes = digest.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
