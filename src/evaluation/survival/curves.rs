//! Predicted survival of each customer.

use std::sync::Arc;

use super::times::check_times;
use crate::evaluation::EvaluationError;

/// The predicted chance of each customer to survive each time of a shared grid; cheap to clone.
///
/// At time 0 it is 1, between the times of the grid it is linear, beyond the last it stays as it is.
///
/// ```
/// use salient::evaluation::survival::SurvivalCurves;
///
/// let curves = SurvivalCurves::from_hazards(&[30.0, 60.0], &[0.2, 0.5, 0.0, 0.1])?;
/// assert_eq!(curves.survival_of(0), [0.8, 0.4]);
/// assert_eq!(curves.survival_at(0, 15.0), 0.9);
/// assert_eq!([0, 1].map(|row| curves.median(row).is_some()), [true, false]);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SurvivalCurves {
    times: Arc<[f64]>,
    /// `[n, n_times]`, the times of a customer next to each other.
    survival: Arc<[f64]>,
}

/// Where a time lies in the grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The first time of the grid that is not before it; the number of times if all are.
    upper: usize,
    /// Share of the way there from the time before.
    part: f64,
}

impl Place {
    /// Survival at this place, from that at a time of the grid, which is `None` beyond the last.
    pub(super) fn survival(self, at_time: impl Fn(usize) -> Option<f64>) -> f64 {
        let before = self.upper.checked_sub(1).and_then(&at_time).unwrap_or(1.0);
        let next = at_time(self.upper).unwrap_or(before);
        before + self.part * (next - before)
    }
}

impl SurvivalCurves {
    /// Curves of survival itself.
    ///
    /// # Shapes
    /// - `times`: `[n_times]`, ascending, above 0
    /// - `survival`: `[n, n_times]`, the times of a customer next to each other
    ///
    /// # Errors
    /// [`EvaluationError::NoCases`] without survival, [`EvaluationError::TooFewTimes`] without times,
    /// [`EvaluationError::TimeOutOfOrder`]; [`EvaluationError::CurvesLength`] if the rows are not full;
    /// [`EvaluationError::CurveOutOfRange`] for a value outside `[0, 1]` or above the one before it.
    pub fn new(times: Vec<f64>, survival: Vec<f64>) -> Result<Self, EvaluationError> {
        check_shape(&times, ("survival", &survival))?;
        for (row, values) in survival.chunks_exact(times.len()).enumerate() {
            let mut before = 1.0;
            for (&value, &time) in values.iter().zip(&times) {
                if !(0.0..=before).contains(&value) {
                    return Err(EvaluationError::CurveOutOfRange {
                        column: "survival",
                        row,
                        time,
                        value,
                        rule: "between 0 and 1, and never above the one before it",
                    });
                }
                before = value;
            }
        }
        Ok(Self {
            times: times.into(),
            survival: survival.into(),
        })
    }

    /// Curves from the chance to have the event in each interval of those who reach it: `S(t_j) = product of (1 - hazard_i)` over
    /// `i <= j`.
    ///
    /// # Shapes
    /// - `times`: `[n_times]`, where each interval ends; the first starts at 0
    /// - `hazards`: `[n, n_times]`
    ///
    /// # Errors
    /// As [`Self::new`], with [`EvaluationError::CurveOutOfRange`] for a hazard outside `[0, 1]`.
    pub fn from_hazards(times: &[f64], hazards: &[f64]) -> Result<Self, EvaluationError> {
        check_shape(times, ("hazard", hazards))?;
        let mut survival = Vec::with_capacity(hazards.len());
        for (row, hazards) in hazards.chunks_exact(times.len()).enumerate() {
            let mut left = 1.0;
            for (&value, &time) in hazards.iter().zip(times) {
                if !(0.0..=1.0).contains(&value) {
                    return Err(EvaluationError::CurveOutOfRange {
                        column: "hazard",
                        row,
                        time,
                        value,
                        rule: "between 0 and 1",
                    });
                }
                left *= 1.0 - value;
                survival.push(left);
            }
        }
        Ok(Self {
            times: times.into(),
            survival: survival.into(),
        })
    }

    /// Number of customers.
    pub fn n_rows(&self) -> usize {
        self.survival.len() / self.times.len()
    }

    /// The grid of times.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The last time of the grid.
    pub(super) fn last_time(&self) -> f64 {
        self.times[self.times.len() - 1]
    }

    /// A customer's chance to survive each time of the grid.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn survival_of(&self, row: usize) -> &[f64] {
        let n_times = self.times.len();
        &self.survival[row * n_times..(row + 1) * n_times]
    }

    /// A customer's chance to survive `time`; NaN for NaN.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn survival_at(&self, row: usize, time: f64) -> f64 {
        self.at(row, self.place(time))
    }

    /// A customer's chance to have the event by the `horizon`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn event_probability(&self, row: usize, horizon: f64) -> f64 {
        1.0 - self.survival_at(row, horizon)
    }

    /// The time that a customer survives with chance 1/2; `None` if it lies beyond the grid.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn median(&self, row: usize) -> Option<f64> {
        let survival = self.survival_of(row);
        let upper = survival.iter().position(|&survival| survival <= 0.5)?;
        let (time, before) = self.before(row, upper);
        let part = (before - 0.5) / (before - survival[upper]);
        Some(time + part * (self.times[upper] - time))
    }

    /// The time that a customer is expected to survive of the first `horizon`: the area under the curve. 0 for a horizon below 0,
    /// NaN for NaN.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn restricted_mean(&self, row: usize, horizon: f64) -> f64 {
        let end = self.place(horizon);
        let mut area = 0.0;
        for upper in 0..end.upper {
            let (time, before) = self.before(row, upper);
            let here = self.survival_of(row)[upper];
            area += (self.times[upper] - time) * (before + here) / 2.0;
        }
        let (time, before) = self.before(row, end.upper);
        let width = horizon - time;
        match width < 0.0 {
            true => area,
            false => area + width * (before + self.at(row, end)) / 2.0,
        }
    }

    /// Where a time lies in the grid.
    pub(super) fn place(&self, time: f64) -> Place {
        let upper = self.times.partition_point(|&grid| grid < time);
        let before = upper.checked_sub(1).map_or(0.0, |index| self.times[index]);
        let part = match self.times.get(upper) {
            Some(&next) if time > 0.0 => (time - before) / (next - before),
            // Not `max`, which would make a number of NaN.
            _ if time.is_nan() => f64::NAN,
            _ => 0.0,
        };
        Place { upper, part }
    }

    /// Survival of a customer at a place of the grid.
    pub(super) fn at(&self, row: usize, place: Place) -> f64 {
        let survival = self.survival_of(row);
        place.survival(|time| survival.get(time).copied())
    }

    /// The point of the curve before a time of the grid.
    fn before(&self, row: usize, upper: usize) -> (f64, f64) {
        match upper.checked_sub(1) {
            Some(index) => (self.times[index], self.survival_of(row)[index]),
            None => (0.0, 1.0),
        }
    }
}

fn check_shape(
    times: &[f64],
    (column, values): (&'static str, &[f64]),
) -> Result<(), EvaluationError> {
    if times.is_empty() {
        return Err(EvaluationError::TooFewTimes {
            n_times: 0,
            needed: 1,
        });
    }
    if values.is_empty() {
        return Err(EvaluationError::NoCases);
    }
    check_times(times, false)?;
    match values.len() % times.len() {
        0 => Ok(()),
        _ => Err(EvaluationError::CurvesLength {
            column,
            found: values.len(),
            n_times: times.len(),
        }),
    }
}
