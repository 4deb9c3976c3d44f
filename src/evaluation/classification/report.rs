//! What an evaluation of probabilities found.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::prepared::{Prepared, Values, estimates};
use super::{ClassificationCases, ClassificationMetric, GainPoint, GroupAuc, ReliabilityBin};
use crate::evaluation::text_table::{TextTable, natural_order};
use crate::evaluation::{Estimate, EvaluationError, Interval, Measurement, Protocol};

/// What an evaluation of probabilities found: values with intervals, curves, parts of the cases, and the protocol.
///
/// Serialises without the cases. Prints as aligned tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationReport {
    /// Who made the predictions.
    pub model: String,
    /// Number of rows.
    pub n_rows: usize,
    /// Number of positives.
    pub n_positives: usize,
    /// Group AUC with its numbers of groups; `None` without groups, or if none has both classes.
    pub groups: Option<GroupAuc>,
    /// Each metric that is defined, by its name such as `roc_auc`.
    pub metrics: BTreeMap<String, Estimate>,
    /// Mean prediction and share of positives by bin, the lowest predictions first.
    pub reliability: Vec<ReliabilityBin>,
    /// Cumulative gain and lift by deciles.
    pub gain: Vec<GainPoint>,
    /// How many rows have which prediction.
    pub histogram: PredictionHistogram,
    /// Values by part of the cases: the name of the grouping, then its value.
    pub segments: BTreeMap<String, BTreeMap<String, ClassificationSegment>>,
    /// What was measured, and how.
    pub protocol: Protocol,
    #[serde(skip)]
    pub(super) cases: Option<ClassificationCases>,
}

/// What was found for a part of the cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationSegment {
    /// Number of rows.
    pub n_rows: usize,
    /// Number of positives.
    pub n_positives: usize,
    /// Each metric that is defined for them, by its name.
    pub metrics: BTreeMap<String, f64>,
}

/// How many rows have which prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionHistogram {
    /// Where the last bar ends: the highest prediction.
    pub high: f64,
    /// Number of rows in each of 20 bars of equal width from 0 on.
    pub n_rows: Vec<usize>,
}

impl ClassificationReport {
    /// A metric and its interval; `None` where it is undefined.
    pub fn estimate(&self, metric: ClassificationMetric) -> Option<Estimate> {
        self.metrics.get(metric.name()).copied()
    }

    /// A metric; `None` where it is undefined.
    pub fn value(&self, metric: ClassificationMetric) -> Option<f64> {
        self.estimate(metric).map(|estimate| estimate.mean)
    }

    /// How much higher a metric is than in `other`, with the interval of the difference: both models are measured on the same
    /// resamples, so that it is narrower than those of the two values. `None` where the metric is undefined.
    ///
    /// ```
    /// use salient::evaluation::classification::{
    ///     ClassificationCases, ClassificationMetric, ClassificationSettings, evaluate_classification,
    /// };
    ///
    /// let settings = ClassificationSettings::default();
    /// let ours = ClassificationCases::new(vec![0.9, 0.2, 0.6, 0.6], vec![true, false, true, false])?;
    /// let theirs = ours.with_probabilities(vec![0.5; 4])?;
    /// let ours = evaluate_classification("ours", &ours, &settings)?;
    /// let theirs = evaluate_classification("theirs", &theirs, &settings)?;
    /// let gain = ours.difference_from(&theirs, ClassificationMetric::RocAuc)?;
    /// assert_eq!(gain.map(|gain| gain.mean), Some(0.375));
    /// # Ok::<(), salient::evaluation::EvaluationError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluationError::ProtocolsDiffer`]; [`EvaluationError::NoCaseValues`] for a report that was read from a file.
    pub fn difference_from(
        &self,
        other: &Self,
        metric: ClassificationMetric,
    ) -> Result<Option<Estimate>, EvaluationError> {
        self.protocol.same_as(&other.protocol)?;
        let (ours, theirs) = (self.prepared(metric)?, other.prepared(metric)?);
        let less = |ours: Values, theirs: Values| -> Values {
            std::array::from_fn(|metric| Some(ours[metric]? - theirs[metric]?))
        };
        let values = less(ours.values(), theirs.values());
        let interval = self.protocol.interval.as_ref();
        let found = estimates(values, ours.n_units(), interval, |counts| {
            less(ours.resampled(counts), theirs.resampled(counts))
        });
        let mut named = ClassificationMetric::ALL.into_iter().zip(found);
        Ok(named.find_map(|(found, estimate)| estimate.filter(|_| found == metric)))
    }

