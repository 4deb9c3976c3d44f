//! Rows to numbers.

use std::path::Path;

use super::encoded::{EncodedList, EncodedRows};
use super::fit::check_rows;
use super::hashing::hash;
use super::schema::{Encoding, TabularSchema, is_history};
use super::values::{FIRST_VALUE, Values};
use crate::data::{
    AbsentColumns, DataError, ReadOptions, ReadSummary, Record, TableCells, TableParts, TableRole,
    TableRows, TextLists,
};
use crate::error::Error;
use crate::features::error::FeatureError;

impl TabularSchema {
    /// Rows as numbers. Rows that were read without labels, weights and group have none.
    ///
    /// A value that training did not see is [`UNKNOWN`](super::UNKNOWN), one that is not there
    /// [`MISSING`](super::MISSING). Of a history the last values are kept. A group is a hash of 64 bits of its text, so that a
    /// million of them all differ but for a chance of 3 in 100 million.
    ///
    /// # Errors
    /// [`TabularError::OtherColumns`](super::TabularError::OtherColumns),
    /// [`TabularError::OtherCells`](super::TabularError::OtherCells) for rows that were not read by [`Self::table`].
    pub fn encode(&self, rows: &TableRows) -> Result<EncodedRows, FeatureError> {
        check_rows(&self.table, rows, TableParts::Inputs)?;
        let mut encoded = EncodedRows {
            n_rows: rows.n_rows(),
            ..EncodedRows::default()
        };
        for (column, cells) in self.table.columns().iter().zip(rows.columns()) {
            match (&column.role, cells) {
                (TableRole::Time, TableCells::Times(times)) => {
                    encoded.times_utc_millis.clone_from(times);
                }
                (_, TableCells::Weights(weights)) => encoded.weights.clone_from(weights),
                (TableRole::Group, TableCells::Texts(texts)) => {
                    encoded.groups = texts.iter().map(hash).collect();
                }
                _ => {}
            }
        }
        encoded.labels = self.labels(rows);
        encoded.categories = self.categories(rows);
        encoded.numbers = self.numbers(rows);
        encoded.lists = self.lists(rows);
        Ok(encoded)
    }

