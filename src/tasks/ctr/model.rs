//! A trained model that answers.

use super::config::CtrConfig;
use super::score::{ROWS_AT_ONCE, cases, logits, logits_of};
use crate::Error;
use crate::data::{AbsentColumns, Record};
use crate::evaluation::calibration::Calibrator;
use crate::evaluation::classification::{
    ClassificationCases, ClassificationReport, ClassificationSettings, evaluate_classification,
};
use crate::features::tabular::{EncodedRows, RowStore, TabularSchema};
use crate::tasks::tabular::TabularNetwork;

/// A trained model with all that it needs to answer: how columns become numbers, the network, and how its logits become
/// probabilities.
#[derive(Clone, Debug)]
pub struct CtrModel {
    pub(super) config: CtrConfig,
    pub(super) schema: TabularSchema,
    pub(super) network: TabularNetwork,
    /// What restores the share of positives after negatives were dropped in training, in log-odds.
    pub(super) prior_shift: f64,
    /// One a label.
    pub(super) calibrators: Vec<Calibrator>,
}

/// Probabilities of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Number of labels.
    pub n_labels: usize,
    /// `[n_rows, n_labels]`, row by row.
    pub probabilities: Vec<f64>,
}

impl Predictions {
    /// The probabilities of one label, a row each.
    ///
    /// # Panics
    /// If there is no such label.
    pub fn of_label(&self, label: usize) -> Vec<f64> {
        assert!(label < self.n_labels, "label {label} of {}", self.n_labels);
        let rows = self.probabilities.chunks_exact(self.n_labels);
        rows.map(|row| row[label]).collect()
    }
}

impl CtrModel {
    /// The settings that the model was trained with.
    pub fn config(&self) -> &CtrConfig {
        &self.config
    }

    /// How columns become the numbers that the model reads.
    pub fn schema(&self) -> &TabularSchema {
        &self.schema
    }

    /// The network.
    pub fn network(&self) -> &TabularNetwork {
        &self.network
    }

    /// How logits become probabilities, one a label.
    pub fn calibrators(&self) -> &[Calibrator] {
        &self.calibrators
    }

    /// The probability of each label of each row.
    ///
    /// # Errors
    /// [`Error::Task`] if the device gives no numbers, or one that is not finite.
    ///
    /// # Panics
    /// If the rows were encoded by another schema.
    pub fn predict(&self, rows: &EncodedRows) -> Result<Predictions, Error> {
        let mut probabilities = Vec::with_capacity(rows.n_rows * self.calibrators.len());
        for start in (0..rows.n_rows).step_by(ROWS_AT_ONCE) {
            let end = rows.n_rows.min(start + ROWS_AT_ONCE);
            let logits = if (start, end) == (0, rows.n_rows) {
                logits_of(&self.network, rows, 0)?
            } else {
                logits_of(&self.network, &rows.range(start..end), start)?
            };
            let calibrators = self.calibrators.iter().cycle();
            probabilities.extend(logits.iter().zip(calibrators).map(|(&logit, calibrator)| {
                calibrator.probability(f64::from(logit) + self.prior_shift)
            }));
        }
        Ok(Predictions {
            n_labels: self.calibrators.len(),
            probabilities,
        })
    }

    /// The probability of each label of each record, as a service asks for.
    ///
    /// # Errors
    /// [`Error::Data`] names the first record that breaks a rule, and its column; [`Error::Feature`]; as
    /// [`predict`](Self::predict).
    pub fn predict_records<'r>(
        &self,
        records: impl IntoIterator<Item = &'r Record>,
        absent: AbsentColumns,
    ) -> Result<Predictions, Error> {
        let rows = self.schema.encode_records(records, absent)?;
        self.predict(&rows)
    }

    /// What the model says of rows whose labels are known, one set of cases a label.
    ///
    /// # Errors
    /// [`Error::Evaluation`] for rows without a single case; as [`predict`](Self::predict).
    pub fn cases(&self, rows: &RowStore) -> Result<Vec<ClassificationCases>, Error> {
        let scored = logits(&self.network, rows)?;
        let labels = self.calibrators.iter().enumerate();
        let of_label = labels
            .map(|(label, calibrator)| Ok(cases(&scored, label, self.prior_shift, calibrator)?));
        of_label.collect()
    }

    /// How good the model is on rows whose labels are known: one report a label, in the order of the table's columns, under the
    /// name of the preset.
    ///
    /// # Errors
    /// [`Error::Evaluation`], as [`evaluate_classification`] gives it, such as for rows of one class; as
    /// [`predict`](Self::predict).
    pub fn evaluate(
        &self,
        rows: &RowStore,
        settings: &ClassificationSettings,
    ) -> Result<Vec<ClassificationReport>, Error> {
        let cases = self.cases(rows)?;
        let reports = cases
            .iter()
            .map(|cases| evaluate_classification(&self.config.preset, cases, settings));
        Ok(reports.collect::<Result<_, _>>()?)
    }
}
