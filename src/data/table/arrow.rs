//! Rows of Parquet files and record batches.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeListArray, RecordBatch};
use arrow_cast::{can_cast_types, cast};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::chunks::{Chunks, Sink};
use super::plan::{TableParts, TablePlan, column_role};
use super::role::TableRole;
use super::rows::RowCells;
use super::schema::TableSchema;
use crate::data::attributes::element;
use crate::data::bad_row::{RowFault, RowRule};
use crate::data::cells::{Cells, is_text, wrong_type};
use crate::data::error::{ColumnRole, DataError, Origin};
use crate::data::record_batch::{broken, each_batch, each_row};
use crate::data::schema::{Column, Columns};
use crate::data::summary::RowLedger;
use crate::data::time::TimeParser;

/// Finds the columns and checks their types.
pub(super) fn plan_of<'a>(
    schema: &'a TableSchema,
    parts: TableParts,
    table: &SchemaRef,
    origin: &Origin,
) -> Result<TablePlan<'a>, DataError> {
    let names = names(table);
    let columns = Columns {
        origin,
        names: &names,
        has_header: true,
    };
    let plan = TablePlan::new(schema, parts, &columns)?;
    for (column, planned) in plan.columns() {
        let Some(planned) = planned else {
            continue;
        };
        let found = [Some(&planned.column), planned.times.as_ref()];
        for found in found.into_iter().flatten() {
            let data_type = table.field(found.index).data_type();
            if let Some(expected) = unusable(&column.role, data_type) {
                return Err(DataError::WrongColumnType {
                    origin: origin.clone(),
                    role: column_role(&column.role),
                    column: found.name.clone(),
                    found: data_type.to_string(),
                    expected,
                });
            }
        }
    }
    Ok(plan)
}

/// The names of the columns.
pub(super) fn names(table: &SchemaRef) -> Vec<String> {
    let fields = table.fields().iter();
    fields.map(|field| field.name().clone()).collect()
}

/// The types that a role can use, in words, or none when `found` is one of them.
pub(super) fn unusable(role: &TableRole, found: &DataType) -> Option<&'static str> {
    match role {
        TableRole::Time => wrong_type(ColumnRole::Time, found),
        TableRole::Number | TableRole::Weight | TableRole::Duration => {
            wrong_type(ColumnRole::Weight, found)
        }
        TableRole::Categories { .. } | TableRole::History { .. } => {
            let is_plain = |found: &DataType| is_text(found) || found.is_integer();
            (!is_plain(found) && !element(found).is_some_and(is_plain))
                .then_some("text, whole numbers, or lists of one of these")
        }
        _ => wrong_type(ColumnRole::Attribute, found),
    }
}

/// Hands on the rows of all batches.
pub(super) fn take_batches<E>(
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    mut chunks: Chunks<'_, '_, E>,
    sink: &Sink<'_, E>,
    ledger: &mut RowLedger,
) -> Result<(), DataError> {
    let mut columns = Vec::new();
    let wanted = batches.take_while(|_| !sink.is_stopped().get());
    each_batch(wanted, ledger, |batch, ledger| {
        if columns.is_empty() {
            columns = names(&batch.schema());
        }
        let cells =
            BatchCells::of_plan(&chunks.plan, batch).map_err(|source| broken(ledger, source))?;
        each_row(batch, ledger, |row, _| {
            Ok(chunks.push(&BatchRow { cells: &cells, row }))
        })
    })?;
    chunks.flush();
    ledger.check(chunks.n_good, &columns)
}

/// The columns of a batch that are read.
pub(super) struct BatchCells(Vec<Option<ColumnCells>>);

impl BatchCells {
    fn of_plan(plan: &TablePlan<'_>, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let mut cells: Vec<Option<ColumnCells>> = Vec::new();
        cells.resize_with(batch.num_columns(), || None);
        for (column, planned) in plan.columns() {
            let Some(planned) = planned else {
                continue;
            };
            let role = match column.role {
                TableRole::Time => ColumnRole::Time,
                TableRole::Number | TableRole::Weight | TableRole::Duration => ColumnRole::Weight,
                _ => ColumnRole::Attribute,
            };
            let found = [Some(&planned.column), planned.times.as_ref()];
            for found in found.into_iter().flatten() {
                let array = batch.column(found.index);
                cells[found.index] = Some(ColumnCells::new(role, array)?);
            }
        }
        Ok(Self(cells))
    }

    /// All columns that can be read at all.
    pub(super) fn of_all(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let cells = batch.columns().iter().map(|array| {
            let data_type = array.data_type();
            let is_readable = match element(data_type) {
                Some(element) => can_cast_types(element, &DataType::Utf8),
                None => unusable(&TableRole::Category, data_type).is_none(),
            };
            is_readable
                .then(|| ColumnCells::new(ColumnRole::Attribute, array))
                .transpose()
        });
        cells.collect::<Result<_, _>>().map(Self)
    }
}

/// A column of a batch, brought to one of two forms.
enum ColumnCells {
    Plain(Cells),
    Lists(LargeListArray),
}

impl ColumnCells {
    fn new(role: ColumnRole, array: &ArrayRef) -> Result<Self, ArrowError> {
        if element(array.data_type()).is_none() {
            return Cells::new(role, array).map(Self::Plain);
        }
        let field = Arc::new(Field::new_list_field(DataType::Utf8, true));
        let lists = cast(array, &DataType::LargeList(field))?;
        Ok(Self::Lists(lists.as_list::<i64>().clone()))
    }
}

/// A row of a batch.
pub(super) struct BatchRow<'a> {
    pub(super) cells: &'a BatchCells,
    pub(super) row: usize,
}

impl BatchRow<'_> {
    fn column(&self, column: &Column) -> Option<&ColumnCells> {
        self.cells.0.get(column.index)?.as_ref()
    }
}

impl RowCells for BatchRow<'_> {
    fn text(&self, column: &Column) -> Result<Cow<'_, str>, Box<RowFault>> {
        Ok(match self.column(column) {
            // NaN is a gap, as tables with gaps have them.
            Some(ColumnCells::Plain(Cells::Float(cells))) if cells.value(self.row).is_nan() => {
                Cow::Borrowed("")
            }
            Some(ColumnCells::Plain(cells)) => cells.text(self.row),
            _ => Cow::Borrowed(""),
        })
    }

    fn list(&self, column: &Column) -> Option<Vec<Cow<'_, str>>> {
        let Some(ColumnCells::Lists(lists)) = self.column(column) else {
            return None;
        };
        if lists.is_null(self.row) {
            return Some(Vec::new());
        }
        let offsets = lists.value_offsets();
        let texts = lists.values().as_string::<i32>();
        let values = offsets[self.row] as usize..offsets[self.row + 1] as usize;
        let entry = |index| match texts.is_null(index) {
            true => Cow::Borrowed(""),
            false => Cow::Borrowed(texts.value(index)),
        };
        Some(values.map(entry).collect())
    }

    fn time(&self, column: &Column, text: &str, parser: &TimeParser) -> Result<i64, RowRule> {
        match self.column(column) {
            Some(ColumnCells::Plain(cells)) => cells.time(self.row, parser),
            _ => parser.text(text),
        }
    }
}
