//! Event logs as delimited text.

use std::io::BufRead;
use std::path::Path;

use csv::ByteRecord;

use super::bad_row::{RowFault, RowRule};
use super::collect::{Collector, Row, checked_id, too_many_values, weight_of_text};
use super::error::{DataError, Origin};
use super::options::ReadOptions;
use super::records::{read_records, text};
use super::schema::{Column, InteractionSchema, ResolvedSchema};
use super::summary::RowLedger;
use super::time::TimeParser;

/// Reads text from `input` to the end.
pub(crate) fn read_text(
    input: impl BufRead,
    path: &Path,
    schema: &InteractionSchema,
    options: &ReadOptions,
) -> Result<(Collector, RowLedger), DataError> {
    let origin = Origin::File(path.to_owned());
    let (log, ledger) = read_records(
        input,
        path,
        options,
        |table| {
            let reader = RowReader {
                columns: schema.resolve(table)?,
                time: TimeParser::new(&schema.time_format)?,
            };
            Ok((Collector::new(&reader.columns), reader))
        },
        |(collector, reader), record, _| match reader.row(record) {
            Ok(row) => match collector.push(&row) {
                Ok(()) => Ok(Ok(())),
                Err(full) => Err(too_many_values(&origin, &reader.columns, full)),
            },
            Err(fault) => Ok(Err(fault)),
        },
    )?;
    Ok((log.0, ledger))
}

/// Reads rows from records.
struct RowReader {
    columns: ResolvedSchema,
    time: TimeParser,
}

impl RowReader {
    fn row<'a>(&self, record: &'a ByteRecord) -> Result<Row<'a>, Box<RowFault>> {
        let columns = &self.columns;
        let user = text(record, &columns.user)?;
        let item = text(record, &columns.item)?;
        Ok(Row {
            user: checked_id(user, &columns.user, RowRule::MissingUser)?,
            item: checked_id(item, &columns.item, RowRule::MissingItem)?,
            time_utc_millis: value(record, columns.time.as_ref(), |text| self.time.text(text))?
                .unwrap_or_default(),
            tie_break: match &columns.tie_break {
                Some(column) => text(record, column)?,
                None => "",
            },
            event: match &columns.event {
                Some(column) => Some(checked_id(
                    text(record, column)?,
                    column,
                    RowRule::MissingEvent,
                )?),
                None => None,
            },
            weight: value(record, columns.weight.as_ref(), weight_of_text)?,
        })
    }
}

/// The value of a column that may not be asked for.
fn value<T>(
    record: &ByteRecord,
    column: Option<&Column>,
    read: impl Fn(&str) -> Result<T, RowRule>,
) -> Result<Option<T>, Box<RowFault>> {
    let Some(column) = column else {
        return Ok(None);
    };
    let text = text(record, column)?;
    read(text)
        .map(Some)
        .map_err(|rule| RowFault::new(Some(&column.name), text.as_bytes(), rule))
}
