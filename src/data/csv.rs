//! Event logs as delimited text.

use std::io::{self, BufRead};
use std::path::Path;

use csv::ByteRecord;

use super::bad_row::{Place, RowFault, RowRule, shortened};
use super::collect::{Collector, Row, checked_id, too_many_values, weight_of_text};
use super::error::{DataError, Origin};
use super::lines::{LineFeeder, LongLine};
use super::options::{Delimiter, ReadOptions};
use super::schema::{Column, Columns, InteractionSchema, ResolvedSchema};
use super::summary::RowLedger;
use super::time::TimeParser;

/// Reads text from `input` to the end.
pub(crate) fn read_text(
    input: impl BufRead,
    path: &Path,
    schema: &InteractionSchema,
    options: &ReadOptions,
) -> Result<(Collector, RowLedger), DataError> {
    let mut records = Records::new(input, path, options)?;
    let origin = Origin::File(path.to_owned());
    let mut ledger = RowLedger::new(origin.clone(), options.on_bad_row);
    if !records.advance()? {
        return Err(DataError::Empty { origin });
    }
    let names = if options.has_header {
        records.header(path)?
    } else {
        Columns::numbered(records.record.len())
    };
    let table = Columns {
        origin: &origin,
        names: &names,
        has_header: options.has_header,
    };
    let reader = RowReader {
        columns: schema.resolve(&table)?,
        n_columns: names.len(),
        time: TimeParser::new(&schema.time_format)?,
    };
    let mut collector = Collector::new(&reader.columns);
    records.feeder().skip_long_lines = true;
    let mut more = !options.has_header || records.advance()?;
    loop {
        records.report_long_lines(&mut ledger)?;
        if !more {
            break;
        }
        ledger.n_rows_read += 1;
        match reader.row(&mut records) {
            Ok(row) => collector
                .push(&row)
                .map_err(|full| too_many_values(&origin, &reader.columns, full))?,
            Err(fault) => ledger.bad(Place::Line(records.feeder().record_line()), *fault)?,
        }
        more = records.advance()?;
    }
    ledger.check(collector.n_rows(), &names)?;
    Ok((collector, ledger))
}

/// The records of a text file, one at a time.
struct Records<R: BufRead> {
    reader: csv::Reader<LineFeeder<R>>,
    record: ByteRecord,
    path: std::path::PathBuf,
    limit: usize,
}

impl<R: BufRead> Records<R> {
    fn new(input: R, path: &Path, options: &ReadOptions) -> Result<Self, DataError> {
        if options.max_line_bytes == 0 {
            return Err(DataError::InvalidLineLimit { limit: 0 });
        }
        let delimiter = options
            .delimiter
            .unwrap_or_else(|| Delimiter::for_path(path));
        let feeder = LineFeeder::new(input, options.max_line_bytes);
        Ok(Self {
            reader: csv::ReaderBuilder::new()
                .delimiter(delimiter.byte())
                .has_headers(false)
                // Rows of a wrong length are ours to report.
                .flexible(true)
                .from_reader(feeder),
            record: ByteRecord::new(),
            path: path.to_owned(),
            limit: options.max_line_bytes,
        })
    }

    fn feeder(&mut self) -> &mut LineFeeder<R> {
        self.reader.get_mut()
    }

    /// Reads the next record; false at the end.
    fn advance(&mut self) -> Result<bool, DataError> {
        self.feeder().begin_record();
        let error = match self.reader.read_byte_record(&mut self.record) {
            Ok(more) => return Ok(more),
            Err(error) => error,
        };
        if let Some(long) = self.feeder().stopped_by.take() {
            let (place, fault) = long_line(long, self.limit);
            let ledger = RowLedger::new(Origin::File(self.path.clone()), Default::default());
            return Err(DataError::BadRow(ledger.error(place, fault)));
        }
        let path = self.path.clone();
        Err(match error.into_kind() {
            csv::ErrorKind::Io(source) if is_broken_gzip(&source) => DataError::BrokenGzip {
                path,
                line: self.feeder().n_lines,
                source,
            },
            csv::ErrorKind::Io(source) => DataError::Unreadable { path, source },
            other => DataError::Unreadable {
                path,
                source: io::Error::other(format!("{other:?}")),
            },
        })
    }

    /// The current record as column names.
    fn header(&mut self, path: &Path) -> Result<Vec<String>, DataError> {
        self.record
            .iter()
            .map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()))
            .collect::<Result<_, _>>()
            .map_err(|_| DataError::HeaderNotUtf8 {
                path: path.to_owned(),
                line: self.reader.get_ref().record_line(),
                text: shortened(self.record.as_slice()),
            })
    }

    fn report_long_lines(&mut self, ledger: &mut RowLedger) -> Result<(), DataError> {
        let limit = self.limit;
        for long in std::mem::take(&mut self.feeder().skipped) {
            ledger.n_rows_read += 1;
            let (place, fault) = long_line(long, limit);
            ledger.bad(place, fault)?;
        }
        Ok(())
    }
}

fn long_line(long: LongLine, limit: usize) -> (Place, RowFault) {
    let fault = RowFault::new(None, &long.head, RowRule::LineTooLong { limit });
    (Place::Line(long.line), *fault)
}

/// Whether the gzip decoder, not the system, refused the bytes: these kinds do not come from reading a file.
fn is_broken_gzip(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
}

/// Reads rows from records.
struct RowReader {
    columns: ResolvedSchema,
    n_columns: usize,
    time: TimeParser,
}

impl RowReader {
    fn row<'a, R: BufRead>(&self, records: &'a mut Records<R>) -> Result<Row<'a>, Box<RowFault>> {
        let ends_inside_quotes = records.feeder().ends_inside_quotes();
        let record = &records.record;
        if ends_inside_quotes {
            return Err(RowFault::new(
                None,
                record.as_slice(),
                RowRule::UnclosedQuote,
            ));
        }
        if record.len() != self.n_columns {
            let rule = RowRule::WrongColumnCount {
                found: record.len(),
                expected: self.n_columns,
            };
            return Err(RowFault::new(None, record.as_slice(), rule));
        }
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

/// The text of a column.
fn text<'a>(record: &'a ByteRecord, column: &Column) -> Result<&'a str, Box<RowFault>> {
    let bytes = &record[column.index];
    std::str::from_utf8(bytes)
        .map_err(|_| RowFault::new(Some(&column.name), bytes, RowRule::NotUtf8))
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
