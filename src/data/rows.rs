//! Event logs as rows that a caller has in memory.

use super::bad_row::{OnBadRow, Place, RowFault, RowRule};
use super::collect::{Collector, Row, checked_id, checked_weight, too_many_values};
use super::error::{DataError, Origin};
use super::interactions::{InteractionRow, Interactions};
use super::schema::{Column, ResolvedSchema};
use super::summary::RowLedger;
use super::time::in_range;

impl Interactions {
    /// Builds an event log from rows. The first row says whether events and weights are there.
    ///
    /// ```
    /// use salient::data::{InteractionRow, Interactions};
    ///
    /// let row = |item: &str, time_utc_millis| InteractionRow {
    ///     user: "anna".into(),
    ///     item: item.into(),
    ///     time_utc_millis,
    ///     ..InteractionRow::default()
    /// };
    /// let log = Interactions::from_rows([row("cup", 2), row("tea", 1)])?;
    /// assert_eq!(log.times_utc_millis(), [1, 2]);
    /// assert_eq!(log.item_id(log.items()[0]), "tea");
    /// # Ok::<(), salient::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::BadRow`] for an empty id, a time outside the years 0 to 9999, a weight that is not finite, or an event or
    /// weight that only some rows have; [`DataError::Empty`] when there are no rows.
    pub fn from_rows(rows: impl IntoIterator<Item = InteractionRow>) -> Result<Self, DataError> {
        let origin = Origin::Rows;
        let mut rows = rows.into_iter().peekable();
        let Some(first) = rows.peek() else {
            return Err(DataError::Empty { origin });
        };
        let schema = schema_of(first);
        let mut ledger = RowLedger::new(origin.clone(), OnBadRow::Fail);
        let mut collector = Collector::new(&schema);
        for row in rows {
            ledger.n_rows_read += 1;
            match checked(&row, &schema) {
                Ok(row) => collector
                    .push(&row)
                    .map_err(|full| too_many_values(&origin, &schema, full))?,
                Err(fault) => ledger.bad(Place::Row(ledger.n_rows_read), *fault)?,
            }
        }
        Ok(collector.finish())
    }
}

/// The fields of rows such as `row`, as columns.
fn schema_of(row: &InteractionRow) -> ResolvedSchema {
    let column = |index, name: &str| Column {
        index,
        name: name.into(),
    };
    ResolvedSchema {
        user: column(0, "user"),
        item: column(1, "item"),
        time: Some(column(2, "time_utc_millis")),
        tie_break: None,
        event: row.event.is_some().then(|| column(3, "event")),
        weight: row.weight.is_some().then(|| column(4, "weight")),
    }
}

fn checked<'a>(row: &'a InteractionRow, schema: &ResolvedSchema) -> Result<Row<'a>, Box<RowFault>> {
    let time = in_range(row.time_utc_millis, "milliseconds").map_err(|rule| {
        let text = row.time_utc_millis.to_string();
        RowFault::new(Some("time_utc_millis"), text.as_bytes(), rule)
    })?;
    let event = match (&schema.event, row.event.as_deref()) {
        (Some(column), event) => {
            let event = event.unwrap_or_default();
            Some(checked_id(event, column, RowRule::MissingEvent)?)
        }
        (None, Some(event)) => {
            let rule = RowRule::OnlySomeRows;
            return Err(RowFault::new(Some("event"), event.as_bytes(), rule));
        }
        (None, None) => None,
    };
    let weight = match (&schema.weight, row.weight) {
        (None, None) => Ok(None),
        (Some(_), Some(weight)) => checked_weight(f64::from(weight)).map(Some),
        (Some(_), None) => Err(RowRule::MissingWeight),
        (None, Some(_)) => Err(RowRule::OnlySomeRows),
    }
    .map_err(|rule| {
        let text = row
            .weight
            .map(|weight| weight.to_string())
            .unwrap_or_default();
        RowFault::new(Some("weight"), text.as_bytes(), rule)
    })?;
    Ok(Row {
        user: checked_id(&row.user, &schema.user, RowRule::MissingUser)?,
        item: checked_id(&row.item, &schema.item, RowRule::MissingItem)?,
        time_utc_millis: time,
        tie_break: "",
        event,
        weight,
    })
}
