//! The records of a text file, whatever their columns mean.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::bad_row::{Place, RowFault, RowRule, shortened};
use super::error::{DataError, Origin};
use super::lines::{LineFeeder, LongLine};
use super::options::{Delimiter, ReadOptions};
use super::schema::{Column, Columns};
use super::summary::RowLedger;

/// What became of a row: taken, or wrong.
pub(crate) type Taken = Result<(), Box<RowFault>>;

/// Reads text from `input` to the end: `begin` sees the columns, `take` each row of the right length with its place.
pub(crate) fn read_records<T>(
    input: impl BufRead,
    path: &Path,
    options: &ReadOptions,
    begin: impl FnOnce(&Columns<'_>) -> Result<T, DataError>,
    mut take: impl FnMut(&mut T, &ByteRecord, Place) -> Result<Taken, DataError>,
) -> Result<(T, RowLedger), DataError> {
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
    let mut taker = begin(&Columns {
        origin: &origin,
        names: &names,
        has_header: options.has_header,
    })?;
    let mut n_good = 0;
    records.feeder().skip_long_lines = true;
    let mut more = !options.has_header || records.advance()?;
    loop {
        records.report_long_lines(&mut ledger)?;
        if !more {
            break;
        }
        ledger.n_rows_read += 1;
        let place = Place::Line(records.feeder().record_line());
        let taken = match records.whole(names.len()) {
            Ok(record) => take(&mut taker, record, place)?,
            Err(fault) => Err(fault),
        };
        match taken {
            Ok(()) => n_good += 1,
            Err(fault) => ledger.bad(place, *fault)?,
        }
        more = records.advance()?;
    }
    ledger.check(n_good, &names)?;
    Ok((taker, ledger))
}

/// The records of a text file, one at a time.
struct Records<R: BufRead> {
    reader: csv::Reader<LineFeeder<R>>,
    record: ByteRecord,
    path: PathBuf,
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
        let mut feeder = LineFeeder::new(input, options.max_line_bytes);
        feeder.squeezes_blanks = delimiter == Delimiter::WHITESPACE;
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
            csv::ErrorKind::Io(source) => read_error(&path, self.feeder().n_lines, source),
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

    /// The current record, if it is whole.
    fn whole(&mut self, n_columns: usize) -> Result<&ByteRecord, Box<RowFault>> {
        let ends_inside_quotes = self.feeder().ends_inside_quotes();
        let record = &self.record;
        let rule = if ends_inside_quotes {
            RowRule::UnclosedQuote
        } else if record.len() != n_columns {
            RowRule::WrongColumnCount {
                found: record.len(),
                expected: n_columns,
            }
        } else {
            return Ok(record);
        };
        Err(RowFault::new(None, record.as_slice(), rule))
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

/// The error for bytes that cannot be read after `line` lines.
pub(crate) fn read_error(path: &Path, line: u64, source: io::Error) -> DataError {
    let path = path.to_owned();
    match source.kind() {
        // The gzip decoder refuses bytes with these kinds, which do not come from reading a file.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            DataError::BrokenGzip { path, line, source }
        }
        _ => DataError::Unreadable { path, source },
    }
}

/// The text of a column.
pub(crate) fn text<'a>(record: &'a ByteRecord, column: &Column) -> Result<&'a str, Box<RowFault>> {
    let bytes = &record[column.index];
    std::str::from_utf8(bytes)
        .map_err(|_| RowFault::new(Some(&column.name), bytes, RowRule::NotUtf8))
}
