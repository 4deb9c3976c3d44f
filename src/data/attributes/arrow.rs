//! Attributes in Parquet files and record batches.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, LargeListArray, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::builder::{Cell, TableBuilder};
use super::options::{AttributeKind, AttributeOptions};
use super::plan::{AttributePlan, Guess, PlannedColumn, Reading};
use super::summary::LeftOutReason;
use super::table::is_finite;
use super::text::{number, values};
use crate::data::bad_row::{Place, RowFault, RowRule};
use crate::data::cells::{Cells, is_text, wrong_type};
use crate::data::error::{ColumnRole, DataError, Origin};
use crate::data::parquet::parquet_batches;
use crate::data::record_batch::broken;
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
fn element(data_type: &DataType) -> Option<&DataType> {
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
    let mut table: Option<SchemaRef> = None;
    let mut n_good = 0;
    for batch in batches {
        let batch = batch.map_err(|source| broken(ledger, source))?;
        let fields = table.get_or_insert_with(|| batch.schema()).fields();
        if batch.schema().fields() != fields {
            return Err(DataError::BatchesDiffer {
                origin: ledger.origin.clone(),
                row: ledger.n_rows_read,
            });
        }
        n_good += take_batch(&batch, builder, ledger)?;
    }
    let fields = table.iter().flat_map(|table| table.fields());
    let names: Vec<String> = fields.map(|field| field.name().clone()).collect();
    ledger.check(n_good, &names)
}

/// Takes the rows of a batch; the number of good ones.
fn take_batch(
    batch: &RecordBatch,
    builder: &mut TableBuilder,
    ledger: &mut RowLedger,
) -> Result<usize, DataError> {
    let cells = BatchCells::new(builder.plan(), batch).map_err(|source| broken(ledger, source))?;
    let mut n_good = 0;
    for row in 0..batch.num_rows() {
        ledger.n_rows_read += 1;
        let place = Place::Row(ledger.n_rows_read);
        let taken = match cells.row(row, builder.plan()) {
            Ok((id, cells)) => builder.push(&id, cells, place)?,
            Err(fault) => Err(fault),
        };
        match taken {
            Ok(()) => n_good += 1,
            Err(fault) => ledger.bad(place, *fault)?,
        }
    }
    Ok(n_good)
}

/// The columns of one batch that are read.
struct BatchCells {
    id: Cells,
    columns: Vec<ColumnCells>,
}

impl BatchCells {
    fn new(plan: &AttributePlan, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let columns = plan.columns.iter().map(|planned| {
            let column = batch.column(planned.column.index);
            ColumnCells::new(planned.reading.kind(), column)
        });
        Ok(Self {
            id: Cells::new(ColumnRole::Id, batch.column(plan.id.index))?,
            columns: columns.collect::<Result<_, _>>()?,
        })
    }

    fn row(
        &self,
        row: usize,
        plan: &AttributePlan,
    ) -> Result<(Cow<'_, str>, Vec<Cell<'_>>), Box<RowFault>> {
        let id = self.id.id(row, RowRule::MissingId).map_err(|rule| {
            RowFault::new(Some(&plan.id.name), self.id.text(row).as_bytes(), rule)
        })?;
        let cells = self
            .columns
            .iter()
            .zip(&plan.columns)
            .map(|(cells, planned)| {
                cells
                    .cell(row, planned.reading.kind())
                    .map_err(|(text, rule)| {
                        RowFault::new(Some(&planned.column.name), text.as_bytes(), rule)
                    })
            });
        Ok((id, cells.collect::<Result<_, _>>()?))
    }
}

/// A column of a batch, brought to one of three forms.
enum ColumnCells {
    Plain(Cells),
    Texts(LargeListArray),
    Vectors(LargeListArray),
}

