//! Quarters of the customers by their risk, predicted and observed.

use serde::{Deserialize, Serialize};

use super::parts::equal_parts;
use super::{KaplanMeier, SurvivalCases, SurvivalCurves};
use crate::evaluation::Interval;

/// Number of groups: quarters.
const N_GROUPS: usize = 4;
/// Number of intervals between the points of a group.
const N_INTERVALS: u32 = 100;

/// Customers of similar risk: their mean predicted survival beside their Kaplan-Meier curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskGroup {
    /// Number of customers.
    pub n_rows: usize,
    /// Number of them whose event was observed.
    pub n_events: usize,
    /// Survival at equally far times, from 0 on.
    pub points: Vec<RiskGroupPoint>,
}

/// How many of a [`RiskGroup`] survive a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskGroupPoint {
    /// The time.
    pub time: f64,
    /// The mean of the predicted survival.
    pub predicted: f64,
    /// Survival by Kaplan-Meier; `None` beyond the last duration, if that is censored.
    pub observed: Option<f64>,
    /// Where the share may lie; `None` if it is not known, 0 or 1.
    pub interval: Option<Interval>,
}

/// Quarters of the customers, the highest risk first: the shortest time that is expected to be survived until `last_time`.
pub(super) fn risk_groups(
    cases: &SurvivalCases,
    curves: &SurvivalCurves,
    last_time: f64,
    level: f64,
) -> Vec<RiskGroup> {
    let expected = (0..cases.n_rows()).map(|row| curves.restricted_mean(row, last_time));
    let parts = equal_parts(&expected.collect::<Vec<_>>(), N_GROUPS);
    let group = |rows: &Vec<usize>| {
        let cases = cases.subset(rows);
        let curve = KaplanMeier::fit(&cases);
        let point = |step: u32| {
            let time = last_time * f64::from(step) / f64::from(N_INTERVALS);
            let place = curves.place(time);
            let sum: f64 = rows.iter().map(|&row| curves.at(row, place)).sum();
            let is_known = curve.is_known_at(time);
            RiskGroupPoint {
                time,
                predicted: sum / rows.len() as f64,
                observed: is_known.then(|| curve.survival_at(time)),
                interval: curve.log_log_interval(time, level).filter(|_| is_known),
            }
        };
        RiskGroup {
            n_rows: rows.len(),
            n_events: cases.n_events(),
            points: (0..=N_INTERVALS).map(point).collect(),
        }
    };
    parts.iter().map(group).collect()
}
