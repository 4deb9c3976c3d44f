//! Attributes in delimited text.

use std::borrow::Cow;
use std::io::BufRead;
use std::path::Path;

use csv::ByteRecord;

use super::builder::{Cell, TableBuilder};
use super::error::AttributeError;
use super::options::{AttributeKind, AttributeOptions};
use super::plan::{AttributePlan, Guess, PlannedColumn, Reading, typed_name};
use super::summary::LeftOutReason;
use super::table::is_finite;
use crate::data::bad_row::{Place, RowFault, RowRule};
use crate::data::error::{DataError, Origin};
use crate::data::records::{Taken, read_records, text};
use crate::data::schema::{Column, Columns};
use crate::data::summary::RowLedger;

/// Reads text from `input` to the end.
pub(super) fn read_text(
    input: impl BufRead,
    path: &Path,
    options: &AttributeOptions,
) -> Result<(TableBuilder, RowLedger), DataError> {
    let origin = Origin::File(path.to_owned());
    read_records(
        input,
        path,
        &options.file,
        |table| Ok(TableBuilder::new(&origin, plan(table, options)?)),
        take,
    )
}

fn plan(table: &Columns<'_>, options: &AttributeOptions) -> Result<AttributePlan, DataError> {
    let plan = AttributePlan::new(table, options, guess)?;
    let is_vector = |column: &&PlannedColumn| *column.reading.kind() == AttributeKind::Vector;
    match plan.columns.iter().find(is_vector) {
        Some(planned) => Err(AttributeError::VectorInText {
            origin: table.origin.clone(),
            column: planned.column.name.clone(),
        }
        .into()),
        None => Ok(plan),
    }
}

/// By the type in the header, if there is one.
fn guess(column: &Column) -> Guess {
    match typed_name(&column.name).1 {
        Some("token") => Ok(Reading::Guessed(AttributeKind::Category)),
        Some("token_seq") => Ok(Reading::Guessed(AttributeKind::Categories {
            separator: ' ',
        })),
        Some("float") => Ok(Reading::Guessed(AttributeKind::Number)),
        Some(_) => Err(LeftOutReason::VectorInText),
        None => Ok(Reading::FromValues),
    }
}

fn take(builder: &mut TableBuilder, record: &ByteRecord, place: Place) -> Result<Taken, DataError> {
    let plan = builder.plan();
    let row = text(record, &plan.id).and_then(|id| {
        let cells = plan.columns.iter().map(|planned| cell(record, planned));
        Ok((id, cells.collect::<Result<Vec<_>, _>>()?))
    });
    match row {
        Ok((id, cells)) => builder.push(id, cells, place),
        Err(fault) => Ok(Err(fault)),
    }
}

fn cell<'a>(record: &'a ByteRecord, planned: &PlannedColumn) -> Result<Cell<'a>, Box<RowFault>> {
    let text = text(record, &planned.column)?;
    match planned.reading.kind() {
        AttributeKind::Number => number(text)
            .map(Cell::Number)
            .map_err(|rule| RowFault::new(Some(&planned.column.name), text.as_bytes(), rule)),
        kind => Ok(Cell::Values(
            values(text, kind.separator()).map(Cow::Borrowed).collect(),
        )),
    }
}

/// The values of a cell: one, or where there is a separator any number.
pub(super) fn values(text: &str, separator: Option<char>) -> impl Iterator<Item = &str> {
    text.split(move |character| Some(character) == separator)
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// A number, or none where it is missing.
pub(crate) fn number(text: &str) -> Result<Option<f64>, RowRule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(number) if is_finite(number) => Ok(Some(number)),
        Ok(_) => Err(RowRule::NonFiniteNumber),
        Err(_) => Err(RowRule::UnparsableNumber),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_trimmed_and_empty_ones_left_out() {
        let split = |text: &'static str, separator| -> Vec<&str> {
            values(text, Some(separator)).collect()
        };
        assert_eq!(split(" a  b ", ' '), ["a", "b"]);
        assert_eq!(split("a b| c||", '|'), ["a b", "c"]);
        let one: Vec<&str> = values(" a b ", None).collect();
        assert_eq!(one, ["a b"]);
        assert_eq!(values("  ", None).count(), 0);
    }

    #[test]
    fn numbers_are_finite_or_missing() {
        assert_eq!(number(" 1.5 "), Ok(Some(1.5)));
        assert_eq!(number(""), Ok(None));
        assert_eq!(number("3e38"), Ok(Some(3e38)));
        for text in ["nan", "-inf", "1e39"] {
            assert_eq!(number(text), Err(RowRule::NonFiniteNumber), "{text}");
        }
        assert_eq!(number("1,5"), Err(RowRule::UnparsableNumber));
    }
}
