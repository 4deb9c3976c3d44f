//! Models beside each other.

use std::fmt;

use super::{RankingMetric, RankingReport};
use crate::evaluation::EvaluationError;
use crate::evaluation::text_table::TextTable;

/// Reports that were measured alike. Prints one table a cutoff, then the protocol.
#[derive(Clone, Debug)]
pub struct RankingComparison<'a> {
    reports: Vec<&'a RankingReport>,
}

/// Puts reports beside each other, in the order given.
///
/// # Errors
/// [`EvaluationError::NoReports`]; [`EvaluationError::ProtocolsDiffer`] if one was measured unlike the first.
pub fn compare<'a>(
    reports: impl IntoIterator<Item = &'a RankingReport>,
) -> Result<RankingComparison<'a>, EvaluationError> {
    let reports: Vec<&RankingReport> = reports.into_iter().collect();
    let (first, others) = reports.split_first().ok_or(EvaluationError::NoReports)?;
    for other in others {
        first.protocol.same_as(&other.protocol)?;
    }
    Ok(RankingComparison { reports })
}

impl<'a> RankingComparison<'a> {
    /// The reports, in the order given.
    pub fn reports(&self) -> &[&'a RankingReport] {
        &self.reports
    }

    /// The report with the highest mean of a metric, the first of equals; `None` for a cutoff that was not asked for.
    pub fn best(&self, metric: RankingMetric, k: usize) -> Option<&'a RankingReport> {
        let scored = self
            .reports
            .iter()
            .filter_map(|&report| Some((report, report.mean(metric, k)?)));
        let best = scored.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(report, _)| report)
    }
}

impl fmt::Display for RankingComparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There is at least one report, and all have the cutoffs and the protocol of the first.
        let first = self.reports[0];
        for &k in first.protocol.cutoffs() {
            let mut table = TextTable::new([format!("at {k}")]);
            table.extend_header(RankingMetric::ALL.map(|metric| metric.title().to_owned()));
            for report in &self.reports {
                let cells = RankingMetric::ALL.map(|metric| {
                    let mean = report.mean(metric, k);
                    mean.map_or_else(String::new, |mean| format!("{mean:.4}"))
                });
                table.push(std::iter::once(report.model.clone()).chain(cells));
            }
            write!(f, "{table}\n\n")?;
        }
        write!(f, "{}", first.protocol)
    }
}
