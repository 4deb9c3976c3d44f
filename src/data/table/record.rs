//! Rows that a caller has in memory, such as a request for a prediction.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::plan::{TableParts, TablePlan};
use super::rows::{RowCells, TableRows};
use super::schema::TableSchema;
use crate::data::bad_row::{OnBadRow, Place, RowFault, RowRule};
use crate::data::error::{DataError, Origin};
use crate::data::schema::Column;
use crate::data::summary::RowLedger;

/// A cell of a [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordCell {
    /// Nothing.
    Missing,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text, read as a cell of a file is.
    Text(String),
    /// The values of a list, one by one.
    List(Vec<RecordCell>),
}

impl From<&str> for RecordCell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for RecordCell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for RecordCell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl RecordCell {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Missing => "".into(),
            Self::Flag(flag) => flag.to_string().into(),
            Self::Integer(number) => number.to_string().into(),
            Self::Number(number) => number.to_string().into(),
            Self::Text(text) => text.into(),
            Self::List(cells) => {
                let texts: Vec<Cow<'_, str>> = cells.iter().map(Self::text).collect();
                texts.join(" ").into()
            }
        }
    }
}

/// One row in memory: cells by the names of the columns. As JSON an object, such as `{"brand": "acme", "price": 2.5}`.
pub type Record = HashMap<String, RecordCell>;

/// What becomes of a column that a record does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentColumns {
    /// The record is refused. The default.
    #[default]
    Refuse,
    /// Its value is missing.
    Missing,
}

impl TableSchema {
    /// Rows from records, by the same rules as rows from files. Further cells do no harm.
    ///
    /// # Errors
    /// [`DataError::BadRow`] names the first record that breaks a rule, counted from 1, and the column.
    pub fn rows_of<'r>(
        &self,
        records: impl IntoIterator<Item = &'r Record>,
        parts: TableParts,
        absent: AbsentColumns,
    ) -> Result<TableRows, DataError> {
        let plan = TablePlan::of_record(self, parts)?;
        let mut rows = TableRows::new(&plan);
        let ledger = RowLedger::new(Origin::Rows, OnBadRow::Fail);
        for (record, place) in records.into_iter().zip(1..) {
            let row = RecordRow { record, absent };
            rows.push(&plan, &row)
                .map_err(|fault| DataError::BadRow(ledger.error(Place::Row(place), *fault)))?;
        }
        Ok(rows)
    }
}

/// A record, and what becomes of a column that it does not have.
struct RecordRow<'a> {
    record: &'a Record,
    absent: AbsentColumns,
}

impl RowCells for RecordRow<'_> {
    fn text(&self, column: &Column) -> Result<Cow<'_, str>, Box<RowFault>> {
        match self.record.get(&column.name) {
            Some(cell) => Ok(cell.text()),
            None if self.absent == AbsentColumns::Missing => Ok(Cow::Borrowed("")),
            None => Err(RowFault::new(
                Some(&column.name),
                b"",
                RowRule::AbsentFromRecord,
            )),
        }
    }

    fn list(&self, column: &Column) -> Option<Vec<Cow<'_, str>>> {
        match self.record.get(&column.name) {
            Some(RecordCell::List(cells)) => Some(cells.iter().map(RecordCell::text).collect()),
            _ => None,
        }
    }
}
