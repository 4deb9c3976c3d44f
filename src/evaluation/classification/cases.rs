//! Probabilities beside labels.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::evaluation::EvaluationError;

/// Predicted probabilities beside the truth, one row each; cheap to clone.
///
/// ```
/// use salient::evaluation::EvaluationError;
/// use salient::evaluation::classification::ClassificationCases;
///
/// let cases = ClassificationCases::new(vec![0.1, 0.7], vec![false, true])?
///     .with_weights(vec![1.0, 2.5])?
///     .with_groups(vec![17, 17])?
///     .with_segment("country", &["no", "se"])?;
/// assert_eq!(cases.n_rows(), 2);
/// let error = ClassificationCases::new(vec![0.1, 1.5], vec![false, true]).unwrap_err();
/// assert_eq!(error.to_string(), "probability of row 1 is 1.5; it must be between 0 and 1");
/// # Ok::<(), EvaluationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationCases {
    probabilities: Arc<[f64]>,
    labels: Arc<[bool]>,
    weights: Option<Arc<[f64]>>,
    groups: Option<Arc<[u64]>>,
    pub(super) segments: Vec<SegmentColumn>,
}

/// A grouping of the rows to report apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SegmentColumn {
    pub(super) name: String,
    /// The different values.
    pub(super) values: Vec<String>,
    /// Which of them each row has.
    pub(super) value_of: Arc<[usize]>,
}

impl ClassificationCases {
    /// Rows of equal weight.
    ///
    /// # Errors
    /// [`EvaluationError::NoCases`]; [`EvaluationError::RowCount`] unless there is a label for each probability;
    /// [`EvaluationError::RowOutOfRange`] for a probability that is not a number in `[0, 1]`.
    pub fn new(probabilities: Vec<f64>, labels: Vec<bool>) -> Result<Self, EvaluationError> {
        if probabilities.is_empty() {
            return Err(EvaluationError::NoCases);
        }
        check_probabilities(&probabilities)?;
        check_length("labels", labels.len(), probabilities.len())?;
        Ok(Self {
            probabilities: probabilities.into(),
            labels: labels.into(),
            weights: None,
            groups: None,
            segments: Vec::new(),
        })
    }

