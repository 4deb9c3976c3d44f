//! A trained model that answers.

use super::config::ChurnConfig;
use super::data::ChurnData;
use super::imbalance::Balance;
use super::member::{cases, logits};
use crate::Error;
use crate::data::{AbsentColumns, Record};
use crate::evaluation::calibration::Calibrator;
use crate::evaluation::classification::{
    ClassificationCases, ClassificationReport, ClassificationSettings, evaluate_classification,
};
use crate::features::tabular::{EncodedRows, TabularSchema};
use crate::tasks::tabular::TabularNetwork;

/// A trained model with all that it needs to answer: how columns become numbers, the networks, and how their mean logit
/// becomes a probability.
#[derive(Clone, Debug)]
pub struct ChurnModel {
    pub(super) config: ChurnConfig,
    pub(super) schema: TabularSchema,
    pub(super) networks: Vec<TabularNetwork>,
    /// How much each kind of network counts, 1 in all.
    pub(super) shares: Vec<f64>,
    pub(super) balance: Balance,
    pub(super) calibrator: Calibrator,
}

impl ChurnModel {
    /// The settings that the model was trained with.
    pub const fn config(&self) -> &ChurnConfig {
        &self.config
    }

    /// How columns become the numbers that the model reads.
    pub const fn schema(&self) -> &TabularSchema {
        &self.schema
    }

    /// The networks whose logits are averaged.
    pub fn networks(&self) -> &[TabularNetwork] {
        &self.networks
    }

    /// How the mean logit becomes a probability.
    pub const fn calibrator(&self) -> &Calibrator {
        &self.calibrator
    }

    /// The probability that each customer leaves.
    ///
    /// # Errors
    /// [`Error::Task`] if the device gives no numbers, or one that is not finite.
    ///
    /// # Panics
    /// If the rows were encoded by another schema.
    pub fn predict(&self, rows: &EncodedRows) -> Result<Vec<f64>, Error> {
        let n_parts = self.config.n_parts;
        let mut mixed = vec![0.0; rows.n_rows];
        for (networks, share) in self.networks.chunks(n_parts).zip(&self.shares) {
            for network in networks.iter().filter(|_| *share > 0.0) {
                for (sum, logit) in mixed.iter_mut().zip(logits(network, rows)?) {
                    *sum += share / n_parts as f64 * self.balance.restored(logit);
                }
            }
        }
        let probabilities = mixed.into_iter();
        let probabilities = probabilities.map(|logit| self.calibrator.probability(logit));
        Ok(probabilities.collect())
    }

    /// The probability that each customer of a table leaves, whether or not the table says who did.
    ///
    /// # Errors
    /// [`Error::Feature`] for a table with other columns; as [`predict`](Self::predict).
    pub fn predict_data(&self, data: &ChurnData) -> Result<Vec<f64>, Error> {
        self.predict(&self.schema.encode(&data.rows)?)
    }

    /// The probability that the customer of each record leaves, as a service asks for.
    ///
    /// # Errors
    /// [`Error::Data`] names the first record that breaks a rule, and its column; [`Error::Feature`]; as
    /// [`predict`](Self::predict).
    pub fn predict_records<'r>(
        &self,
        records: impl IntoIterator<Item = &'r Record>,
        absent: AbsentColumns,
    ) -> Result<Vec<f64>, Error> {
        self.predict(&self.schema.encode_records(records, absent)?)
    }

    /// What the model says of customers of whom it is known whether they left.
    ///
    /// # Errors
    /// [`Error::Evaluation`] for a table without rows; as [`predict_data`](Self::predict_data).
    pub fn cases(&self, data: &ChurnData) -> Result<ClassificationCases, Error> {
        let rows = self.schema.encode(&data.rows)?;
        Ok(cases(self.predict(&rows)?, &rows)?)
    }

    /// How good the model is on customers of whom it is known whether they left, under the name of the preset.
    ///
    /// # Errors
    /// [`Error::Evaluation`], as [`evaluate_classification`] gives it, such as for rows of one class; as
    /// [`cases`](Self::cases).
    pub fn evaluate(
        &self,
        data: &ChurnData,
        settings: &ClassificationSettings,
    ) -> Result<ClassificationReport, Error> {
        let cases = self.cases(data)?;
        Ok(evaluate_classification(
            &self.config.preset,
            &cases,
            settings,
        )?)
    }
}
