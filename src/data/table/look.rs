//! A look at the first rows of a table.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fs::File;
use std::io::BufRead;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, SchemaRef};

use super::arrow::{BatchCells, BatchRow, names};
use super::chunks::UntilStopped;
use super::guess::NamedColumns;
use super::missing::{entries, present};
use super::options::TableOptions;
use super::role::TableRole;
use super::rows::RowCells;
use crate::data::attributes::number;
use crate::data::bad_row::{RowFault, RowRule};
use crate::data::error::{DataError, Origin};
use crate::data::parquet::parquet_batches;
use crate::data::record_batch::{broken, each_batch, each_row};
use crate::data::records::{Taken, read_records};
use crate::data::schema::{Column, Columns};
use crate::data::summary::RowLedger;

/// Examples of the values of a column.
const N_EXAMPLES: usize = 3;

/// Characters of an example.
const MAX_EXAMPLE_CHARS: usize = 20;

/// What was seen of a table.
pub(super) struct Look {
    pub(super) named: NamedColumns,
    pub(super) columns: Vec<ColumnLook>,
    pub(super) n_rows: u64,
}

/// What was seen of a column.
pub(super) struct ColumnLook {
    pub(super) column: Column,
    /// The type, where the table has types.
    pub(super) data_type: Option<DataType>,
    separator: Option<char>,
    pub(super) values: HashSet<Box<str>>,
    /// Values in all.
    pub(super) n_values: usize,
    n_missing: u64,
    pub(super) are_numbers: bool,
    pub(super) are_integers: bool,
    pub(super) examples: Vec<String>,
}

/// Looks at the first rows of a text.
pub(super) fn look_at_text(
    input: &mut dyn BufRead,
    path: &Path,
    options: &TableOptions,
) -> Result<Look, DataError> {
    let is_stopped = Cell::new(false);
    let input = UntilStopped {
        input,
        is_stopped: &is_stopped,
    };
    let (look, _) = read_records(
        input,
        path,
        &options.file,
        |table| Look::new(table, None, options),
        |look, record, _| {
            let taken = look.take(record, options);
            is_stopped.set(look.n_rows >= options.n_look_rows);
            Ok(taken)
        },
    )?;
    Ok(look)
}

/// Looks at the first rows of a Parquet file.
pub(super) fn look_at_parquet(
    file: File,
    path: &Path,
    options: &TableOptions,
) -> Result<Look, DataError> {
    let origin = Origin::File(path.to_owned());
    let (table, batches) = parquet_batches(file, path, |table| {
        Ok((table.clone(), (0..table.fields().len()).collect()))
    })?;
    look_at_batches(&table, batches, &origin, options)
}

/// Looks at the first rows of record batches.
pub(super) fn look_at_batches(
    table: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    origin: &Origin,
    options: &TableOptions,
) -> Result<Look, DataError> {
    let names = names(table);
    let columns = Columns {
        origin,
        names: &names,
        has_header: true,
    };
    let mut look = Look::new(&columns, Some(table), options)?;
    let mut ledger = RowLedger::new(origin.clone(), options.file.on_bad_row);
    let is_enough = Cell::new(false);
    let wanted = batches.take_while(|_| !is_enough.get());
    each_batch(wanted, &mut ledger, |batch, ledger| {
        let n_rows = options.n_look_rows.saturating_sub(look.n_rows);
        let n_rows = usize::try_from(n_rows).unwrap_or(usize::MAX);
        let batch = batch.slice(0, n_rows.min(batch.num_rows()));
        let cells = BatchCells::of_all(&batch).map_err(|source| broken(ledger, source))?;
        each_row(&batch, ledger, |row, _| {
            Ok(look.take(&BatchRow { cells: &cells, row }, options))
        })?;
        is_enough.set(look.n_rows >= options.n_look_rows);
        Ok(())
    })?;
    ledger.check(look.n_rows as usize, &names)?;
    Ok(look)
}

impl Look {
    fn new(
        table: &Columns<'_>,
        types: Option<&SchemaRef>,
        options: &TableOptions,
    ) -> Result<Self, DataError> {
        let named = NamedColumns::find(table, &options.columns)?;
        let columns = table.names.iter().enumerate().map(|(index, name)| {
            let separator = named.roles(index).find_map(TableRole::separator);
            ColumnLook {
                column: Column {
                    index,
                    name: name.clone(),
                },
                data_type: types.map(|table| table.field(index).data_type().clone()),
                separator,
                values: HashSet::new(),
                n_values: 0,
                n_missing: 0,
                are_numbers: true,
                are_integers: true,
                examples: Vec::new(),
            }
        });
        Ok(Self {
            columns: columns.collect(),
            named,
            n_rows: 0,
        })
    }

    fn take(&mut self, row: &impl RowCells, options: &TableOptions) -> Taken {
        // All cells are read before any counts, so that a bad row counts nowhere.
        let cells = self
            .columns
            .iter()
            .map(|look| present_values(row, look, &options.missing));
        let cells = cells.collect::<Result<Vec<Vec<_>>, Box<RowFault>>>()?;
        for (look, values) in self.columns.iter_mut().zip(&cells) {
            look.take(values);
        }
        self.n_rows += 1;
        Ok(())
    }
}

/// The values of a cell.
fn present_values<'a>(
    row: &'a impl RowCells,
    look: &ColumnLook,
    missing: &[String],
) -> Result<Vec<Cow<'a, str>>, Box<RowFault>> {
    if let Some(list) = row.list(&look.column) {
        let values = list.into_iter().map(|entry| match entry {
            Cow::Borrowed(text) => Cow::Borrowed(present(text, missing)),
            Cow::Owned(text) => Cow::Owned(present(&text, missing).to_owned()),
        });
        return Ok(values.filter(|value| !value.is_empty()).collect());
    }
    let is_there = |value: &&str| !value.is_empty();
    Ok(match row.text(&look.column)? {
        Cow::Borrowed(text) => {
            let values = entries(text, look.separator, missing).filter(is_there);
            values.map(Cow::Borrowed).collect()
        }
        Cow::Owned(text) => {
            let values = entries(&text, look.separator, missing).filter(is_there);
            values.map(|value| Cow::Owned(value.to_owned())).collect()
        }
    })
}

impl ColumnLook {
    fn take(&mut self, values: &[Cow<'_, str>]) {
        self.n_missing += u64::from(values.is_empty());
        for value in values {
            self.n_values += 1;
            if self.values.contains(&**value) {
                continue;
            }
            // A number that is not finite is for the reader to refuse, or to be named as missing.
            self.are_numbers &= matches!(number(value), Ok(_) | Err(RowRule::NonFiniteNumber));
            self.are_integers &= value.parse::<i128>().is_ok();
            self.values.insert((&**value).into());
            if self.examples.len() < N_EXAMPLES {
                let short: String = value.chars().take(MAX_EXAMPLE_CHARS).collect();
                self.examples.push(short);
            }
        }
    }

    /// Share of the rows where it is missing.
    pub(super) fn missing(&self, n_rows: u64) -> f64 {
        self.n_missing as f64 / n_rows.max(1) as f64
    }
}
