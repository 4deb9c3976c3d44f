//! What an evaluation found.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::RankingMetric;
use super::tables::{cutoff_table, segment_table};
use crate::evaluation::case_table::CaseTable;
use crate::evaluation::paired::{ByCase, mean_differences};
use crate::evaluation::text_table::TextTable;
use crate::evaluation::{
    Estimate, EvaluationError, PairedTest, Protocol, SignificanceSettings, estimate_mean,
    paired_test,
};

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
        self.column(&metric.name_at(k))
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
        let differences = mean_differences(&[self], &[other], &metric.name_at(k))?;
        estimate_mean(&differences, self.protocol.interval.as_ref())
    }

    /// Whether this model is better or worse than `other` by more than chance, case by case: see [`paired_test`].
    ///
    /// ```
    /// # use salient::evaluation::ranking::{RankingCase, Scorer, ScorerError};
    /// use salient::evaluation::SignificanceSettings;
    /// use salient::evaluation::ranking::{RankingMetric, RankingSettings, evaluate_ranking};
    /// # struct Likes(u32);
    /// # impl Scorer for Likes {
    /// #     fn name(&self) -> &str { "likes" }
    /// #     fn n_items(&self) -> usize { 4 }
    /// #     fn score(&self, _: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
    /// #         let row = |(index, score): (usize, &mut f32)| *score = f32::from(index as u32 % 4 == self.0);
    /// #         scores.iter_mut().enumerate().for_each(row);
    /// #         Ok(())
    /// #     }
    /// # }
    ///
    /// let case = RankingCase { targets: vec![2], ..RankingCase::default() };
    /// let (cases, settings) = (vec![case; 20], RankingSettings { cutoffs: vec![1], ..RankingSettings::default() });
    /// let good = evaluate_ranking(&cases, &Likes(2), &settings)?;
    /// let bad = evaluate_ranking(&cases, &Likes(0), &settings)?;
    /// let test = good.significance_over(&bad, RankingMetric::Ndcg, 1, &SignificanceSettings::default())?;
    /// assert_eq!(test.difference.mean, 1.0);
    /// assert!(test.p_value < 0.001);
    /// # Ok::<(), salient::evaluation::EvaluationError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluationError::ProtocolsDiffer`], [`EvaluationError::NoCaseValues`], [`EvaluationError::NoResamples`].
    pub fn significance_over(
        &self,
        other: &Self,
        metric: RankingMetric,
        k: usize,
        settings: &SignificanceSettings,
    ) -> Result<PairedTest, EvaluationError> {
        significance_between(&[self], &[other], metric, k, settings)
    }

    fn metrics_table(&self) -> TextTable {
        let metrics = RankingMetric::ALL.map(|metric| (metric.title(), metric));
        cutoff_table("metric", self.protocol.cutoffs(), metrics, |metric, k| {
            Some(self.estimate(metric, k)?.to_string())
        })
    }

    fn segment_table(&self, name: &str, groups: &BTreeMap<String, SegmentReport>) -> TextTable {
        let k = self.protocol.segment_cutoff();
        let columns = RankingMetric::ALL.map(|metric| (metric.title(), metric.name_at(k)));
        segment_table(name, k, groups, &columns)
    }
}

/// Whether one model is better or worse than another by more than chance, with each trained on several seeds: the means over
/// the reports of each, case by case, by [`paired_test`].
///
/// The chance is that of the users. The p-value holds for the mean of these seeds, not for seeds to come.
///
/// # Errors
/// [`EvaluationError::NoReports`] if either side is empty, and those of [`RankingReport::significance_over`].
pub fn significance_between(
    ours: &[&RankingReport],
    theirs: &[&RankingReport],
    metric: RankingMetric,
    k: usize,
    settings: &SignificanceSettings,
) -> Result<PairedTest, EvaluationError> {
    let differences = mean_differences(ours, theirs, &metric.name_at(k))?;
    let interval = ours
        .first()
        .and_then(|report| report.protocol.interval.as_ref());
    paired_test(&differences, settings, interval)
}

impl ByCase for RankingReport {
    fn model(&self) -> &str {
        &self.model
    }

    fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    fn by_case(&self) -> &CaseTable {
        &self.by_case
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
