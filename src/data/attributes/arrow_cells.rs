//! The cells of a record batch, as attributes.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, LargeListArray, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field};

use super::builder::Cell;
use super::options::AttributeKind;
use super::plan::AttributePlan;
use super::table::is_finite;
use super::text::{number, values};
use crate::data::bad_row::{RowFault, RowRule};
use crate::data::cells::{Cells, is_text};
use crate::data::error::ColumnRole;

/// The columns of one batch that are read.
pub(super) struct BatchCells {
    id: Cells,
    columns: Vec<ColumnCells>,
}

impl BatchCells {
    pub(super) fn new(plan: &AttributePlan, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let columns = plan.columns.iter().map(|planned| {
            let column = batch.column(planned.column.index);
            ColumnCells::new(planned.reading.kind(), column)
        });
        Ok(Self {
            id: Cells::new(ColumnRole::Id, batch.column(plan.id.index))?,
            columns: columns.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn row(
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
        Cow::Borrowed(text) => values(text, kind.separator()).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => values(&text, kind.separator())
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
