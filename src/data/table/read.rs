//! Files and record batches, a chunk of rows at a time.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use csv::ByteRecord;

use super::arrow::{plan_of, take_batches};
use super::chunks::{Chunks, Sink, UntilStopped};
use super::error::TableError;
use super::plan::{TableParts, TablePlan};
use super::rows::{RowCells, TableRows};
use super::schema::TableSchema;
use crate::data::bad_row::{OnBadRow, RowFault};
use crate::data::error::{DataError, Origin};
use crate::data::options::ReadOptions;
use crate::data::parquet::parquet_batches;
use crate::data::read::read_file;
use crate::data::record_batch::broken;
use crate::data::records::{read_records, text};
use crate::data::schema::Column;
use crate::data::summary::{ReadSummary, RowLedger};

impl TableSchema {
    /// Reads a file, in the formats of [`read_interactions`](crate::data::read_interactions), and hands its rows to `take` a
    /// few thousand at a time, in order. The file is never held in memory. What `take` refuses ends the reading.
    ///
    /// Columns are found by name, so that their order does not matter and further ones do no harm; without a header they are
    /// found by number, and a file must have as many as the one that the schema was made of.
    ///
    /// ```
    /// use salient::data::{DataError, ReadOptions, TableColumn, TableOptions, TableParts, TableSchema};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("clicks.csv");
    /// std::fs::write(&path, "click,brand,price\n1,acme,2.5\n0,,4\n")?;
    /// let options = TableOptions::new(TableColumn::list("click:label,price:number")?);
    /// let (schema, _) = TableSchema::infer(&path, &options)?;
    /// let mut n_rows = 0;
    /// let read = schema.read(&path, TableParts::All, &ReadOptions::default(), |rows| {
    ///     n_rows += rows.n_rows();
    ///     Ok::<_, DataError>(())
    /// })?;
    /// assert_eq!((n_rows, read.n_rows_read), (2, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError`] says what is wrong with the file, its columns, or a row: a label that is neither yes nor no, a number or
    /// weight that is none, a time that cannot be read, a history that is not over before its row. With
    /// [`OnBadRow::Skip`] bad rows are counted instead. Further what `take` gives.
    pub fn read<E: From<DataError>>(
        &self,
        path: impl AsRef<Path>,
        parts: TableParts,
        options: &ReadOptions,
        mut take: impl FnMut(&TableRows) -> Result<(), E>,
    ) -> Result<ReadSummary, E> {
        let path = path.as_ref();
        let sink = Sink::new(&mut take);
        let read = read_file(
            path,
            |input| {
                let input = UntilStopped {
                    input,
                    is_stopped: sink.is_stopped(),
                };
                let (mut chunks, ledger) = read_records(
                    input,
                    path,
                    options,
                    |table| Ok(Chunks::new(TablePlan::new(self, parts, table)?, &sink)),
                    |chunks, record, _| Ok(chunks.push(record)),
                )?;
                chunks.flush();
                Ok(ledger)
            },
            |file| self.read_parquet(file, path, parts, options.on_bad_row, &sink),
        );
        sink.finish()?;
        let (ledger, file) = read.map_err(of_rows)?;
        Ok(file.summary(path, ledger))
    }

    /// Reads record batches as [`Self::read`] does a Parquet file.
    ///
    /// # Errors
    /// Those of [`Self::read`] for the table and its rows, which are counted from 1 over all batches.
    pub fn read_batches<E: From<DataError>>(
        &self,
        batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
        parts: TableParts,
        on_bad_row: OnBadRow,
        mut take: impl FnMut(&TableRows) -> Result<(), E>,
    ) -> Result<ReadSummary, E> {
        let origin = Origin::RecordBatches;
        let sink = Sink::new(&mut take);
        let mut ledger = RowLedger::new(origin.clone(), on_bad_row);
        let mut batches = batches.into_iter();
        let first = match batches.next() {
            Some(batch) => batch.map_err(|source| broken(&ledger, source))?,
            None => return Err(DataError::from(TableError::Empty { origin }).into()),
        };
        let plan = plan_of(self, parts, &first.schema(), &origin)?;
        let all = std::iter::once(Ok(first)).chain(batches);
        let read = take_batches(all, Chunks::new(plan, &sink), &sink, &mut ledger);
        sink.finish()?;
        read?;
        Ok(ledger.batch_summary())
    }

    fn read_parquet<E>(
        &self,
        file: File,
        path: &Path,
        parts: TableParts,
        on_bad_row: OnBadRow,
        sink: &Sink<'_, E>,
    ) -> Result<RowLedger, DataError> {
        let origin = Origin::File(path.to_owned());
        let (plan, batches) = parquet_batches(file, path, |table| {
            let mut plan = plan_of(self, parts, table, &origin)?;
            let roots = plan.select();
            Ok((plan, roots))
        })?;
        let mut ledger = RowLedger::new(origin.clone(), on_bad_row);
        take_batches(batches, Chunks::new(plan, sink), sink, &mut ledger)?;
        Ok(ledger)
    }
}

/// The same error in words that speak of rows.
pub(super) fn of_rows(error: DataError) -> DataError {
    match error {
        DataError::Empty { origin } => TableError::Empty { origin }.into(),
        other => other,
    }
}

impl RowCells for ByteRecord {
    fn text(&self, column: &Column) -> Result<Cow<'_, str>, Box<RowFault>> {
        text(self, column).map(Cow::Borrowed)
    }

    fn list(&self, _column: &Column) -> Option<Vec<Cow<'_, str>>> {
        None
    }
}
