//! From a log to the value of another policy.

use super::log::{check_log, check_predictions};
use super::sums::{
    DOUBLY_ROBUST, INVERSE_PROPENSITY, LOGGED, SELF_NORMALISED, Term, Values, standard_errors,
    values,
};
use super::{LoggedAction, PolicyInterval, PolicyReport, PolicySettings, RewardPrediction};
use crate::evaluation::interval::{Draws, percentile_interval, resamples};
use crate::evaluation::normal::normal_quantile;
use crate::evaluation::{Estimate, EvaluationError, Interval, IntervalSettings};

/// Estimates the mean reward of a target policy from the decisions of another.
///
/// With `w = target_probability / propensity`, clipped if asked for:
/// - inverse propensity: the mean of `w r`; unbiased if the running policy could take every action that the target may;
/// - self-normalised: `sum of w r / sum of w`; a little biased for few rows, of lower variance, and within the rewards;
/// - doubly robust, with `predictions`: the mean of `target + w (r - logged)`; unbiased if either the propensities or the
///   predictions are right.
///
/// Decisions are taken to be independent of each other.
///
/// # Errors
/// - of the log [`EvaluationError::NoCases`], [`EvaluationError::RowOutOfRange`], [`EvaluationError::NoOverlap`]
/// - of `predictions` [`EvaluationError::RowCount`], [`EvaluationError::RowOutOfRange`]
/// - of the settings [`EvaluationError::SettingOutOfRange`], [`EvaluationError::TooFewResamples`],
///   [`EvaluationError::LevelOutOfRange`]
///
/// # Source
/// Horvitz and Thompson 1952, <https://doi.org/10.1080/01621459.1952.10483446>; Swaminathan and Joachims 2015, "The
/// self-normalized estimator for counterfactual learning"; Dudík, Langford and Li 2011, "Doubly robust policy evaluation and
/// learning", <https://arxiv.org/abs/1103.4601>. Differences: clipping, as in Ionides 2008,
/// <https://doi.org/10.1198/106186008X320456>.
pub fn evaluate_policy(
    log: &[LoggedAction],
    predictions: Option<&[RewardPrediction]>,
    settings: &PolicySettings,
) -> Result<PolicyReport, EvaluationError> {
    settings.check()?;
    check_log(log)?;
    predictions.map_or(Ok(()), |rows| check_predictions(rows, log.len()))?;
    let limit = settings.max_weight.unwrap_or(f64::INFINITY);
    let unclipped = |action: &LoggedAction| action.target_probability / action.propensity;
    let terms: Vec<Term> = (0..log.len())
        .map(|row| {
            let (weight, reward) = (unclipped(&log[row]).min(limit), log[row].reward);
            let robust = |p: &RewardPrediction| p.target + weight * (reward - p.logged);
            Term {
                weight,
                reward,
                doubly_robust: predictions.map_or(0.0, |rows| robust(&rows[row])),
            }
        })
        .collect();
    let sum: f64 = terms.iter().map(|term| term.weight).sum();
    if sum <= 0.0 {
        let n_rows = log.len();
        return Err(EvaluationError::NoOverlap { n_rows });
    }
    let squares: f64 = terms.iter().map(|term| term.weight.powi(2)).sum();
    let estimates = estimates(&terms, &settings.interval);
    Ok(PolicyReport {
        n_rows: log.len(),
        n_clipped: log
            .iter()
            .filter(|action| unclipped(action) > limit)
            .count(),
        mean_weight: sum / log.len() as f64,
        largest_weight: terms.iter().map(|term| term.weight).fold(0.0, f64::max),
        effective_sample_size: sum * (sum / squares),
        logged_value: estimates[LOGGED],
        inverse_propensity: estimates[INVERSE_PROPENSITY],
        self_normalised: estimates[SELF_NORMALISED],
        doubly_robust: predictions.map(|_| estimates[DOUBLY_ROBUST]),
        settings: settings.clone(),
    })
}

/// Each estimate with its interval; none for a single decision.
fn estimates(terms: &[Term], interval: &PolicyInterval) -> [Estimate; 4] {
    let means = values(terms.iter());
    let intervals = match interval {
        _ if terms.len() < 2 => [None; 4],
        PolicyInterval::None => [None; 4],
        PolicyInterval::Normal { level } => normal_intervals(terms, &means, *level),
        PolicyInterval::Bootstrap(settings) => bootstrap_intervals(terms, settings),
    };
    std::array::from_fn(|index| Estimate {
        // The target policy takes some of the logged actions, so that every estimate is a number.
        mean: means[index].unwrap_or(0.0),
        interval: intervals[index],
    })
}

fn normal_intervals(terms: &[Term], means: &Values, level: f64) -> [Option<Interval>; 4] {
    let z = normal_quantile(0.5 + level / 2.0);
    let errors = standard_errors(terms, means);
    std::array::from_fn(|index| {
        let (mean, half) = (means[index]?, z * errors[index]?);
        Some(Interval {
            low: mean - half,
            high: mean + half,
        })
    })
}

/// None for an estimate that is undefined in a resample.
fn bootstrap_intervals(terms: &[Term], settings: &IntervalSettings) -> [Option<Interval>; 4] {
    let drawn = resamples(terms.len(), settings, |draws: Draws| {
        values(draws.map(|row| &terms[row]))
    });
    std::array::from_fn(|index| {
        let column: Option<Vec<f64>> = drawn.iter().map(|values| values[index]).collect();
        Some(percentile_interval(column?, settings.level))
    })
}
