//! Files and record batches of attributes.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::arrow::{read_batches, read_parquet};
use super::error::AttributeError;
use super::options::AttributeOptions;
use super::summary::AttributeSummary;
use super::table::AttributeTable;
use super::text::read_text;
use crate::data::error::{DataError, Origin};
use crate::data::read::read_file;

impl AttributeTable {
    /// Reads a file of attributes, in the formats of [`read_interactions`](crate::data::read_interactions).
    ///
    /// If `options` names no columns, all but that of the id are read, and their kinds are guessed:
    /// - in text, a column is a number if all its cells that are not empty are numbers, else a category. A header with a type,
    ///   as in RecBole's files, decides instead: `token` is a category, `token_seq` are categories separated by spaces,
    ///   `float` is a number;
    /// - in Parquet the type decides: text and booleans are a category, numbers a number, lists of text categories, lists of
    ///   floats a vector;
    /// - what that makes no attribute is left out and named in the summary: columns without values, and text with more than 50
    ///   different values that has fewer than two rows a value on average, as titles and ids have.
    ///
    /// A name keeps no type: `class:token_seq` becomes the attribute `class`.
    ///
    /// # Errors
    /// [`DataError`] says what is wrong with the file, its columns, or a row: an id that is empty or there twice, a number that
    /// is not finite, a vector of another width than the first. [`AttributeError`] in it is for what only attributes can have
    /// wrong. With [`OnBadRow::Skip`](crate::data::OnBadRow::Skip) bad rows are counted instead; of an id with two rows the
    /// first is kept.
    pub fn read(
        path: impl AsRef<Path>,
        options: &AttributeOptions,
    ) -> Result<(Self, AttributeSummary), DataError> {
        let path = path.as_ref();
        let ((builder, ledger), file) = read_file(
            path,
            |text| read_text(text, path, options),
            |file| read_parquet(file, path, options),
        )
        .map_err(of_attributes)?;
        let (table, left_out) = builder.finish()?;
        let read = file.summary(path, ledger);
        Ok((table, AttributeSummary { read, left_out }))
    }

    /// Reads attributes from record batches as [`Self::read`] does from Parquet.
    ///
    /// # Errors
    /// Those of [`Self::read`] for the table and its rows, which are counted from 1 over all batches.
    pub fn from_record_batches(
        batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
        options: &AttributeOptions,
    ) -> Result<(Self, AttributeSummary), DataError> {
        let origin = Origin::RecordBatches;
        let (builder, ledger) =
            read_batches(batches.into_iter(), &origin, options).map_err(of_attributes)?;
        let (table, left_out) = builder.finish()?;
        let read = ledger.batch_summary();
        Ok((table, AttributeSummary { read, left_out }))
    }
}

/// The same error in words that speak of attributes.
fn of_attributes(error: DataError) -> DataError {
    match error {
        DataError::Empty { origin } => AttributeError::Empty { origin }.into(),
        other => other,
    }
}
