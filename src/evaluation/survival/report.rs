//! What an evaluation of predicted survival found.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::terms::{Terms, Values};
use super::{RiskGroup, SurvivalCalibrationBin, SurvivalMetric};
use crate::evaluation::classification::estimates;
use crate::evaluation::text_table::TextTable;
use crate::evaluation::{Estimate, EvaluationError, Interval, Protocol};

/// What an evaluation of predicted survival found: values with intervals, horizons by themselves, quarters of the customers by
/// their risk, and the protocol.
///
/// Serialises without what each customer adds. Prints as aligned tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurvivalReport {
    /// Who made the predictions.
    pub model: String,
    /// Number of customers.
    pub n_rows: usize,
    /// Number of customers whose event was observed.
    pub n_events: usize,
    /// Share of customers whose event was not.
    pub censored_share: f64,
    /// Each metric that is defined, by its name such as `concordance`.
    pub metrics: BTreeMap<String, Estimate>,
    /// Each horizon that was asked for.
    pub horizons: Vec<SurvivalHorizon>,
    /// Predicted and observed survival of quarters of the customers, the highest risk first.
    pub risk_groups: Vec<RiskGroup>,
    /// What was measured, and how.
    pub protocol: Protocol,
    #[serde(skip)]
    pub(super) terms: Option<Terms>,
}

/// What was found for a single time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurvivalHorizon {
    /// The time.
    pub time: f64,
    /// [`brier_score_at`](super::brier_score_at) this time.
    pub brier_score: f64,
    /// The same of the Kaplan-Meier curve of all customers.
    pub kaplan_meier_brier_score: f64,
    /// [`roc_auc_at`](super::roc_auc_at) this time; `None` where it is undefined.
    pub roc_auc: Option<f64>,
    /// The mean distance of predicted and observed chance of an event over the bins, by their customers; `None` if none is known.
    pub calibration_error: Option<f64>,
    /// Predicted and observed chance of an event, the lowest risk first.
    pub calibration: Vec<SurvivalCalibrationBin>,
}

impl SurvivalReport {
    /// A metric and its interval; `None` where it is undefined.
    pub fn estimate(&self, metric: SurvivalMetric) -> Option<Estimate> {
        self.metrics.get(metric.name()).copied()
    }

    /// A metric; `None` where it is undefined.
    pub fn value(&self, metric: SurvivalMetric) -> Option<f64> {
        self.estimate(metric).map(|estimate| estimate.mean)
    }

    /// How much higher a metric is than in `other`, with the interval of the difference: both models are measured on the same
    /// resamples, so that it is narrower than those of the two values. `None` where the metric is undefined.
    ///
    /// # Errors
    /// [`EvaluationError::ProtocolsDiffer`]; [`EvaluationError::NoCaseValues`] for a report that was read from a file.
    pub fn difference_from(
        &self,
        other: &Self,
        metric: SurvivalMetric,
    ) -> Result<Option<Estimate>, EvaluationError> {
        self.protocol.same_as(&other.protocol)?;
        let (ours, theirs) = (self.terms(metric)?, other.terms(metric)?);
        let less = |ours: Values, theirs: Values| -> Values {
            std::array::from_fn(|index| Some(ours[index]? - theirs[index]?))
        };
        let values = less(ours.values(), theirs.values());
        let interval = self.protocol.interval.as_ref();
        let found = estimates(values, ours.n_rows(), interval, |counts| {
            less(ours.resampled(counts), theirs.resampled(counts))
        });
        let mut named = SurvivalMetric::ALL.into_iter().zip(found);
        Ok(named.find_map(|(found, estimate)| estimate.filter(|_| found == metric)))
    }

    fn terms(&self, metric: SurvivalMetric) -> Result<&Terms, EvaluationError> {
        let terms = self.terms.as_ref();
        terms.ok_or_else(|| EvaluationError::NoCaseValues {
            model: self.model.clone(),
            metric: metric.name().to_owned(),
        })
    }

    fn metrics_table(&self) -> TextTable {
        let mut table = TextTable::new(["metric", "value"].map(str::to_owned));
        for metric in SurvivalMetric::ALL {
            if let Some(estimate) = self.estimate(metric) {
                table.push([metric.title().to_owned(), estimate.to_string()]);
            }
        }
        table
    }

    fn horizons_table(&self) -> TextTable {
        let header = [
            "horizon",
            "Brier score",
            "of Kaplan-Meier",
            "ROC AUC",
            "calibration error",
        ];
        let mut table = TextTable::new(header.map(str::to_owned));
        for horizon in &self.horizons {
            let values = [
                Some(horizon.brier_score),
                Some(horizon.kaplan_meier_brier_score),
                horizon.roc_auc,
                horizon.calibration_error,
            ];
            let row = std::iter::once(horizon.time.to_string());
            table.push(row.chain(values.map(in_print)));
        }
        table
    }
}

impl SurvivalHorizon {
    fn calibration_table(&self) -> TextTable {
        let header = [
            format!("predicted by {}", self.time),
            "customers".to_owned(),
            "events".to_owned(),
            "Kaplan-Meier".to_owned(),
            "interval".to_owned(),
        ];
        let mut table = TextTable::new(header);
        for bin in &self.calibration {
            let interval = bin.interval.map_or_else(String::new, |interval| {
                let Interval { low, high } = interval;
                format!("[{low:.4}, {high:.4}]")
            });
            table.push([
                format!("{:.4}", bin.mean_prediction),
                bin.n_rows.to_string(),
                bin.n_events.to_string(),
                in_print(bin.observed),
                interval,
            ]);
        }
        table
    }
}

/// Four decimals, or a blank for what is undefined.
fn in_print(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.4}"))
}

impl fmt::Display for SurvivalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_rows, n_events) = (self.n_rows, self.n_events);
        let censored = 100.0 * self.censored_share;
        writeln!(
            f,
            "{}: {n_rows} customers, {n_events} events, {censored:.1} % censored",
            self.model
        )?;
        write!(f, "\n{}", self.metrics_table())?;
        if !self.horizons.is_empty() {
            write!(f, "\n\n{}", self.horizons_table())?;
        }
        for horizon in &self.horizons {
            write!(f, "\n\n{}", horizon.calibration_table())?;
        }
        write!(f, "\n\n{}", self.protocol)
    }
}
