//! That no row knows what came after its cut-off.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, LargeListArray, LargeStringArray, PrimitiveArray, RecordBatch};

use super::error::ChurnError;
use super::table::{CUSTOMER, HISTORY_TIMES, PREDICTED_AT, RECENCY};
use crate::data::time::MILLIS_PER_DAY;

/// Checks that every time of a history, and every last event, is at its row's cut-off or before.
pub(super) fn check_nothing_after(table: &RecordBatch) -> Result<(), ChurnError> {
    let check = Check {
        customers: typed(table, CUSTOMER, |array| array.as_string_opt())?,
        predicted_at: typed(table, PREDICTED_AT, |array| array.as_primitive_opt())?,
    };
    if table.column_by_name(HISTORY_TIMES).is_some() {
        let times = typed(table, HISTORY_TIMES, |array| array.as_list_opt())?;
        check.histories(times)?;
    }
    check.recency(typed(table, RECENCY, |array| array.as_primitive_opt())?)
}

/// A column of the type that the rule gives it.
fn typed<'a, A>(
    table: &'a RecordBatch,
    column: &'static str,
    read: impl Fn(&'a ArrayRef) -> Option<&'a A>,
) -> Result<&'a A, ChurnError> {
    let array = table.column_by_name(column);
    array
        .and_then(read)
        .ok_or(ChurnError::UnknownTable { column })
}

struct Check<'a> {
    customers: &'a LargeStringArray,
    predicted_at: &'a PrimitiveArray<Int64Type>,
}

impl Check<'_> {
    fn histories(&self, histories: &LargeListArray) -> Result<(), ChurnError> {
        let column = HISTORY_TIMES;
        let times = histories.values().as_primitive_opt::<Int64Type>();
        let times = times.ok_or(ChurnError::UnknownTable { column })?;
        for (row, bounds) in histories.value_offsets().windows(2).enumerate() {
            let own = &times.values()[bounds[0] as usize..bounds[1] as usize];
            if let Some(&time) = own.iter().find(|&&time| time >= self.at(row)) {
                return Err(self.after(column, row, time));
            }
        }
        Ok(())
    }

    fn recency(&self, recency_days: &PrimitiveArray<Float64Type>) -> Result<(), ChurnError> {
        match recency_days.values().iter().position(|days| *days < 0.0) {
            None => Ok(()),
            Some(row) => {
                let ago_millis = recency_days.value(row) * MILLIS_PER_DAY as f64;
                let cut_off = self.at(row).saturating_sub(1);
                let time = cut_off.saturating_sub(ago_millis.round() as i64);
                Err(self.after(RECENCY, row, time))
            }
        }
    }

    fn at(&self, row: usize) -> i64 {
        self.predicted_at.value(row)
    }

    fn after(&self, column: &'static str, row: usize, time: i64) -> ChurnError {
        ChurnError::EventAfterCutOff {
            column,
            customer: self.customers.value(row).to_owned(),
            cut_off: self.at(row).saturating_sub(1),
            time,
        }
    }
}
