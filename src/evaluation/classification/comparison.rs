//! Models beside each other.

use std::fmt;

use super::{ClassificationMetric, ClassificationReport};
use crate::evaluation::EvaluationError;
use crate::evaluation::text_table::TextTable;

/// Reports that were measured alike. Prints a table with a row a model, then the protocol.
#[derive(Clone, Debug)]
pub struct ClassificationComparison<'a> {
    reports: Vec<&'a ClassificationReport>,
}

/// Puts reports beside each other, in the order given.
///
/// # Errors
/// [`EvaluationError::NoReports`]; [`EvaluationError::ProtocolsDiffer`] if one was measured unlike the first.
pub fn compare_classifications<'a>(
    reports: impl IntoIterator<Item = &'a ClassificationReport>,
) -> Result<ClassificationComparison<'a>, EvaluationError> {
    let reports: Vec<&ClassificationReport> = reports.into_iter().collect();
    let (first, others) = reports.split_first().ok_or(EvaluationError::NoReports)?;
    for other in others {
        first.protocol.same_as(&other.protocol)?;
    }
    Ok(ClassificationComparison { reports })
}

impl<'a> ClassificationComparison<'a> {
    /// The reports, in the order given.
    pub fn reports(&self) -> &[&'a ClassificationReport] {
        &self.reports
    }
}

/// The metrics of the printed table; the others are in the reports.
const PRINTED: [ClassificationMetric; 7] = [
    ClassificationMetric::RocAuc,
    ClassificationMetric::GroupAuc,
    ClassificationMetric::AveragePrecision,
    ClassificationMetric::LogLoss,
    ClassificationMetric::NormalisedEntropy,
    ClassificationMetric::BrierScore,
    ClassificationMetric::ExpectedCalibrationError,
];

impl fmt::Display for ClassificationComparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = TextTable::new(["model".to_owned()]);
        table.extend_header(PRINTED.map(|metric| metric.title().to_owned()));
        for report in &self.reports {
            let cells = PRINTED.map(|metric| {
                let value = report.value(metric);
                value.map_or_else(String::new, |value| format!("{value:.4}"))
            });
            table.push(std::iter::once(report.model.clone()).chain(cells));
        }
        // There is at least one report, and all have the protocol of the first.
        write!(f, "{table}\n\n{}", self.reports[0].protocol)
    }
}
