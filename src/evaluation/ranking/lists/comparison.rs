//! Lists of several models beside each other.

use std::fmt;

use super::{ExposureMeasure, ListMeasure, ListReport};
use crate::evaluation::EvaluationError;
use crate::evaluation::text_table::TextTable;

/// Reports on lists that were measured alike. Prints one table a cutoff, then the protocol.
#[derive(Clone, Debug)]
pub struct ListComparison<'a> {
    reports: Vec<&'a ListReport>,
}

/// Puts reports on lists beside each other, in the order given.
///
/// # Errors
/// [`EvaluationError::NoReports`]; [`EvaluationError::ProtocolsDiffer`] if one was measured unlike the first.
pub fn compare_lists<'a>(
    reports: impl IntoIterator<Item = &'a ListReport>,
) -> Result<ListComparison<'a>, EvaluationError> {
    let reports: Vec<&ListReport> = reports.into_iter().collect();
    let (first, others) = reports.split_first().ok_or(EvaluationError::NoReports)?;
    for other in others {
        first.protocol.same_as(&other.protocol)?;
    }
    Ok(ListComparison { reports })
}

impl<'a> ListComparison<'a> {
    /// The reports, in the order given.
    pub fn reports(&self) -> &[&'a ListReport] {
        &self.reports
    }
}

impl fmt::Display for ListComparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There is at least one report, and all have the protocol of the first.
        let first = self.reports[0];
        for &k in first.protocol.cutoffs() {
            let mut table = TextTable::new([format!("at {k}")]);
            table.extend_header(ListMeasure::ALL.map(|measure| measure.title().to_owned()));
            table.extend_header(ExposureMeasure::ALL.map(|measure| measure.title().to_owned()));
            for report in &self.reports {
                let means = ListMeasure::ALL.map(|measure| report.mean(measure, k));
                let shared = ExposureMeasure::ALL.map(|measure| report.exposure(measure, k));
                let cells = means.into_iter().chain(shared);
                let cells =
                    cells.map(|value| value.map_or_else(String::new, |v| format!("{v:.4}")));
                table.push(std::iter::once(report.model.clone()).chain(cells));
            }
            write!(f, "{table}\n\n")?;
        }
        write!(f, "{}", first.protocol)
    }
}
