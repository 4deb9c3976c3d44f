//! Segments told by the columns of a table.

use rayon::prelude::*;

use super::columns::{NamedColumn, columns};
use super::error::SegmentError;
use super::report::{SegmentReport, SegmentSummary, name};
use super::traits::traits;
use crate::evaluation::classification::wilson_interval;
use crate::tasks::churn::ChurnData;

/// Chance that the interval of a churn rate holds it.
const LEVEL: f64 = 0.95;

/// What sets the customers of each segment apart from all others, and how many of them leave.
///
/// A column of numbers is compared by Cohen's d, the difference of the means in pooled standard deviations; one of categories by
/// the value that the segment has more often by the largest Cohen's h, the difference of `2 asin(sqrt(share))`. The two are on one
/// scale, and the highest five are given. The value of the greatest lift would be a rare one. A missing value is a value. Named
/// are effects of [`LEAST_EFFECT`](super::LEAST_EFFECT) and three standard errors at least, `sqrt(1 / n + 1 / n of others)`, and of
/// [`LEAST_ROWS`](super::LEAST_ROWS) customers. A column that says what a stronger one says, with a correlation of 0.95 or more, is
/// listed beside that one. Histories and times are not looked at.
///
/// # Shapes
/// - `segments`: `[n_rows]`, the segment of each row, as [`Segmentation::assign`](super::Segmentation::assign) gives it
/// - `probabilities`: `[n_rows]`
///
/// # Edge cases
/// A segment without rows is not in the report.
///
/// # Errors
/// [`SegmentError::RowsDiffer`], [`SegmentError::NoRows`], [`SegmentError::NotAProbability`].
///
/// # Source
/// Cohen 1988, "Statistical power analysis for the behavioral sciences", sections 2.2 and 6.2. Differences: none.
pub fn describe(
    segments: &[usize],
    data: &ChurnData,
    probabilities: Option<&[f64]>,
) -> Result<SegmentReport, SegmentError> {
    same_rows("segments", segments.len(), data)?;
    if segments.is_empty() {
        return Err(SegmentError::NoRows);
    }
    if let Some(probabilities) = probabilities {
        same_rows("probabilities", probabilities.len(), data)?;
        check(probabilities)?;
    }
    let columns = columns(data);
    let mut present = segments.to_vec();
    present.sort_unstable();
    present.dedup();
    let described = present.into_par_iter().map(|segment| {
        let is_inside: Vec<bool> = segments.iter().map(|&other| other == segment).collect();
        summary(segment, &is_inside, &columns, data.labels(), probabilities)
    });
    Ok(SegmentReport {
        n_rows: segments.len(),
        churn_rate: share(data.labels().iter().map(|&label| label > 0.5)),
        segments: described.collect(),
    })
}

fn summary(
    segment: usize,
    is_inside: &[bool],
    columns: &[NamedColumn<'_>],
    labels: &[f32],
    probabilities: Option<&[f64]>,
) -> SegmentSummary {
    let rows: Vec<usize> = (0..is_inside.len()).filter(|&row| is_inside[row]).collect();
    let churn_rate = share(rows.iter().map(|&row| labels[row] > 0.5));
    let n_rows = rows.len() as f64;
    let mean = |all: &[f64]| rows.iter().map(|&row| all[row]).sum::<f64>() / n_rows;
    let traits = traits(columns, is_inside);
    SegmentSummary {
        segment,
        name: name(&traits),
        n_rows: rows.len(),
        share: n_rows / is_inside.len() as f64,
        churn_rate,
        churn_interval: wilson_interval(churn_rate, n_rows, LEVEL),
        mean_probability: probabilities.map(mean),
        traits,
    }
}

fn share(yes: impl ExactSizeIterator<Item = bool>) -> f64 {
    let n = yes.len() as f64;
    yes.filter(|yes| *yes).count() as f64 / n
}

fn same_rows(what: &'static str, found: usize, data: &ChurnData) -> Result<(), SegmentError> {
    match data.n_rows() {
        n_rows if n_rows == found => Ok(()),
        n_rows => Err(SegmentError::RowsDiffer {
            what,
            found,
            n_rows,
        }),
    }
}

fn check(probabilities: &[f64]) -> Result<(), SegmentError> {
    let wrong = |value: &f64| !(0.0..=1.0).contains(value);
    match probabilities.iter().position(wrong) {
        None => Ok(()),
        Some(row) => Err(SegmentError::NotAProbability {
            row,
            value: probabilities[row],
        }),
    }
}