    fn prepared(&self, metric: ClassificationMetric) -> Result<Prepared<'_>, EvaluationError> {
        match (&self.cases, &self.protocol.measurement) {
            (Some(cases), Measurement::Classification(protocol)) => {
                Ok(Prepared::new(cases, protocol.threshold, protocol.bins))
            }
            _ => Err(EvaluationError::NoCaseValues {
                model: self.model.clone(),
                metric: metric.name().to_owned(),
            }),
        }
    }

    fn metrics_table(&self) -> TextTable {
        let mut table = TextTable::new(["metric", "value"].map(str::to_owned));
        for metric in ClassificationMetric::ALL {
            if let Some(estimate) = self.estimate(metric) {
                table.push([metric.title().to_owned(), estimate.to_string()]);
            }
        }
        table
    }

    fn reliability_table(&self) -> TextTable {
        let header = ["mean prediction", "rows", "share of positives", "interval"];
        let mut table = TextTable::new(header.map(str::to_owned));
        for bin in &self.reliability {
            let Interval { low, high } = bin.interval;
            table.push([
                format!("{:.4}", bin.mean_prediction),
                bin.n_rows.to_string(),
                format!("{:.4}", bin.positive_share),
                format!("[{low:.4}, {high:.4}]"),
            ]);
        }
        table
    }

    fn gain_table(&self) -> TextTable {
        let mut table = TextTable::new(["share of rows", "gain", "lift"].map(str::to_owned));
        for GainPoint { share, gain, lift } in &self.gain {
            let cells = [(share, 1), (gain, 4), (lift, 4)];
            table.push(cells.map(|(value, decimals)| format!("{value:.decimals$}")));
        }
        table
    }
}

/// The metrics that are printed for parts of the cases.
const OF_SEGMENTS: [ClassificationMetric; 3] = [
    ClassificationMetric::RocAuc,
    ClassificationMetric::LogLoss,
    ClassificationMetric::ExpectedCalibrationError,
];

fn segment_table(name: &str, groups: &BTreeMap<String, ClassificationSegment>) -> TextTable {
    let mut table = TextTable::new([name, "rows", "positives"].map(str::to_owned));
    table.extend_header(OF_SEGMENTS.map(|metric| metric.title().to_owned()));
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by(|(left, _), (right, _)| natural_order(left, right));
    for (group, found) in groups {
        let cells = OF_SEGMENTS.map(|metric| {
            let value = found.metrics.get(metric.name());
            value.map_or_else(String::new, |value| format!("{value:.4}"))
        });
        let counts = [found.n_rows, found.n_positives].map(|n| n.to_string());
        let row = std::iter::once(group.clone()).chain(counts);
        table.push(row.chain(cells));
    }
    table
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_rows, n_positives) = (self.n_rows, self.n_positives);
        writeln!(f, "{}: {n_rows} rows, {n_positives} positives", self.model)?;
        if let Some(groups) = &self.groups {
            let (n, n_left_out) = (groups.n_groups, groups.n_groups_left_out);
            writeln!(
                f,
                "groups: {n}, of one class and not in group AUC: {n_left_out}"
            )?;
        }
        write!(f, "\n{}", self.metrics_table())?;
        write!(f, "\n\n{}", self.reliability_table())?;
        write!(f, "\n\n{}", self.gain_table())?;
        for (name, groups) in &self.segments {
            write!(f, "\n\n{}", segment_table(name, groups))?;
        }
        write!(f, "\n\n{}", self.protocol)
    }
}
