//! Two models on the same cases.

use super::case_table::CaseTable;
use super::{EvaluationError, Protocol};

/// A report that knows its values by case.
pub(super) trait ByCase {
    fn model(&self) -> &str;

    fn protocol(&self) -> &Protocol;

    fn by_case(&self) -> &CaseTable;

    /// The values of a metric, one a case.
    ///
    /// # Errors
    /// [`EvaluationError::NoCaseValues`].
    fn column(&self, name: &str) -> Result<Vec<f64>, EvaluationError> {
        let values = self.by_case().column(name);
        values.ok_or_else(|| EvaluationError::NoCaseValues {
            model: self.model().to_owned(),
            metric: name.to_owned(),
        })
    }
}

/// The mean over `ours` of a metric less that over `theirs`, case by case.
///
/// # Errors
/// [`EvaluationError::NoReports`] if either side is empty, [`EvaluationError::ProtocolsDiffer`],
/// [`EvaluationError::NoCaseValues`].
pub(super) fn mean_differences<R: ByCase>(
    ours: &[&R],
    theirs: &[&R],
    name: &str,
) -> Result<Vec<f64>, EvaluationError> {
    let first = ours.first().ok_or(EvaluationError::NoReports)?;
    for other in ours.iter().chain(theirs) {
        first.protocol().same_as(other.protocol())?;
    }
    let (ours, theirs) = (mean_column(ours, name)?, mean_column(theirs, name)?);
    Ok(ours.iter().zip(&theirs).map(|(a, b)| a - b).collect())
}

fn mean_column<R: ByCase>(reports: &[&R], name: &str) -> Result<Vec<f64>, EvaluationError> {
    let columns = reports.iter().map(|report| report.column(name));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let first = columns.first().ok_or(EvaluationError::NoReports)?;
    let mean = |case: usize| {
        let mut values: Vec<f64> = columns.iter().map(|column| column[case]).collect();
        // In ascending order, so that the same values give the same mean whichever report has which.
        values.sort_unstable_by(f64::total_cmp);
        values.iter().sum::<f64>() / values.len() as f64
    };
    Ok((0..first.len()).map(mean).collect())
}
