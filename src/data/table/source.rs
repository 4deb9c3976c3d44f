//! Where a table comes from.

use std::path::PathBuf;

use arrow_array::RecordBatch;

use super::options::TableOptions;
use super::plan::TableParts;
use super::rows::TableRows;
use super::schema::TableSchema;
use super::summary::TableSummary;
use crate::data::error::DataError;
use crate::data::summary::ReadSummary;

/// A table: a file, or one in memory.
#[derive(Clone, Debug)]
pub enum TableSource {
    /// A file, in the formats of [`TableSchema::read`].
    File(PathBuf),
    /// A table in memory.
    Batch(RecordBatch),
}

impl TableSource {
    /// What its columns are for, by a look at its first rows.
    ///
    /// # Errors
    /// As [`TableSchema::infer`].
    pub fn infer(&self, options: &TableOptions) -> Result<(TableSchema, TableSummary), DataError> {
        match self {
            Self::File(path) => TableSchema::infer(path, options),
            Self::Batch(batch) => TableSchema::infer_from_batch(batch, options),
        }
    }

    /// Gives all rows to `take`, a chunk at a time.
    ///
    /// # Errors
    /// As [`TableSchema::read`], and whatever `take` gives.
    pub fn read<E: From<DataError>>(
        &self,
        table: &TableSchema,
        options: &TableOptions,
        take: impl FnMut(&TableRows) -> Result<(), E>,
    ) -> Result<ReadSummary, E> {
        match self {
            Self::File(path) => table.read(path, TableParts::All, &options.file, take),
            Self::Batch(batch) => {
                let batches = std::iter::once(Ok(batch.clone()));
                table.read_batches(batches, TableParts::All, options.file.on_bad_row, take)
            }
        }
    }
}
