//! Rows with what contacting them would have gained.

use super::Costs;
use crate::evaluation::EvaluationError;
use crate::evaluation::classification::{ClassificationCases, DrawnUnit, Groups};

/// Rows with what contacting them would have gained, and what resamples draw of them.
#[derive(Debug)]
pub(super) struct Customers<'a> {
    pub(super) cases: &'a ClassificationCases,
    /// What contacting each row gains against doing nothing, by its label.
    pub(super) gains: Vec<f64>,
    groups: Option<Groups>,
}

impl<'a> Customers<'a> {
    /// # Errors
    /// Those of [`Costs::check`].
    pub(super) fn new(
        cases: &'a ClassificationCases,
        costs: &Costs,
    ) -> Result<Self, EvaluationError> {
        costs.check(cases.n_rows())?;
        let labels = cases.labels().iter().enumerate();
        let gains = labels.map(|(row, &label)| costs.of(row).gain(label));
        Ok(Self {
            cases,
            gains: gains.collect(),
            groups: Groups::new(cases),
        })
    }

    pub(super) fn drawn(&self) -> DrawnUnit {
        match self.groups {
            Some(_) => DrawnUnit::Groups,
            None => DrawnUnit::Rows,
        }
    }

    /// How many rows or groups a resample draws.
    pub(super) fn n_units(&self) -> usize {
        let n_groups = self.groups.as_ref().map(Groups::n_groups);
        n_groups.unwrap_or(self.cases.n_rows())
    }

    /// The weight of each row.
    pub(super) fn weights(&self) -> Vec<f64> {
        (0..self.cases.n_rows())
            .map(|row| self.cases.weight(row))
            .collect()
    }

    /// The weight of each row in a resample that holds each row or group so often.
    pub(super) fn resampled_weights(&self, counts: &[u32]) -> Vec<f64> {
        let groups = self.groups.as_ref();
        let unit_of = |row: usize| groups.map_or(row, |groups| groups.group_of[row]);
        (0..self.cases.n_rows())
            .map(|row| f64::from(counts[unit_of(row)]) * self.cases.weight(row))
            .collect()
    }
}
