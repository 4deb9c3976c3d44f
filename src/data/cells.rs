//! A column of a record batch, brought to one of four forms.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, StringArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, TimeUnit};

use super::bad_row::RowRule;
use super::collect::{checked_weight, weight_of_text};
use super::error::ColumnRole;
use super::time::{TimeParser, Unit};

/// The greatest whole number below which all whole numbers are exact in `f64`.
const MAX_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// A column of a record batch.
pub(crate) enum Cells {
    Text(StringArray),
    Integer(Int64Array),
    Float(Float64Array),
    Moment(Int64Array, Unit),
}

/// The types that a role can use, in words, or none when `found` is one of them.
pub(crate) fn wrong_type(role: ColumnRole, found: &DataType) -> Option<&'static str> {
    let is_text = is_text(found);
    let is_number = found.is_integer() || found.is_floating();
    let is_moment = matches!(
        found,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
    );
    match role {
        ColumnRole::User | ColumnRole::Item | ColumnRole::Id => {
            (!(is_text || is_number)).then_some("text or whole numbers")
        }
        ColumnRole::Attribute | ColumnRole::Label | ColumnRole::Group | ColumnRole::Field => {
            (!(is_text || is_number || *found == DataType::Boolean))
                .then_some("text, numbers or booleans")
        }
        ColumnRole::Event => (!(is_text || found.is_integer() || *found == DataType::Boolean))
            .then_some("text, whole numbers or booleans"),
        ColumnRole::Weight | ColumnRole::Duration => {
            (!(is_text || is_number || found.is_decimal())).then_some("numbers")
        }
        ColumnRole::Time | ColumnRole::TieBreak => {
            (!(is_text || is_number || is_moment)).then_some("timestamps, dates, numbers or text")
        }
    }
}

pub(crate) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values) || values.is_integer(),
        _ => false,
    }
}

impl Cells {
    /// Brings a column, whose type the role can use, to one of the forms.
    pub(crate) fn new(role: ColumnRole, column: &ArrayRef) -> Result<Self, ArrowError> {
        let data_type = column.data_type();
        let moment = match data_type {
            DataType::Timestamp(TimeUnit::Second, _) => Some(Unit::Seconds),
            DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Date64 => Some(Unit::Millis),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(Unit::Micros),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(Unit::Nanos),
            DataType::Date32 => Some(Unit::Days),
            _ => None,
        };
        if let Some(unit) = moment {
            return Ok(Self::Moment(integers(column)?, unit));
        }
        // Numbers of 64 bits without a sign do not fit the integers here, but their text does.
        let is_numeric_role = matches!(role, ColumnRole::Time | ColumnRole::TieBreak);
        Ok(match role {
            _ if data_type.is_floating() => Self::Float(floats(column)?),
            ColumnRole::Weight if !is_text(data_type) => Self::Float(floats(column)?),
            _ if is_numeric_role && data_type.is_integer() && *data_type != DataType::UInt64 => {
                Self::Integer(integers(column)?)
            }
            _ => Self::Text(cast(column, &DataType::Utf8)?.as_string::<i32>().clone()),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(cells) => cells.is_null(row),
            Self::Integer(cells) | Self::Moment(cells, _) => cells.is_null(row),
            Self::Float(cells) => cells.is_null(row),
        }
    }

    /// What stands in a row, as text; empty for a null.
    pub(crate) fn text(&self, row: usize) -> Cow<'_, str> {
        if self.is_null(row) {
            return Cow::Borrowed("");
        }
        match self {
            Self::Text(cells) => Cow::Borrowed(cells.value(row)),
            Self::Integer(cells) | Self::Moment(cells, _) => {
                Cow::Owned(cells.value(row).to_string())
            }
            Self::Float(cells) => Cow::Owned(cells.value(row).to_string()),
        }
    }

    /// An id. Whole numbers stored as floats, as tables with gaps have them, read as whole numbers; NaN is a gap.
    pub(crate) fn id(&self, row: usize, missing: RowRule) -> Result<Cow<'_, str>, RowRule> {
        match self {
            Self::Float(cells) if !self.is_null(row) => match cells.value(row) {
                value if value.is_nan() => Err(missing),
                value if value.fract() == 0.0 && value.abs() < MAX_EXACT_FLOAT => {
                    Ok(Cow::Owned((value as i64).to_string()))
                }
                _ => Err(RowRule::IdNotWhole),
            },
            _ => Ok(self.text(row)),
        }
    }

    pub(crate) fn time(&self, row: usize, parser: &TimeParser) -> Result<i64, RowRule> {
        if self.is_null(row) {
            return Err(RowRule::MissingTime);
        }
        match self {
            Self::Text(cells) => parser.text(cells.value(row)),
            Self::Integer(cells) => parser.integer(cells.value(row)),
            Self::Float(cells) => parser.float(cells.value(row)),
            Self::Moment(cells, unit) => unit.checked_millis(cells.value(row)),
        }
    }

    pub(crate) fn weight(&self, row: usize) -> Result<f32, RowRule> {
        match self {
            _ if self.is_null(row) => Err(RowRule::MissingWeight),
            Self::Float(cells) => checked_weight(cells.value(row)),
            _ => weight_of_text(&self.text(row)),
        }
    }
}

fn integers(column: &ArrayRef) -> Result<Int64Array, ArrowError> {
    // Days are 32-bit integers; the cast from there is exact.
    let column = match column.data_type() {
        DataType::Date32 => cast(column, &DataType::Int32)?,
        _ => column.clone(),
    };
    Ok(cast(&column, &DataType::Int64)?
        .as_primitive::<Int64Type>()
        .clone())
}

fn floats(column: &ArrayRef) -> Result<Float64Array, ArrowError> {
    Ok(cast(column, &DataType::Float64)?
        .as_primitive::<Float64Type>()
        .clone())
}
