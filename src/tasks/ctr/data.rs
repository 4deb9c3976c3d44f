//! Rows to train, validate and test on.

use serde::{Deserialize, Serialize};

use super::config::CtrConfig;
use super::parts::Parts;
use super::uses::Uses;
use crate::Error;
use crate::data::{
    ReadSummary, RowUse, TableOptions, TableSchema, TableSource, TableSplit, TableSummary,
};
use crate::evaluation::EvaluationError;
use crate::evaluation::calibration::{prior_corrected, prior_shift};
use crate::features::tabular::{
    RowStore, TabularConfig, TabularFitter, TabularSchema, TabularSummary,
};
use crate::tasks::TaskError;
use crate::writable::writable;

/// Which tables hold the rows to train, validate and test on.
#[derive(Clone, Debug)]
pub enum CtrSources {
    /// One table, split by a rule.
    Split(TableSource, TableSplit),
    /// A table each.
    Given {
        /// Rows to learn from.
        train: TableSource,
        /// Rows to stop and calibrate by.
        valid: Option<TableSource>,
        /// Rows to judge by.
        test: Option<TableSource>,
    },
}

/// How tables become rows of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CtrDataOptions {
    /// What columns are for, and how their cells are written.
    pub table: TableOptions,
    /// How columns become numbers.
    pub features: TabularConfig,
    /// Share of the training rows without a positive label that are kept, in `(0, 1]`; the probabilities of the model are
    /// those before. Default 1. Lower it where clicks are rare, to train sooner. Of the rows that are dropped nothing is learnt:
    /// a value that they alone have is unknown.
    pub negatives_kept: f64,
    /// Seed of the draw of negatives. Default 0.
    pub seed: u64,
    /// Bytes that all rows may take in memory, half of it for training, a quarter each for validation and test; what does not
    /// fit goes to a temporary file. Default 512 MiB.
    pub max_bytes_in_memory: usize,
}

impl Default for CtrDataOptions {
    fn default() -> Self {
        Self {
            table: TableOptions::default(),
            features: TabularConfig::default(),
            negatives_kept: 1.0,
            seed: 0,
            max_bytes_in_memory: 512 << 20,
        }
    }
}

/// Rows to train, validate and test on, as numbers.
#[derive(Debug)]
pub struct CtrData {
    /// How columns became numbers, learnt from the training rows alone.
    pub schema: TabularSchema,
    /// Rows to learn from.
    pub train: RowStore,
    /// Rows to stop and calibrate by.
    pub valid: Option<RowStore>,
    /// Rows to judge by.
    pub test: Option<RowStore>,
    /// What the columns were taken for.
    pub columns: TableSummary,
    /// What was learnt of them.
    pub features: TabularSummary,
    /// What was read, the training table first.
    pub reads: Vec<ReadSummary>,
    negatives_kept: f64,
    /// Share of training rows with each label, of those kept, by weight.
    base_rates: Vec<f64>,
    /// Share of validation rows with each label, by weight.
    valid_rates: Vec<f64>,
    sha256: String,
}

impl CtrData {
    /// Reads tables, learns from the training rows how columns become numbers, and encodes all rows. No table is ever held
    /// whole in memory.
    ///
    /// # Errors
    /// [`Error::Data`] says what is wrong with a table, its columns or a row; [`Error::Feature`], with the settings of fields;
    /// [`Error::Task`] names a part without rows, or a temporary file that cannot be written.
    pub fn read(sources: &CtrSources, options: &CtrDataOptions) -> Result<Self, Error> {
        check_share(options.negatives_kept)?;
        let (first, split) = match sources {
            CtrSources::Split(all, split) => (all, Some(*split)),
            CtrSources::Given { train, .. } => (train, None),
        };
        let (table, columns) = first.infer(&options.table)?;
        let uses = Uses::new(first, &table, split, options)?;
        let (schema, features) = learn(first, &table, &uses, options)?;
        if options.negatives_kept < 1.0 && schema.shape().labels.len() > 1 {
            return Err(TaskError::Conflict {
                setting: "negatives_kept",
                other: "a second label",
                rule: "rows without either label are not all negatives of one, so no prior can be restored; keep all",
            }
            .into());
        }
        let mut parts = Parts::new(&schema, options);
        let mut reads = vec![parts.store(first, &uses)?];
        if let CtrSources::Given { valid, test, .. } = sources {
            for (source, part) in [(valid, RowUse::Validation), (test, RowUse::Test)] {
                if let Some(source) = source {
                    reads.push(parts.store(source, &Uses::all(part, options))?);
                }
            }
        }
        Ok(Self {
            sha256: format!("{} {}", parts.train.sha256(), parts.valid.sha256()),
            base_rates: parts.train.shares(),
            valid_rates: parts.valid.shares(),
            train: parts
                .train
                .finish()?
                .ok_or(TaskError::NoRows { part: "training" })?,
            valid: parts.valid.finish()?,
            test: parts.test.finish()?,
            schema,
            columns,
            features,
            reads,
            negatives_kept: options.negatives_kept,
        })
    }

    /// Share of training rows with each label, of those kept; a row counts by its weight.
    pub fn base_rates(&self) -> &[f64] {
        &self.base_rates
    }

    /// Share of training rows with each label, of all before negatives were dropped; a row counts by its weight.
    ///
    /// # Errors
    /// [`Error::Evaluation`], which no rows that could be read give.
    pub fn true_rates(&self) -> Result<Vec<f64>, Error> {
        let rates = self.base_rates.iter();
        let restored = rates.map(|&rate| Ok(prior_corrected(rate, self.negatives_kept)?));
        restored.collect()
    }

    /// Share of validation rows with each label; empty where there are none.
    pub(super) fn valid_rates(&self) -> &[f64] {
        &self.valid_rates
    }

    /// What restores the share of positives after negatives were dropped, in log-odds.
    pub(super) fn prior_shift(&self) -> Result<f64, EvaluationError> {
        Ok(writable(prior_shift(self.negatives_kept)?))
    }

    /// What a checkpoint must share with the run that resumes it: the training rows, and those settings of the network that
    /// the shapes of its weights do not show.
    pub fn fingerprint(&self, config: &CtrConfig) -> String {
        let network = serde_json::to_string(&config.network).unwrap_or_default();
        format!("{} {network} {:?}", self.sha256, config.deciding)
    }
}

/// Learns from the training rows alone, and of them from those that are kept.
fn learn(
    source: &TableSource,
    table: &TableSchema,
    uses: &Uses<'_>,
    options: &CtrDataOptions,
) -> Result<(TabularSchema, TabularSummary), Error> {
    let mut fitter = TabularFitter::new(&options.features, table)?;
    let mut start = 0;
    source.read(table, &options.table, |rows| {
        let [train, ..] = uses.of(rows, start)?;
        start += rows.n_rows();
        if train.len() == rows.n_rows() {
            fitter.push(rows)?;
        } else if !train.is_empty() {
            fitter.push(&rows.select(&train))?;
        }
        Ok::<(), Error>(())
    })?;
    Ok(fitter.finish()?)
}

fn check_share(negatives_kept: f64) -> Result<(), TaskError> {
    match negatives_kept > 0.0 && negatives_kept <= 1.0 {
        true => Ok(()),
        false => Err(TaskError::OutOfRange {
            setting: "negatives_kept",
            value: negatives_kept,
            range: "(0, 1]",
        }),
    }
}
