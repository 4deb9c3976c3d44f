//! What an evaluation of lists found.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ExposureMeasure, ListMeasure};
use crate::evaluation::case_table::CaseTable;
use crate::evaluation::paired::{ByCase, mean_differences};
use crate::evaluation::ranking::SegmentReport;
use crate::evaluation::ranking::tables::{cutoff_table, segment_table};
use crate::evaluation::{
    Estimate, EvaluationError, PairedTest, Protocol, SignificanceSettings, estimate_mean,
    paired_test,
};

/// What an evaluation of lists found: means with intervals, measures of all lists together, groups, and the protocol.
///
/// Serialises without the values by case. Prints as aligned tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListReport {
    /// Name of the scorer.
    pub model: String,
    /// Number of cases.
    pub n_users: usize,
    /// Number of lists with fewer items than the largest cutoff, because no more were left.
    pub n_short_lists: usize,
    /// Each measure of a list, by its name such as `novelty_at_10`.
    pub measures: BTreeMap<String, Estimate>,
    /// Each measure of all lists together, by its name such as `coverage_at_10`.
    pub exposure: BTreeMap<String, f64>,
    /// Means by group: the name of the grouping, then the group.
    pub segments: BTreeMap<String, BTreeMap<String, SegmentReport>>,
    /// What was measured, and how.
    pub protocol: Protocol,
    #[serde(skip)]
    pub(super) by_case: CaseTable,
}

impl ListReport {
    /// The mean of a measure and its interval; `None` for a cutoff that was not asked for, or for diversity without content.
    pub fn estimate(&self, measure: ListMeasure, k: usize) -> Option<Estimate> {
        self.measures.get(&measure.name_at(k)).copied()
    }

    /// The mean of a measure; `None` as for [`Self::estimate`].
    pub fn mean(&self, measure: ListMeasure, k: usize) -> Option<f64> {
        self.estimate(measure, k).map(|estimate| estimate.mean)
    }

    /// A measure of all lists together; `None` for a cutoff that was not asked for, or for personalisation of one user.
    pub fn exposure(&self, measure: ExposureMeasure, k: usize) -> Option<f64> {
        self.exposure.get(&measure.name_at(k)).copied()
    }

    /// The values of a measure, one a case in the order of the cases.
    ///
    /// # Errors
    /// [`EvaluationError::NoCaseValues`] for a measure that was not taken, or a report that was read from a file.
    pub fn values_by_case(
        &self,
        measure: ListMeasure,
        k: usize,
    ) -> Result<Vec<f64>, EvaluationError> {
        self.column(&measure.name_at(k))
    }

    /// How much higher a measure is than in `other`, case by case: the mean difference with its interval.
    ///
    /// # Errors
    /// [`EvaluationError::ProtocolsDiffer`], [`EvaluationError::NoCaseValues`].
    pub fn difference_from(
        &self,
        other: &Self,
        measure: ListMeasure,
        k: usize,
    ) -> Result<Estimate, EvaluationError> {
        let differences = mean_differences(&[self], &[other], &measure.name_at(k))?;
        estimate_mean(&differences, self.protocol.interval.as_ref())
    }

    /// Whether a measure differs from that in `other` by more than chance: see [`paired_test`].
    ///
    /// # Errors
    /// [`EvaluationError::ProtocolsDiffer`], [`EvaluationError::NoCaseValues`], [`EvaluationError::NoResamples`].
    pub fn significance_over(
        &self,
        other: &Self,
        measure: ListMeasure,
        k: usize,
        settings: &SignificanceSettings,
    ) -> Result<PairedTest, EvaluationError> {
        let differences = mean_differences(&[self], &[other], &measure.name_at(k))?;
        paired_test(&differences, settings, self.protocol.interval.as_ref())
    }
}

impl ByCase for ListReport {
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

impl fmt::Display for ListReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: lists of {} users", self.model, self.n_users)?;
        if self.n_short_lists > 0 {
            let (n, cutoffs) = (self.n_short_lists, self.protocol.cutoffs());
            let longest = cutoffs.last().copied().unwrap_or(0);
            writeln!(f, "lists of fewer than {longest}, all that was left: {n}")?;
        }
        let cutoffs = self.protocol.cutoffs();
        let measures = ListMeasure::ALL.map(|measure| (measure.title(), measure));
        // A measure that was not taken has no row.
        let taken = measures.into_iter().filter(|(_, measure)| {
            let mut names = cutoffs.iter().map(|&k| measure.name_at(k));
            names.any(|name| self.measures.contains_key(&name))
        });
        let table = cutoff_table("mean of lists", cutoffs, taken, |measure, k| {
            Some(self.estimate(measure, k)?.to_string())
        });
        write!(f, "\n{table}")?;
        let measures = ExposureMeasure::ALL.map(|measure| (measure.title(), measure));
        let table = cutoff_table("all lists", cutoffs, measures, |measure, k| {
            Some(format!("{:.4}", self.exposure(measure, k)?))
        });
        write!(f, "\n\n{table}")?;
        let k = self.protocol.segment_cutoff();
        let columns = ListMeasure::ALL.map(|measure| (measure.title(), measure.name_at(k)));
        for (name, groups) in &self.segments {
            write!(f, "\n\n{}", segment_table(name, k, groups, &columns))?;
        }
        write!(f, "\n\n{}", self.protocol)
    }
}
