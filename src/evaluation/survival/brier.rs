//! How far predicted survival lies from what happened.

use rayon::prelude::*;

use super::censoring::CensoringWeights;
use super::times::{check_times, trapezoid_weights};
use super::{KaplanMeier, SurvivalCases, SurvivalCurves};
use crate::evaluation::EvaluationError;
use crate::evaluation::classification::check_length;

/// The mean squared distance of predicted survival at `time` from what happened, 1 for who survived it and 0 for who did not.
///
/// `mean of S_i(t)² / G(T_i-)` for events by `t`, `(1 - S_i(t))² / G(t)` for customers beyond `t`, 0 for customers censored by
/// then, whose place is taken by the weights of the others. `G` is the Kaplan-Meier curve of censoring of the same customers.
///
/// # Errors
/// [`EvaluationError::RowCount`] unless there is a curve for each customer; [`EvaluationError::SettingOutOfRange`] for what is no
/// time; [`EvaluationError::NoCensoringSupport`] for a time by which the last customer is censored.
///
/// # Source
/// Graf et al. 1999, <https://doi.org/10.1002/(SICI)1097-0258(19990915/30)18:17/18%3C2529::AID-SIM274%3E3.0.CO;2-5>. Differences:
/// the limit from the left in `G(T_i-)`, which matters where events and censorings have one time.
pub fn brier_score_at(
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
    time: f64,
) -> Result<f64, EvaluationError> {
    check_length("curves", curves.n_rows(), cases.n_rows())?;
    let weights = CensoringWeights::new(cases);
    weights.check(time)?;
    Ok(mean(&Grid::at(&weights, time).errors_of_curves(curves)))
}

/// The mean of [`brier_score_at`] over the range of `times`, by the trapezoidal rule.
///
/// # Errors
/// [`EvaluationError::RowCount`]; [`EvaluationError::TooFewTimes`] for less than two times, [`EvaluationError::TimeOutOfOrder`],
/// [`EvaluationError::NoCensoringSupport`].
///
/// # Source
/// Graf et al. 1999, as [`brier_score_at`], with a uniform weight of times.
pub fn integrated_brier_score(
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
    times: &[f64],
) -> Result<f64, EvaluationError> {
    check_length("curves", curves.n_rows(), cases.n_rows())?;
    let weights = CensoringWeights::new(cases);
    Ok(mean(
        &checked_grid(&weights, times)?.errors_of_curves(curves),
    ))
}

/// How much of the integrated Brier score of the Kaplan-Meier curve of these customers, which ignores their columns, is gone:
/// `1 - IBS / IBS of Kaplan-Meier`. 1 is perfect, 0 no better; `None` if Kaplan-Meier is perfect, as without an event by the last
/// time.
///
/// # Edge cases
/// The curve is that of the very customers that are judged, which is the best one for all of them; a curve of others would be a
/// little easier to beat.
///
/// # Errors
/// As [`integrated_brier_score`].
///
/// # Source
/// Graf et al. 1999, as [`brier_score_at`]: `R²`.
pub fn brier_skill(
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
    times: &[f64],
) -> Result<Option<f64>, EvaluationError> {
    check_length("curves", curves.n_rows(), cases.n_rows())?;
    let weights = CensoringWeights::new(cases);
    let grid = checked_grid(&weights, times)?;
    let baseline = mean(&grid.errors_of_kaplan_meier(cases));
    let model = mean(&grid.errors_of_curves(curves));
    Ok((baseline > 0.0).then(|| 1.0 - model / baseline))
}

fn checked_grid<'a>(
    weights: &'a CensoringWeights<'a>,
    times: &[f64],
) -> Result<Grid<'a>, EvaluationError> {
    check_times(times, true)?;
    times.iter().try_for_each(|&time| weights.check(time))?;
    Grid::over(weights, times)
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Times at which errors are taken, and what each weighs.
#[derive(Debug)]
pub(super) struct Grid<'a> {
    weights: &'a CensoringWeights<'a>,
    points: Vec<GridPoint>,
}

#[derive(Clone, Copy, Debug)]
struct GridPoint {
    time: f64,
    /// Share of the mean over all times.
    share: f64,
    /// `1 / G` at the time.
    weight_beyond: f64,
}

impl<'a> Grid<'a> {
    /// One time, which must be supported.
    pub(super) fn at(weights: &'a CensoringWeights<'a>, time: f64) -> Self {
        Self::new(weights, [(time, 1.0)])
    }

    /// Ascending times, which must be supported.
    ///
    /// # Errors
    /// [`EvaluationError::TooFewTimes`].
    pub(super) fn over(
        weights: &'a CensoringWeights<'a>,
        times: &[f64],
    ) -> Result<Self, EvaluationError> {
        if times.len() < 2 {
            return Err(EvaluationError::TooFewTimes {
                n_times: times.len(),
                needed: 2,
            });
        }
        let shares = trapezoid_weights(times);
        Ok(Self::new(weights, times.iter().copied().zip(shares)))
    }

    fn new(weights: &'a CensoringWeights<'a>, times: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let point = |(time, share)| GridPoint {
            time,
            share,
            weight_beyond: 1.0 / weights.uncensored_at(time),
        };
        Self {
            weights,
            points: times.into_iter().map(point).collect(),
        }
    }

    /// What each customer adds to the score, whose mean it is.
    pub(super) fn errors_of_curves(&self, curves: &SurvivalCurves) -> Vec<f64> {
        let places = self.points.iter().map(|point| curves.place(point.time));
        let places: Vec<_> = places.collect();
        self.errors(|row, index| curves.at(row, places[index]))
    }

    /// The same where all are predicted the Kaplan-Meier curve.
    pub(super) fn errors_of_kaplan_meier(&self, cases: &SurvivalCases) -> Vec<f64> {
        let curve = KaplanMeier::fit(cases);
        let survival = self
            .points
            .iter()
            .map(|point| curve.survival_at(point.time));
        let survival: Vec<f64> = survival.collect();
        self.errors(|_, index| survival[index])
    }

    fn errors(&self, survival_of: impl Fn(usize, usize) -> f64 + Sync) -> Vec<f64> {
        let cases = self.weights.cases();
        let error = |row: usize| -> f64 {
            let (duration, event) = (cases.durations()[row], cases.events()[row]);
            let terms = self.points.iter().enumerate().map(|(index, point)| {
                let survival = survival_of(row, index);
                let error = match duration > point.time {
                    true => (1.0 - survival).powi(2) * point.weight_beyond,
                    false if event => survival.powi(2) * self.weights.of_event(row),
                    false => 0.0,
                };
                point.share * error
            });
            terms.sum()
        };
        (0..cases.n_rows()).into_par_iter().map(error).collect()
    }
}
