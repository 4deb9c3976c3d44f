//! What a network says of stored rows.

use crate::Error;
use crate::evaluation::EvaluationError;
use crate::evaluation::calibration::Calibrator;
use crate::evaluation::classification::ClassificationCases;
use crate::features::tabular::{EncodedRows, RowStore};
use crate::random::Mode;
use crate::tasks::TaskError;
use crate::tasks::tabular::TabularNetwork;

/// Rows that are scored at once.
pub(super) const ROWS_AT_ONCE: usize = 8_192;

/// Logits of rows beside what is known of them.
#[derive(Debug, Default)]
pub(super) struct Scored {
    pub(super) n_labels: usize,
    /// `[n_rows, n_labels]`, row by row.
    pub(super) logits: Vec<f32>,
    /// `[n_rows, n_labels]`, row by row.
    pub(super) labels: Vec<f32>,
    pub(super) weights: Vec<f32>,
    pub(super) groups: Vec<u64>,
}

/// Scores all rows of a store.
pub(super) fn logits(network: &TabularNetwork, rows: &RowStore) -> Result<Scored, Error> {
    let mut scored = Scored::default();
    for start in (0..rows.n_rows()).step_by(ROWS_AT_ONCE) {
        let end = rows.n_rows().min(start + ROWS_AT_ONCE);
        let rows = rows.range(start..end).map_err(Error::RowStore)?;
        scored.logits.extend(logits_of(network, &rows, start)?);
        scored.labels.extend(&rows.labels);
        scored.weights.extend(&rows.weights);
        scored.groups.extend(&rows.groups);
        scored.n_labels = network.n_labels();
    }
    Ok(scored)
}

/// Logits of rows, `[n_rows, n_labels]`, row by row; `first` is the place of the first among all that were asked for.
pub(super) fn logits_of(
    network: &TabularNetwork,
    rows: &EncodedRows,
    first: usize,
) -> Result<Vec<f32>, Error> {
    let logits = network.forward(rows, Mode::Inference).into_data();
    let unreadable = |reason| TaskError::Unreadable { reason };
    let logits = logits
        .try_into_vec::<f32>()
        .map_err(|source| unreadable(format!("{source:?}")))?;
    match logits.iter().position(|logit| !logit.is_finite()) {
        None => Ok(logits),
        Some(place) => Err(TaskError::NonFiniteLogit {
            row: first + place / network.n_labels(),
            value: logits[place],
        }
        .into()),
    }
}

impl Scored {
    /// The column of one label.
    pub(super) fn column<'a>(
        &self,
        values: &'a [f32],
        label: usize,
    ) -> impl Iterator<Item = f64> + 'a {
        let columns = values.iter().skip(label).step_by(self.n_labels.max(1));
        columns.map(|&value| f64::from(value))
    }
}

/// The probabilities of one label beside the truth.
pub(super) fn cases(
    scored: &Scored,
    label: usize,
    shift: f64,
    calibrator: &Calibrator,
) -> Result<ClassificationCases, EvaluationError> {
    let probabilities = scored
        .column(&scored.logits, label)
        .map(|logit| calibrator.probability(logit + shift));
    let labels = scored
        .column(&scored.labels, label)
        .map(|label| label > 0.5);
    let mut cases = ClassificationCases::new(probabilities.collect(), labels.collect())?;
    if !scored.weights.is_empty() {
        cases = cases.with_weights(scored.weights.iter().map(|&w| f64::from(w)).collect())?;
    }
    if !scored.groups.is_empty() {
        cases = cases.with_groups(scored.groups.clone())?;
    }
    Ok(cases)
}
