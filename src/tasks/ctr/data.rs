//! Rows to train, validate and test on.

use std::io;
use std::path::PathBuf;

use arrow_array::RecordBatch;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::CtrConfig;
use crate::Error;
use crate::data::{
    DataError, ReadSummary, RowUse, TableCells, TableOptions, TableParts, TableRole, TableRows,
    TableSchema, TableSplit, TableSplitter, TableSummary,
};
use crate::evaluation::EvaluationError;
use crate::evaluation::calibration::{prior_corrected, prior_shift};
use crate::features::tabular::{
    EncodedRows, RowStore, RowStoreWriter, TabularConfig, TabularFitter, TabularSchema,
    TabularSummary,
};
use crate::random::{RandomKey, Stream};
use crate::tasks::TaskError;
use crate::writable::writable;

/// A table of impressions.
#[derive(Clone, Debug)]
pub enum CtrSource {
    /// A file, in the formats of [`TableSchema::read`].
    File(PathBuf),
    /// A table in memory.
    Batch(RecordBatch),
}

/// Which tables hold the rows to train, validate and test on.
#[derive(Clone, Debug)]
pub enum CtrSources {
    /// One table, split by a rule.
    Split(CtrSource, TableSplit),
    /// A table each.
    Given {
        /// Rows to learn from.
        train: CtrSource,
        /// Rows to stop and calibrate by.
        valid: Option<CtrSource>,
        /// Rows to judge by.
        test: Option<CtrSource>,
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
    /// those before. Default 1. Lower it where clicks are rare, to train sooner.
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
    /// Share of training rows with each label, of those kept.
    base_rates: Vec<f64>,
    /// Share of validation rows with each label.
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
        let mut stores = Stores::new(&schema, options);
        let mut reads = vec![stores.store(first, &uses)?];
        if let CtrSources::Given { valid, test, .. } = sources {
            for (source, part) in [(valid, RowUse::Validation), (test, RowUse::Test)] {
                if let Some(source) = source {
                    reads.push(stores.store(source, &Uses::all(part))?);
                }
            }
        }
        Ok(Self {
            sha256: format!("{} {}", stores.train.sha256(), stores.valid.sha256()),
            base_rates: stores.train.shares(),
            valid_rates: stores.valid.shares(),
            train: stores
                .train
                .finish()?
                .ok_or(TaskError::NoRows { part: "training" })?,
            valid: stores.valid.finish()?,
            test: stores.test.finish()?,
            schema,
            columns,
            features,
            reads,
            negatives_kept: options.negatives_kept,
        })
    }

    /// Share of training rows with each label, of those kept.
    pub fn base_rates(&self) -> &[f64] {
        &self.base_rates
    }

    /// Share of training rows with each label, of all before negatives were dropped.
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

impl CtrSource {
    fn infer(&self, options: &TableOptions) -> Result<(TableSchema, TableSummary), DataError> {
        match self {
            Self::File(path) => TableSchema::infer(path, options),
            Self::Batch(batch) => TableSchema::infer_from_batch(batch, options),
        }
    }

    fn read(
        &self,
        table: &TableSchema,
        options: &TableOptions,
        take: impl FnMut(&TableRows) -> Result<(), Error>,
    ) -> Result<ReadSummary, Error> {
        match self {
            Self::File(path) => table.read(path, TableParts::All, &options.file, take),
            Self::Batch(batch) => {
                let batches = std::iter::once(Ok(batch.clone()));
                table.read_batches(batches, TableParts::All, options.file.on_bad_row, take)
            }
        }
    }
}

/// What the rows of a table are for.
enum Uses {
    All(RowUse),
    Split {
        splitter: TableSplitter,
        group: Option<usize>,
        time: Option<usize>,
    },
}

impl Uses {
    fn all(part: RowUse) -> Self {
        Self::All(part)
    }

    fn new(
        source: &CtrSource,
        table: &TableSchema,
        split: Option<TableSplit>,
        options: &CtrDataOptions,
    ) -> Result<Self, Error> {
        let Some(split) = split else {
            return Ok(Self::All(RowUse::Train));
        };
        let mut columns = table.columns().iter();
        let group = columns.position(|column| column.role == TableRole::Group);
        let time = table.time();
        if matches!(split, TableSplit::ByTime { .. }) && time.is_none() {
            // The splitter says what is missing, before the table is read for its times.
            TableSplitter::new(split, Vec::new(), 1)?;
        }
        let (mut times, mut n_rows) = (Vec::new(), 0);
        if TableSplitter::needs_a_look(split) {
            source.read(table, &options.table, |rows| {
                n_rows += rows.n_rows();
                times.extend(times_of(rows, time).unwrap_or_default());
                Ok(())
            })?;
        }
        Ok(Self::Split {
            splitter: TableSplitter::new(split, times, n_rows)?,
            group,
            time,
        })
    }