    /// The same rows, counted by these weights: a row of weight 2 counts as two equal rows, one of weight 0 not at all.
    ///
    /// # Errors
    /// [`EvaluationError::RowCount`]; [`EvaluationError::RowOutOfRange`] for a weight that is neither 0 nor in
    /// `[1e-100, 1e100]`; [`EvaluationError::NoWeight`] if all are 0.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self, EvaluationError> {
        check_weights(&weights, self.n_rows())?;
        self.weights = Some(weights.into());
        Ok(self)
    }

    /// The same rows, with the group that each belongs to, such as a user: for [`group_auc`](super::group_auc), and so that
    /// intervals draw whole groups.
    ///
    /// # Errors
    /// [`EvaluationError::RowCount`].
    pub fn with_groups(mut self, groups: Vec<u64>) -> Result<Self, EvaluationError> {
        check_length("groups", groups.len(), self.n_rows())?;
        self.groups = Some(groups.into());
        Ok(self)
    }

    /// The same rows, to be reported by one more grouping, such as `country`. A grouping of the same name is replaced.
    ///
    /// # Errors
    /// [`EvaluationError::LabelsMismatch`].
    pub fn with_segment(
        mut self,
        name: &str,
        values: &[impl AsRef<str>],
    ) -> Result<Self, EvaluationError> {
        if values.len() != self.n_rows() {
            return Err(EvaluationError::LabelsMismatch {
                segment: name.to_owned(),
                n_labels: values.len(),
                n_cases: self.n_rows(),
            });
        }
        let (value_of, values) = numbered(values.iter().map(AsRef::as_ref));
        self.segments.retain(|segment| segment.name != name);
        self.segments.push(SegmentColumn {
            name: name.to_owned(),
            values: values.into_iter().map(str::to_owned).collect(),
            value_of: value_of.into(),
        });
        Ok(self)
    }

    /// The same rows as another model sees them.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_probabilities(&self, probabilities: Vec<f64>) -> Result<Self, EvaluationError> {
        check_length("probabilities", probabilities.len(), self.n_rows())?;
        check_probabilities(&probabilities)?;
        Ok(Self {
            probabilities: probabilities.into(),
            ..self.clone()
        })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.probabilities.len()
    }

    /// Number of rows whose label is true.
    pub fn n_positives(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// The predicted probability of each row.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The label of each row.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// The group of each row, if known.
    pub fn groups(&self) -> Option<&[u64]> {
        self.groups.as_deref()
    }

    /// The weight of each row; without weights all have 1.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The weight of a row.
    pub(in crate::evaluation) fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// Some of the rows, without groupings.
    pub(super) fn subset(&self, rows: &[usize]) -> Self {
        Self {
            probabilities: rows.iter().map(|&row| self.probabilities[row]).collect(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            weights: (self.weights.as_ref())
                .map(|weights| rows.iter().map(|&row| weights[row]).collect()),
            groups: (self.groups.as_ref())
                .map(|groups| rows.iter().map(|&row| groups[row]).collect()),
            segments: Vec::new(),
        }
    }

    /// The error of a metric that needs both classes, where one has no weight.
    pub(in crate::evaluation) fn single_class(&self, metric: &'static str) -> EvaluationError {
        let counted = (0..self.n_rows()).filter(|&row| self.weight(row) > 0.0);
        EvaluationError::SingleClass {
            metric,
            n_rows: counted.clone().count(),
            n_positives: counted.filter(|&row| self.labels[row]).count(),
        }
    }

    /// SHA-256 of labels, weights and groups in their order: of what a model is judged by, not of what it says.
    pub(in crate::evaluation) fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for row in 0..self.n_rows() {
            digest.update([u8::from(self.labels[row])]);
            digest.update(self.weight(row).to_le_bytes());
            if let Some(groups) = &self.groups {
                digest.update(groups[row].to_le_bytes());
            }
        }
        let bytes = digest.finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The number of each value, in order of first appearance, and the different values.
pub(super) fn numbered<T: Copy + Eq + std::hash::Hash>(
    values: impl Iterator<Item = T>,
) -> (Vec<usize>, Vec<T>) {
    let mut known = HashMap::new();
    let mut distinct = Vec::new();
    let numbers = values.map(|value| {
        *known.entry(value).or_insert_with(|| {
            distinct.push(value);
            distinct.len() - 1
        })
    });
    (numbers.collect(), distinct)
}

/// That all are numbers in `[0, 1]`.
pub(in crate::evaluation) fn check_probabilities(
    probabilities: &[f64],
) -> Result<(), EvaluationError> {
    let wrong = |value: &f64| !(0.0..=1.0).contains(value);
    match probabilities.iter().position(wrong) {
        Some(row) => Err(EvaluationError::RowOutOfRange {
            column: "probability",
            row,
            value: probabilities[row],
            rule: "between 0 and 1",
        }),
        None => Ok(()),
    }
}

/// That there is a weight for each row, of a size whose products with others are numbers still, and one above 0.
pub(in crate::evaluation) fn check_weights(
    weights: &[f64],
    n_rows: usize,
) -> Result<(), EvaluationError> {
    check_length("weights", weights.len(), n_rows)?;
    let wrong = |value: &f64| !(*value == 0.0 || (1e-100..=1e100).contains(value));
    if let Some(row) = weights.iter().position(wrong) {
        return Err(EvaluationError::RowOutOfRange {
            column: "weight",
            row,
            value: weights[row],
            rule: "0, or between 1e-100 and 1e100",
        });
    }
    match weights.iter().any(|&weight| weight > 0.0) {
        true => Ok(()),
        false => Err(EvaluationError::NoWeight { n_rows }),
    }
}

/// That a column has an entry for each row.
pub(in crate::evaluation) fn check_length(
    column: &str,
    found: usize,
    expected: usize,
) -> Result<(), EvaluationError> {
    match found == expected {
        true => Ok(()),
        false => Err(EvaluationError::RowCount {
            column: column.to_owned(),
            found,
            expected,
        }),
    }
}
