//! Bootstrap intervals of means over cases.

use std::fmt;

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::EvaluationError;
use super::case_table::{CaseTable, CaseTableBuilder};
use crate::random::{CounterGenerator, RandomKey, Stream};

/// How an interval is made.
///
/// # Source
/// The percentile bootstrap: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13, which asks for
/// about 1000 resamples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalSettings {
    /// Number of times that the cases are drawn anew, at least 2. Default 1000; more makes the ends steadier.
    pub n_resamples: usize,
    /// Share of resampled means inside the interval, in `(0, 1)`. Default 0.95.
    pub level: f64,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for IntervalSettings {
    fn default() -> Self {
        Self {
            n_resamples: 1000,
            level: 0.95,
            seed: 0,
        }
    }
}

impl IntervalSettings {
    /// Whether intervals can be made by these settings.
    ///
    /// # Errors
    /// [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`].
    pub(super) fn check(&self) -> Result<(), EvaluationError> {
        if self.n_resamples < 2 {
            return Err(EvaluationError::TooFewResamples {
                n_resamples: self.n_resamples,
            });
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(EvaluationError::LevelOutOfRange { level: self.level });
        }
        Ok(())
    }
}

impl fmt::Display for IntervalSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} %, {} resamples, seed {}",
            // Four decimals of a percentage, without the noise of binary fractions.
            (self.level * 1e6).round() / 1e4,
            self.n_resamples,
            self.seed
        )
    }
}

/// Where a mean may lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A mean over cases, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The interval; `None` if none was asked for, or if there is only one case.
    #[serde(flatten)]
    pub interval: Option<Interval>,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}", self.mean)?;
        match self.interval {
            Some(Interval { low, high }) => write!(f, " [{low:.4}, {high:.4}]"),
            None => Ok(()),
        }
    }
}

/// The mean of `values`, one a case, with its bootstrap interval.
///
/// ```
/// use salient::evaluation::{IntervalSettings, estimate_mean};
///
/// let estimate = estimate_mean(&[0.0, 1.0, 1.0, 0.0], Some(&IntervalSettings::default()))?;
/// assert_eq!(estimate.mean, 0.5);
/// assert!(estimate.interval.is_some_and(|interval| interval.low < 0.5 && 0.5 < interval.high));
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Errors
/// [`EvaluationError::NoCases`] without values, [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`].
pub fn estimate_mean(
    values: &[f64],
    settings: Option<&IntervalSettings>,
) -> Result<Estimate, EvaluationError> {
    let mut table = CaseTableBuilder::new(vec![String::new()]);
    values.iter().for_each(|&value| table.push(&[value]));
    Ok(estimate_columns(&table.finish(), settings)?[0])
}

/// The mean of each column of a table, with bootstrap intervals that come from the same draws of cases.
///
/// # Errors
/// As [`estimate_mean`].
pub(super) fn estimate_columns(
    table: &CaseTable,
    settings: Option<&IntervalSettings>,
) -> Result<Vec<Estimate>, EvaluationError> {
    if table.n_cases() == 0 {
        return Err(EvaluationError::NoCases);
    }
    settings.map_or(Ok(()), IntervalSettings::check)?;
    let means = table.means();
    let Some(settings) = settings.filter(|_| table.n_cases() > 1) else {
        return Ok(means.into_iter().map(Estimate::without_interval).collect());
    };
    let resampled = resampled_means(table, settings);
    let estimates = means.into_iter().enumerate().map(|(column, mean)| {
        let draws = resampled.iter().map(|means| means[column]).collect();
        Estimate {
            mean,
            interval: Some(percentile_interval(draws, settings.level)),
        }
    });
    Ok(estimates.collect())
}

impl Estimate {
    pub(super) fn without_interval(mean: f64) -> Self {
        Self {
            mean,
            interval: None,
        }
    }
}

/// The column means of each resample, `[n_resamples][n_columns]`.
fn resampled_means(table: &CaseTable, settings: &IntervalSettings) -> Vec<Vec<f64>> {
    resamples(table.n_cases(), settings, |draws| table.means_of(draws))
}

/// What `measure` finds in each resample of cases, on all cores.
///
/// The draws are a function of the seed and the number of cases alone.
pub(super) fn resamples<T: Send>(
    n_cases: usize,
    settings: &IntervalSettings,
    measure: impl Fn(Draws) -> T + Sync,
) -> Vec<T> {
    let key = RandomKey::new(settings.seed).stream(Stream::Bootstrap);
    let draws = |resample| Draws {
        generator: key.step(resample).generator(),
        n_cases,
        n_left: n_cases,
    };
    (0..settings.n_resamples as u64)
        .into_par_iter()
        .map(|resample| measure(draws(resample)))
        .collect()
}

/// As many cases as there are, drawn with replacement.
pub(super) struct Draws {
    generator: CounterGenerator,
    n_cases: usize,
    n_left: usize,
}

impl Draws {
    /// How often each case is drawn.
    pub(super) fn counts(self) -> Vec<u32> {
        let mut counts = vec![0; self.n_cases];
        self.for_each(|case| counts[case] += 1);
        counts
    }
}

impl Iterator for Draws {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.n_left = self.n_left.checked_sub(1)?;
        Some(self.generator.random_range(0..self.n_cases))
    }
}

/// What holds the middle `level` of the resampled values, of which there must be one.
pub(super) fn percentile_interval(mut draws: Vec<f64>, level: f64) -> Interval {
    draws.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Interval {
        low: quantile(&draws, tail),
        high: quantile(&draws, 1.0 - tail),
    }
}

/// The quantile of ascending values, linear between neighbours (type 7 of Hyndman and Fan 1996).
fn quantile(ascending: &[f64], probability: f64) -> f64 {
    let position = probability * (ascending.len() - 1) as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    let weight = position - below as f64;
    ascending[below] + weight * (ascending[above] - ascending[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_neighbours() {
        let ascending = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&ascending, 0.0), 1.0);
        assert_eq!(quantile(&ascending, 0.5), 3.0);
        assert_eq!(quantile(&ascending, 0.75), 5.0);
        assert_eq!(quantile(&ascending, 1.0), 8.0);
    }

    #[test]
    fn counting_equal_rows_together_draws_the_same_cases() {
        let settings = IntervalSettings {
            n_resamples: 7,
            ..IntervalSettings::default()
        };
        // The second column makes every row different; the first alone has two kinds of them.
        let mut both = CaseTableBuilder::new(["a", "b"].map(str::to_owned).to_vec());
        let mut alone = CaseTableBuilder::new(vec!["a".to_owned()]);
        for case in 0..50 {
            both.push(&[f64::from(case % 2), f64::from(case)]);
            alone.push(&[f64::from(case % 2)]);
        }
        let (both, alone) = (both.finish(), alone.finish());
        let left = resampled_means(&both, &settings);
        let right = resampled_means(&alone, &settings);
        let pairs = left.iter().zip(&right);
        assert!(
            pairs
                .clone()
                .all(|(left, right)| (left[0] - right[0]).abs() < 1e-12)
        );
        assert!(pairs.clone().any(|(left, _)| left[0] != 0.5));
    }

    #[test]
    fn one_case_has_a_mean_but_no_interval() {
        let estimate = estimate_mean(&[0.25], Some(&IntervalSettings::default())).unwrap();
        assert_eq!(estimate, Estimate::without_interval(0.25));
        assert_eq!(estimate.to_string(), "0.2500");
    }
}