impl ColumnCells {
    /// Brings a column, whose type the kind can use, to one of the forms.
    fn new(kind: &AttributeKind, column: &ArrayRef) -> Result<Self, ArrowError> {
        let lists_of = |element| {
            let field = Arc::new(Field::new_list_field(element, true));
            let lists = cast(column, &DataType::LargeList(field))?;
            Ok::<_, ArrowError>(lists.as_list::<i64>().clone())
        };
        match kind {
            AttributeKind::Vector => Ok(Self::Vectors(lists_of(DataType::Float64)?)),
            AttributeKind::Categories { .. } if !is_text(column.data_type()) => {
                Ok(Self::Texts(lists_of(DataType::Utf8)?))
            }
            AttributeKind::Number => Cells::new(ColumnRole::Weight, column).map(Self::Plain),
            AttributeKind::Category | AttributeKind::Categories { .. } => {
                Cells::new(ColumnRole::Attribute, column).map(Self::Plain)
            }
        }
    }

    /// A cell, or what stands there and the rule that it breaks.
    fn cell(&self, row: usize, kind: &AttributeKind) -> Result<Cell<'_>, (String, RowRule)> {
        match self {
            Self::Vectors(lists) => vector(lists, row).map(Cell::Vector),
            Self::Texts(lists) => Ok(Cell::Values(list_values(lists, row))),
            Self::Plain(cells) if *kind == AttributeKind::Number => {
                match plain_number(cells, row) {
                    Ok(number) => Ok(Cell::Number(number)),
                    Err(rule) => Err((cells.text(row).into_owned(), rule)),
                }
            }
            Self::Plain(cells) => Ok(Cell::Values(plain_values(cells, row, kind))),
        }
    }
}

fn plain_number(cells: &Cells, row: usize) -> Result<Option<f64>, RowRule> {
    match cells {
        Cells::Float(numbers) if !numbers.is_null(row) => match numbers.value(row) {
            value if is_finite(value) => Ok(Some(value)),
            _ => Err(RowRule::NonFiniteNumber),
        },
        _ => number(&cells.text(row)),
    }
}

/// Values of a category or of categories. A whole number that is stored as a float is the same value as one that is not.
fn plain_values<'a>(cells: &'a Cells, row: usize, kind: &AttributeKind) -> Vec<Cow<'a, str>> {
    let text = match cells.id(row, RowRule::MissingId) {
        Ok(text) => text,
        Err(RowRule::MissingId) => return Vec::new(),
        Err(_) => cells.text(row),
    };
    match text {
        Cow::Borrowed(text) => values(text, kind).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => values(&text, kind)
            .map(|value| Cow::Owned(value.to_owned()))
            .collect(),
    }
}

/// The values of a list of text; nulls and empty text are none.
fn list_values(lists: &LargeListArray, row: usize) -> Vec<Cow<'_, str>> {
    if lists.is_null(row) {
        return Vec::new();
    }
    let offsets = lists.value_offsets();
    let texts = lists.values().as_string::<i32>();
    (offsets[row] as usize..offsets[row + 1] as usize)
        .filter(|&index| !texts.is_null(index))
        .map(|index| texts.value(index).trim())
        .filter(|text| !text.is_empty())
        .map(Cow::Borrowed)
        .collect()
}

/// A vector; none where the list is null or empty.
fn vector(lists: &LargeListArray, row: usize) -> Result<Option<Vec<f32>>, (String, RowRule)> {
    if lists.is_null(row) || lists.value_length(row) == 0 {
        return Ok(None);
    }
    let offsets = lists.value_offsets();
    let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
    let numbers = lists.values().as_primitive::<Float64Type>();
    let mut vector = Vec::with_capacity(end - start);
    for index in start..end {
        let coordinate = index - start + 1;
        if numbers.is_null(index) {
            return Err((String::new(), RowRule::GapInVector { coordinate }));
        }
        let number = numbers.value(index);
        if !is_finite(number) {
            let rule = RowRule::NonFiniteCoordinate { coordinate };
            return Err((number.to_string(), rule));
        }
        vector.push(number as f32);
    }
    Ok(Some(vector))
}
