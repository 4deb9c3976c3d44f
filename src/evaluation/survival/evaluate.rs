//! From curves to a report.

use std::collections::BTreeMap;

use super::brier::{Grid, mean};
use super::calibration::{calibration_at, calibration_error};
use super::censoring::CensoringWeights;
use super::discrimination::roc_auc_of;
use super::risk_groups::risk_groups;
use super::terms::Terms;
use super::{
    SurvivalCases, SurvivalCurves, SurvivalHorizon, SurvivalMetric, SurvivalProtocol,
    SurvivalReport, SurvivalSettings,
};
use crate::evaluation::classification::{check_length, estimates};
use crate::evaluation::{Estimate, EvaluationError, IntervalSettings, Measurement, Protocol};

/// Number of intervals between the times that are judged unless others are asked for.
const N_INTERVALS: u32 = 100;

/// Measures all of [`SurvivalMetric::ALL`], each horizon by itself, and quarters of the customers by their risk.
///
/// Intervals draw customers. What each customer adds is measured once and not again for a resample: the weights against censoring
/// and the baseline stay those of the cases, and concordance is taken to first order in how often each customer is drawn, so that
/// an interval costs no more pairs than the value.
///
/// `model` names who made the predictions.
///
/// # Errors
/// - [`EvaluationError::RowCount`] unless there is a curve for each customer
/// - [`EvaluationError::NoEvents`], [`EvaluationError::NoComparablePairs`]
/// - [`EvaluationError::TooFewTimes`] if less than two times have censoring support; [`EvaluationError::NoCensoringSupport`] for a
///   horizon without it
/// - of the settings [`EvaluationError::TimeOutOfOrder`], [`EvaluationError::SettingOutOfRange`],
///   [`EvaluationError::TooFewResamples`], [`EvaluationError::LevelOutOfRange`]
pub fn evaluate_survival(
    model: &str,
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
    settings: &SurvivalSettings,
) -> Result<SurvivalReport, EvaluationError> {
    settings.check()?;
    check_length("curves", curves.n_rows(), cases.n_rows())?;
    let n_rows = cases.n_rows();
    if cases.n_events() == 0 {
        let metric = "the report";
        return Err(EvaluationError::NoEvents { metric, n_rows });
    }
    let weights = CensoringWeights::new(cases);
    let interval = settings.interval.as_ref();
    let level = interval.map_or(IntervalSettings::default().level, |interval| interval.level);
    let horizons = settings.horizons.iter();
    let horizons = horizons.map(|&time| horizon(&weights, curves, (time, settings.n_bins, level)));
    let horizons = horizons.collect::<Result<_, _>>()?;
    let protocol = protocol(&weights, curves, settings);
    let last_time = protocol.times.last().copied().unwrap_or_default();
    let terms = Terms::new(cases, curves, &Grid::over(&weights, &protocol.times)?);
    let metrics = metrics(&terms, interval);
    if !metrics.contains_key(SurvivalMetric::Concordance.name()) {
        let n_events = cases.n_events();
        return Err(EvaluationError::NoComparablePairs { n_rows, n_events });
    }
    Ok(SurvivalReport {
        model: model.to_owned(),
        n_rows,
        n_events: cases.n_events(),
        censored_share: cases.censored_share(),
        metrics,
        horizons,
        risk_groups: risk_groups(cases, curves, last_time, level),
        protocol: Protocol {
            origin: settings.origin.clone(),
            n_cases: n_rows,
            cases_sha256: cases.sha256(),
            interval: settings.interval.clone(),
            measurement: Measurement::Survival(protocol),
        },
        terms: Some(terms),
    })
}

/// Each metric that is defined, by its name.
fn metrics(terms: &Terms, interval: Option<&IntervalSettings>) -> BTreeMap<String, Estimate> {
    let found = estimates(terms.values(), terms.n_rows(), interval, |counts| {
        terms.resampled(counts)
    });
    let named = SurvivalMetric::ALL.into_iter().zip(found);
    named
        .filter_map(|(metric, found)| Some((metric.name().to_owned(), found?)))
        .collect()
}

/// What is judged: the times that were asked for and have support, or the default ones.
fn protocol(
    weights: &CensoringWeights<'_>,
    curves: &SurvivalCurves,
    settings: &SurvivalSettings,
) -> SurvivalProtocol {
    let asked: Vec<f64> = match (settings.times.is_empty(), weights.last_time()) {
        (false, _) => settings.times.clone(),
        (true, Some(last)) if last > 0.0 => {
            let end = last.min(curves.last_time());
            let time = |step: u32| end * (f64::from(step) / f64::from(N_INTERVALS));
            (0..=N_INTERVALS).map(time).collect()
        }
        (true, _) => Vec::new(),
    };
    let n_asked = asked.len();
    let times: Vec<f64> = (asked.into_iter())
        .filter(|&time| weights.supports(time))
        .collect();
    SurvivalProtocol {
        n_times_left_out: n_asked - times.len(),
        times,
        horizons: settings.horizons.clone(),
        n_bins: settings.n_bins,
    }
}

fn horizon(
    weights: &CensoringWeights<'_>,
    curves: &SurvivalCurves,
    (time, n_bins, level): (f64, usize, f64),
) -> Result<SurvivalHorizon, EvaluationError> {
    weights.check(time)?;
    let (cases, grid) = (weights.cases(), Grid::at(weights, time));
    let calibration = calibration_at(cases, curves, time, n_bins, level)?;
    let roc_auc = match roc_auc_of(weights, curves, time) {
        Err(EvaluationError::OneSideOfTime { .. }) => None,
        found => Some(found?),
    };
    Ok(SurvivalHorizon {
        time,
        brier_score: mean(&grid.errors_of_curves(curves)),
        kaplan_meier_brier_score: mean(&grid.errors_of_kaplan_meier(cases)),
        roc_auc,
        calibration_error: calibration_error(&calibration),
        calibration,
    })
}
