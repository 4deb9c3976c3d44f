//! Attributes in Parquet files and record batches.

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, SchemaRef};

use super::arrow_cells::BatchCells;
use super::builder::TableBuilder;
use super::options::{AttributeKind, AttributeOptions};
use super::plan::{AttributePlan, Guess, PlannedColumn, Reading};
use super::summary::LeftOutReason;
use crate::data::cells::{is_text, wrong_type};
use crate::data::error::{ColumnRole, DataError, Origin};
use crate::data::parquet::parquet_batches;
use crate::data::record_batch::{broken, each_batch, each_row};
use crate::data::schema::{Column, Columns};
use crate::data::summary::RowLedger;

/// Reads a Parquet file to the end, only the columns that are asked for.
pub(super) fn read_parquet(
    file: File,
    path: &Path,
    options: &AttributeOptions,
) -> Result<(TableBuilder, RowLedger), DataError> {
    let origin = Origin::File(path.to_owned());
    let (plan, batches) = parquet_batches(file, path, |table| {
        let mut plan = plan(table, &origin, options)?;
        let roots = plan.select();
        Ok((plan, roots))
    })?;
    let mut ledger = RowLedger::new(origin.clone(), options.file.on_bad_row);
    let mut builder = TableBuilder::new(&origin, plan);
    take_all(batches, &mut builder, &mut ledger)?;
    Ok((builder, ledger))
}

/// Reads batches to the end.
pub(super) fn read_batches(
    mut batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    origin: &Origin,
    options: &AttributeOptions,
) -> Result<(TableBuilder, RowLedger), DataError> {
    let mut ledger = RowLedger::new(origin.clone(), options.file.on_bad_row);
    let first = match batches.next() {
        Some(batch) => batch.map_err(|source| broken(&ledger, source))?,
        None => {
            let origin = origin.clone();
            return Err(DataError::Empty { origin });
        }
    };
    let plan = plan(&first.schema(), origin, options)?;
    let mut builder = TableBuilder::new(origin, plan);
    let all = std::iter::once(Ok(first)).chain(batches);
    take_all(all, &mut builder, &mut ledger)?;
    Ok((builder, ledger))
}

/// Finds the columns and checks their types.
fn plan(
    table: &SchemaRef,
    origin: &Origin,
    options: &AttributeOptions,
) -> Result<AttributePlan, DataError> {
    let fields = table.fields().iter();
    let names: Vec<String> = fields.map(|field| field.name().clone()).collect();
    let columns = Columns {
        origin,
        names: &names,
        has_header: true,
    };
    let type_of = |column: &Column| table.field(column.index).data_type();
    let plan = AttributePlan::new(&columns, options, |column| guess(type_of(column)))?;
    let wrong = |role, column: &Column, expected| DataError::WrongColumnType {
        origin: origin.clone(),
        role,
        column: column.name.clone(),
        found: type_of(column).to_string(),
        expected,
    };
    if let Some(expected) = wrong_type(ColumnRole::Id, type_of(&plan.id)) {
        return Err(wrong(ColumnRole::Id, &plan.id, expected));
    }
    for PlannedColumn {
        column, reading, ..
    } in &plan.columns
    {
        if let Some(expected) = wrong_kind(reading.kind(), type_of(column)) {
            return Err(wrong(ColumnRole::Attribute, column, expected));
        }
    }
    Ok(plan)
}

/// By the type of the column.
fn guess(data_type: &DataType) -> Guess {
    let kinds = [
        AttributeKind::Vector,
        AttributeKind::Number,
        AttributeKind::Category,
        // Lists alone are left for it, so that nothing is split.
        AttributeKind::Categories { separator: ' ' },
    ];
    let fits = |kind: &AttributeKind| match kind {
        AttributeKind::Number => !is_text(data_type) && wrong_kind(kind, data_type).is_none(),
        _ => wrong_kind(kind, data_type).is_none(),
    };
    let kind = kinds.into_iter().find(fits);
    kind.map(Reading::Guessed)
        .ok_or_else(|| LeftOutReason::Type {
            found: data_type.to_string(),
        })
}

/// The types that a kind can use, in words, or none when `found` is one of them.
fn wrong_kind(kind: &AttributeKind, found: &DataType) -> Option<&'static str> {
    match kind {
        AttributeKind::Category => wrong_type(ColumnRole::Attribute, found),
        AttributeKind::Categories { .. } => (!is_text(found)
            && !element(found).is_some_and(is_text))
        .then_some("text or lists of text"),
        AttributeKind::Number => wrong_type(ColumnRole::Weight, found),
        AttributeKind::Vector => {
            let is_float = |element| matches!(element, &DataType::Float32 | &DataType::Float64);
            (!element(found).is_some_and(is_float)).then_some("lists of 32- or 64-bit floats")
        }
    }
}

/// The type of the elements of a list.
pub(crate) fn element(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            Some(field.data_type())
        }
        _ => None,
    }
}

fn take_all(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    builder: &mut TableBuilder,
    ledger: &mut RowLedger,
) -> Result<(), DataError> {
    each_batch(batches, ledger, |batch, ledger| {
        let cells =
            BatchCells::new(builder.plan(), batch).map_err(|source| broken(ledger, source))?;
        each_row(batch, ledger, |row, place| {
            match cells.row(row, builder.plan()) {
                Ok((id, cells)) => builder.push(&id, cells, place),
                Err(fault) => Ok(Err(fault)),
            }
        })
    })?;
    ledger.check(builder.n_rows(), &builder.plan().names)
}
