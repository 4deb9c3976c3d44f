//! Parquet files, and event logs as such.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::bad_row::OnBadRow;
use super::collect::Collector;
use super::error::{DataError, Origin};
use super::record_batch::BatchPlan;
use super::schema::InteractionSchema;
use super::summary::RowLedger;

/// Number of rows decoded at a time: columns of that many ids fit the processor's cache.
const BATCH_ROWS: usize = 8_192;

/// Reads a Parquet file to the end, only the columns that are asked for.
pub(crate) fn read_parquet(
    file: File,
    path: &Path,
    schema: &InteractionSchema,
    on_bad_row: OnBadRow,
) -> Result<(Collector, RowLedger), DataError> {
    let origin = Origin::File(path.to_owned());
    let (plan, batches) = parquet_batches(file, path, |table| {
        let mut plan = BatchPlan::new(&origin, table, schema)?;
        let roots = plan.columns.select();
        Ok((plan, roots))
    })?;
    let mut ledger = RowLedger::new(origin.clone(), on_bad_row);
    let collector = plan.collect(batches, &mut ledger)?;
    Ok((collector, ledger))
}

/// The batches of a Parquet file. `plan` sees the columns of the file and says which to read, by place in ascending order.
pub(crate) fn parquet_batches<T>(
    file: File,
    path: &Path,
    plan: impl FnOnce(&SchemaRef) -> Result<(T, Vec<usize>), DataError>,
) -> Result<(T, impl Iterator<Item = Result<RecordBatch, ArrowError>>), DataError> {
    let broken = |source| DataError::BrokenParquet {
        path: path.to_owned(),
        source,
    };
    let builder = no_panic(|| ParquetRecordBatchReaderBuilder::try_new(file))
        .unwrap_or_else(|| Err(undecodable()))
        .map_err(broken)?;
    let (plan, roots) = plan(builder.schema())?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = no_panic(|| {
        builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
    })
    .unwrap_or_else(|| Err(undecodable()))
    .map_err(broken)?;
    Ok((plan, Guarded(reader)))
}

/// Runs the decoder; none when it panics, which it does on some damaged files.
pub(crate) fn no_panic<T>(decode: impl FnOnce() -> T) -> Option<T> {
    // What the decoder leaves behind is dropped, so that no broken state is seen.
    catch_unwind(AssertUnwindSafe(decode)).ok()
}

fn undecodable() -> ParquetError {
    ParquetError::General("the decoder gave up on damaged data".into())
}

/// Batches, the last of which may be an error in place of a panic.
struct Guarded<I>(I);

impl<I: Iterator<Item = Result<RecordBatch, ArrowError>>> Iterator for Guarded<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        no_panic(|| self.0.next()).unwrap_or_else(|| Some(Err(undecodable().into())))
    }
}