    /// Records as numbers, by the same rules as rows of files: for predictions without a file.
    ///
    /// # Errors
    /// [`DataError::BadRow`] names the first record that breaks a rule, and the column.
    pub fn encode_records<'r>(
        &self,
        records: impl IntoIterator<Item = &'r Record>,
        absent: AbsentColumns,
    ) -> Result<EncodedRows, Error> {
        let rows = self.table.rows_of(records, TableParts::Inputs, absent)?;
        Ok(self.encode(&rows)?)
    }

    /// Reads a file, and hands its rows as numbers to `take` a few thousand at a time, in order; for files that do not fit in
    /// memory.
    ///
    /// # Errors
    /// Those of [`TableSchema::read`](crate::data::TableSchema::read), and what `take` gives.
    pub fn read_chunks<E: From<DataError> + From<FeatureError>>(
        &self,
        path: impl AsRef<Path>,
        parts: TableParts,
        options: &ReadOptions,
        mut take: impl FnMut(EncodedRows) -> Result<(), E>,
    ) -> Result<ReadSummary, E> {
        self.table
            .read(path, parts, options, |rows| take(self.encode(rows)?))
    }

    /// Reads a file whole.
    ///
    /// # Errors
    /// Those of [`TableSchema::read`](crate::data::TableSchema::read).
    pub fn read(
        &self,
        path: impl AsRef<Path>,
        parts: TableParts,
        options: &ReadOptions,
    ) -> Result<(EncodedRows, ReadSummary), Error> {
        let mut all: Option<EncodedRows> = None;
        let summary = self.read_chunks(path, parts, options, |rows| {
            match &mut all {
                Some(all) => all.append(&rows),
                None => all = Some(rows),
            }
            Ok::<_, Error>(())
        })?;
        Ok((all.unwrap_or_default(), summary))
    }

    fn labels(&self, rows: &TableRows) -> Vec<f32> {
        let labels = rows.columns().iter().filter_map(|cells| match cells {
            TableCells::Labels(labels) => Some(labels.as_slice()),
            _ => None,
        });
        interleaved(&labels.collect::<Vec<_>>(), rows.n_rows())
    }

    fn categories(&self, rows: &TableRows) -> Vec<u32> {
        let mut fields: Vec<Vec<u32>> = Vec::new();
        for ((_, encoding), cells) in self.columns().zip(rows.columns()) {
            match (encoding, cells) {
                (Encoding::Category(values), TableCells::Texts(texts)) => {
                    fields.push(texts.iter().map(|text| values.id(text)).collect());
                }
                (_, TableCells::Times(times)) => {
                    fields.extend(self.calendar.iter().map(|part| {
                        let times = times.iter();
                        times
                            .map(|&time| part.value(time, self.utc_offset_minutes) + FIRST_VALUE)
                            .collect()
                    }));
                }
                _ => {}
            }
        }
        let fields: Vec<&[u32]> = fields.iter().map(Vec::as_slice).collect();
        interleaved(&fields, rows.n_rows())
    }

    fn numbers(&self, rows: &TableRows) -> Vec<f32> {
        let fields = self.columns().zip(rows.columns());
        let fields: Vec<_> = fields
            .filter_map(|((_, encoding), cells)| match (encoding, cells) {
                (Encoding::Number(numbers), TableCells::Numbers(cells)) => Some((numbers, cells)),
                _ => None,
            })
            .collect();
        let width: usize = fields.iter().map(|(numbers, _)| numbers.width()).sum();
        let mut encoded = vec![0.0; rows.n_rows() * width];
        let mut start = 0;
        for (numbers, cells) in fields {
            let end = start + numbers.width();
            for (row, &cell) in encoded.chunks_exact_mut(width).zip(cells) {
                numbers.write(cell, &mut row[start..end]);
            }
            start = end;
        }
        encoded
    }

    fn lists(&self, rows: &TableRows) -> Vec<EncodedList> {
        let times = rows.columns().iter().find_map(|cells| match cells {
            TableCells::Times(times) => Some(times.as_slice()),
            _ => None,
        });
        let mut lists = Vec::new();
        for (index, ((column, encoding), cells)) in self.columns().zip(rows.columns()).enumerate() {
            let values = match encoding {
                Encoding::List(values) => Some(values),
                Encoding::SharedList => self.shared_values(index),
                _ => None,
            };
            if let (Some(values), TableCells::Lists(cells)) = (values, cells) {
                let limit = if is_history(column) {
                    self.max_history
                } else {
                    usize::MAX
                };
                lists.push(encoded_list(
                    values,
                    cells,
                    limit,
                    times.unwrap_or_default(),
                ));
            }
        }
        lists
    }

    /// The values of the category that the history at `index` shares.
    fn shared_values(&self, index: usize) -> Option<&Values> {
        match &self.encodings[self.table.category_of(index)?] {
            Encoding::Category(values) => Some(values),
            _ => None,
        }
    }
}

/// The last values of each row, with their ages where times are known.
fn encoded_list(
    values: &Values,
    cells: &TextLists,
    limit: usize,
    times_utc_millis: &[i64],
) -> EncodedList {
    let mut list = EncodedList::default();
    for (row, bounds) in cells.offsets.windows(2).enumerate() {
        let start = bounds[0].max(bounds[1].saturating_sub(limit));
        for index in start..bounds[1] {
            list.ids.push(values.id(&cells.values[index]));
            if let (Some(time), Some(now)) =
                (cells.times_utc_millis.get(index), times_utc_millis.get(row))
            {
                list.ages_millis.push(now - time);
            }
        }
        list.offsets.push(list.ids.len());
    }
    list
}

/// Columns of equal length, row by row.
fn interleaved<T: Copy>(columns: &[&[T]], n_rows: usize) -> Vec<T> {
    let rows = 0..n_rows;
    rows.flat_map(|row| columns.iter().map(move |column| column[row]))
        .collect()
}
