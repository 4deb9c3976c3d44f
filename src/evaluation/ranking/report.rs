//! What an evaluation found.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{RankingMetric, RankingProtocol};
use crate::evaluation::case_table::CaseTable;
use crate::evaluation::text_table::{TextTable, natural_order};
use crate::evaluation::{Estimate, EvaluationError, Measurement, Protocol, estimate_mean};

/// What an evaluation found: means with intervals, by segment, and the protocol.
///
/// Serialises without the values by case. Prints as an aligned table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankingReport {
    /// Name of the scorer.
    pub model: String,
    /// Number of cases.
    pub n_users: usize,
    /// Number of targets outside the catalogue, each a miss.
    pub n_unknown_targets: usize,
    /// Number of targets in the catalogue but outside the candidates, each a miss.
    pub n_targets_outside_candidates: usize,
    /// Each metric, by its name such as `ndcg_at_10`.
    pub metrics: BTreeMap<String, Estimate>,
    /// Means by group: the name of the grouping, then the group.
    pub segments: BTreeMap<String, BTreeMap<String, SegmentReport>>,
    /// What was measured, and how.
    pub protocol: Protocol,
    #[serde(skip)]
    pub(super) by_case: CaseTable,
}

/// What an evaluation found for a group of cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// Number of cases.
    pub n_users: usize,
    /// The mean of each metric, by its name.
    pub metrics: BTreeMap<String, f64>,
}

impl RankingReport {
    /// The mean of a metric and its interval; `None` for a cutoff that was not asked for.
    pub fn estimate(&self, metric: RankingMetric, k: usize) -> Option<Estimate> {
        self.metrics.get(&metric.name_at(k)).copied()
    }

    /// The mean of a metric; `None` for a cutoff that was not asked for.
    pub fn mean(&self, metric: RankingMetric, k: usize) -> Option<f64> {
        self.estimate(metric, k).map(|estimate| estimate.mean)
    }

    /// The mean of each metric, by its name.
    pub fn means(&self) -> BTreeMap<String, f64> {
        let means = self.metrics.iter();
        means
            .map(|(name, estimate)| (name.clone(), estimate.mean))
            .collect()
    }

    /// The values of a metric, one a case in the order of the cases, for tests on pairs.
    ///
    /// # Errors
    /// [`EvaluationError::NoCaseValues`] for a cutoff that was not asked for, or a report that was read from a file.
    pub fn values_by_case(
        &self,
        metric: RankingMetric,
        k: usize,
    ) -> Result<Vec<f64>, EvaluationError> {
        let name = metric.name_at(k);
        let values = self.by_case.column(&name);
        values.ok_or_else(|| EvaluationError::NoCaseValues {
            model: self.model.clone(),
            metric: name,
        })
    }

    /// How much better this model is than `other`, case by case: the mean difference with its interval, which is
    /// narrower than those of the two means because it compares a case with itself.
    ///
    /// # Errors
    /// [`EvaluationError::ProtocolsDiffer`], [`EvaluationError::NoCaseValues`].
    pub fn improvement_over(
        &self,
        other: &Self,
        metric: RankingMetric,
        k: usize,
    ) -> Result<Estimate, EvaluationError> {
        self.protocol.same_as(&other.protocol)?;
        let ours = self.values_by_case(metric, k)?;
        let theirs = other.values_by_case(metric, k)?;
        let differences: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
        estimate_mean(&differences, self.protocol.interval.as_ref())
    }

    /// The cutoffs, ascending.
    pub(super) fn cutoffs(&self) -> &[usize] {
        let Measurement::Ranking(RankingProtocol { cutoffs, .. }) = &self.protocol.measurement;
        cutoffs
    }

    fn metrics_table(&self) -> TextTable {
        let mut table = TextTable::new(["metric".to_owned()]);
        table.extend_header(self.cutoffs().iter().map(|k| format!("at {k}")));
        for metric in RankingMetric::ALL {
            let cells = self.cutoffs().iter().map(|&k| {
                let estimate = self.estimate(metric, k);
                estimate.map_or_else(String::new, |estimate| estimate.to_string())
            });
            table.push(std::iter::once(metric.title().to_owned()).chain(cells));
        }
        table
    }

    fn segment_table(&self, name: &str, groups: &BTreeMap<String, SegmentReport>) -> TextTable {
        let k = self.segment_cutoff();
        let mut table = TextTable::new([format!("{name}, at {k}"), "users".to_owned()]);
        let metrics = RankingMetric::ALL;
        table.extend_header(metrics.iter().map(|metric| metric.title().to_owned()));
        let mut groups: Vec<_> = groups.iter().collect();
        groups.sort_by(|(left, _), (right, _)| natural_order(left, right));
        for (group, report) in groups {
            let cells = metrics.iter().map(|metric| {
                let mean = report.metrics.get(&metric.name_at(k));
                mean.map_or_else(String::new, |mean| format!("{mean:.4}"))
            });
            table.push(
                [group.clone(), report.n_users.to_string()]
                    .into_iter()
                    .chain(cells),
            );
        }
        table
    }

    /// The cutoff that the printed groups show: 10 where it is there, as in most papers, else the first.
    fn segment_cutoff(&self) -> usize {
        let cutoffs = self.cutoffs();
        let usual = cutoffs.iter().copied().find(|&k| k == 10);
        usual.or(cutoffs.first().copied()).unwrap_or(10)
    }
}

impl fmt::Display for RankingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} users", self.model, self.n_users)?;
        if self.n_unknown_targets > 0 {
            let n = self.n_unknown_targets;
            writeln!(f, "targets outside the catalogue, each a miss: {n}")?;
        }
        if self.n_targets_outside_candidates > 0 {
            let n = self.n_targets_outside_candidates;
            writeln!(f, "targets outside the allow-list, each a miss: {n}")?;
        }
        write!(f, "\n{}", self.metrics_table())?;
        for (name, groups) in &self.segments {
            write!(f, "\n\n{}", self.segment_table(name, groups))?;
        }
        write!(f, "\n\n{}", self.protocol)
    }
}