    /// The rows of a chunk, whose first is the `start`-th of the table, that are for something, by what that is.
    fn of(&self, rows: &TableRows, start: usize) -> Result<[Vec<usize>; 3], DataError> {
        let mut by_use = [Vec::new(), Vec::new(), Vec::new()];
        for row in 0..rows.n_rows() {
            let found = match self {
                Self::All(part) => *part,
                Self::Split {
                    splitter,
                    group,
                    time,
                } => {
                    let group = group.and_then(|group| match &rows.columns()[group] {
                        TableCells::Texts(texts) => Some(&texts[row]),
                        _ => None,
                    });
                    let time = times_of(rows, *time).map(|times| times[row]);
                    splitter.use_of(start + row, group, time)?
                }
            };
            by_use[found as usize].push(row);
        }
        Ok(by_use)
    }
}

fn times_of(rows: &TableRows, time: Option<usize>) -> Option<&[i64]> {
    match &rows.columns()[time?] {
        TableCells::Times(times) => Some(times),
        _ => None,
    }
}

/// Learns from the training rows alone.
fn learn(
    source: &CtrSource,
    table: &TableSchema,
    uses: &Uses,
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
        Ok(())
    })?;
    Ok(fitter.finish()?)
}

/// The encoded rows of each part, as they come.
struct Stores<'a> {
    schema: &'a TabularSchema,
    options: &'a CtrDataOptions,
    train: PartWriter,
    valid: PartWriter,
    test: PartWriter,
}

impl<'a> Stores<'a> {
    fn new(schema: &'a TabularSchema, options: &'a CtrDataOptions) -> Self {
        let part = |share: usize| PartWriter::new(options.max_bytes_in_memory / share);
        Self {
            schema,
            options,
            train: part(2),
            valid: part(4),
            test: part(4),
        }
    }

    /// Encodes the rows of a table.
    fn store(&mut self, source: &CtrSource, uses: &Uses) -> Result<ReadSummary, Error> {
        let key = RandomKey::new(self.options.seed).stream(Stream::Negatives);
        let n_labels = self.schema.shape().labels.len();
        let mut start = 0;
        source.read(self.schema.table(), &self.options.table, |rows| {
            let encoded = self.schema.encode(rows)?;
            let [mut train, valid, test] = uses.of(rows, start)?;
            if self.options.negatives_kept < 1.0 {
                train.retain(|&row| {
                    let labels = &encoded.labels[row * n_labels..(row + 1) * n_labels];
                    labels.iter().any(|&label| label > 0.0)
                        || key.child((start + row) as u64).generator().random::<f64>()
                            < self.options.negatives_kept
                });
            }
            start += rows.n_rows();
            let parts = [&mut self.train, &mut self.valid, &mut self.test];
            for (part, rows) in parts.into_iter().zip([&train, &valid, &test]) {
                part.push(&encoded, rows, n_labels)
                    .map_err(Error::RowStore)?;
            }
            Ok(())
        })
    }
}

/// The rows of one part.
struct PartWriter {
    rows: RowStoreWriter,
    n_rows: usize,
    /// Sum of each label.
    positives: Vec<f64>,
    digest: Sha256,
}

impl PartWriter {
    fn new(max_bytes_in_memory: usize) -> Self {
        Self {
            rows: RowStoreWriter::new(max_bytes_in_memory),
            n_rows: 0,
            positives: Vec::new(),
            digest: Sha256::new(),
        }
    }

    fn push(&mut self, encoded: &EncodedRows, rows: &[usize], n_labels: usize) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let part;
        let chosen = match rows.len() == encoded.n_rows {
            true => encoded,
            false => {
                part = encoded.select(rows);
                &part
            }
        };
        self.n_rows += chosen.n_rows;
        self.positives.resize(n_labels, 0.0);
        for (index, &label) in chosen.labels.iter().enumerate() {
            self.positives[index % n_labels] += f64::from(label);
        }
        self.digest.update(chosen.to_bytes());
        self.rows.push(chosen)
    }

    /// Share of rows with each label.
    fn shares(&self) -> Vec<f64> {
        let n_rows = self.n_rows.max(1) as f64;
        self.positives.iter().map(|sum| sum / n_rows).collect()
    }

    fn sha256(&self) -> String {
        let bytes = self.digest.clone().finalize();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The rows; `None` if there are none.
    fn finish(self) -> Result<Option<RowStore>, Error> {
        let rows = self.rows.finish().map_err(Error::RowStore)?;
        Ok((rows.n_rows() > 0).then_some(rows))
    }
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
