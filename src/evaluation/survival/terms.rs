//! What each customer adds to the measures of a report.

use super::brier::Grid;
use super::concordance::{PairSums, pairs_of_curves};
use super::{SurvivalCases, SurvivalCurves, SurvivalMetric};

/// The value of each metric in the order of [`SurvivalMetric::ALL`], where it is defined.
pub(super) type Values = [Option<f64>; SurvivalMetric::ALL.len()];

/// What each customer adds to the measures, so that a resample costs one pass over the customers and not one over their pairs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Terms {
    pairs: PairSums,
    errors: Vec<f64>,
    baseline_errors: Vec<f64>,
}

impl Terms {
    pub(super) fn new(cases: &SurvivalCases, curves: &SurvivalCurves, grid: &Grid<'_>) -> Self {
        Self {
            pairs: pairs_of_curves(cases, curves),
            errors: grid.errors_of_curves(curves),
            baseline_errors: grid.errors_of_kaplan_meier(cases),
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.errors.len()
    }

    /// All metrics of the customers themselves.
    pub(super) fn values(&self) -> Values {
        self.weighted(|_| 1.0)
    }

    /// All metrics of a resample that holds each customer so often.
    pub(super) fn resampled(&self, counts: &[u32]) -> Values {
        self.weighted(|row| f64::from(counts[row]))
    }

    fn weighted(&self, count_of: impl Fn(usize) -> f64) -> Values {
        let mean = |errors: &[f64]| {
            let terms = errors.iter().enumerate();
            let sum: f64 = terms.map(|(row, error)| count_of(row) * error).sum();
            sum / errors.len() as f64
        };
        let (error, baseline) = (mean(&self.errors), mean(&self.baseline_errors));
        SurvivalMetric::ALL.map(|metric| match metric {
            SurvivalMetric::Concordance => self.pairs.weighted(&count_of),
            SurvivalMetric::IntegratedBrierScore => Some(error),
            SurvivalMetric::KaplanMeierBrierScore => Some(baseline),
            SurvivalMetric::BrierSkill => (baseline > 0.0).then(|| 1.0 - error / baseline),
        })
    }
}
