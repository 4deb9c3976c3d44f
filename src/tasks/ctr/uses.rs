//! What each row of a table is for.

use rand::RngExt;

use super::data::CtrDataOptions;
use crate::Error;
use crate::data::{
    DataError, RowUse, TableCells, TableRole, TableRows, TableSchema, TableSource, TableSplit,
    TableSplitter, TimeCounts,
};
use crate::random::{RandomKey, Stream};

/// What the rows of a table are for.
pub(super) struct Uses<'a> {
    rule: Rule,
    options: &'a CtrDataOptions,
}

enum Rule {
    All(RowUse),
    Split {
        splitter: TableSplitter,
        group: Option<usize>,
        time: Option<usize>,
    },
}

impl<'a> Uses<'a> {
    /// All rows are for the same.
    pub(super) fn all(part: RowUse, options: &'a CtrDataOptions) -> Self {
        let rule = Rule::All(part);
        Self { rule, options }
    }

    /// Rows are split by a rule, or all to train on.
    pub(super) fn new(
        source: &TableSource,
        table: &TableSchema,
        split: Option<TableSplit>,
        options: &'a CtrDataOptions,
    ) -> Result<Self, Error> {
        let Some(split) = split else {
            return Ok(Self::all(RowUse::Train, options));
        };
        let mut columns = table.columns().iter();
        let group = columns.position(|column| column.role == TableRole::Group);
        let time = table.time();
        if matches!(split, TableSplit::ByTime { .. }) && time.is_none() {
            // The splitter says what is missing, before the table is read for its times.
            TableSplitter::new(split, &TimeCounts::default(), 1)?;
        }
        let (mut times, mut n_rows) = (TimeCounts::default(), 0);
        if TableSplitter::needs_a_look(split) {
            source.read(table, &options.table, |rows| {
                n_rows += rows.n_rows();
                times.extend(times_of(rows, time).unwrap_or_default().iter().copied());
                Ok::<(), Error>(())
            })?;
        }
        let rule = Rule::Split {
            splitter: TableSplitter::new(split, &times, n_rows)?,
            group,
            time,
        };
        Ok(Self { rule, options })
    }

    /// The rows of a chunk, whose first is the `start`-th of the table, that are for something, by what that is. Training rows
    /// that are dropped are for nothing, so that nothing is learnt of them either.
    pub(super) fn of(&self, rows: &TableRows, start: usize) -> Result<[Vec<usize>; 3], DataError> {
        let mut by_use = [Vec::new(), Vec::new(), Vec::new()];
        for row in 0..rows.n_rows() {
            let found = match &self.rule {
                Rule::All(part) => *part,
                Rule::Split {
                    splitter,
                    group,
                    time,
                } => {
                    let group = group.and_then(|group| match &rows.columns()[group] {
                        TableCells::Texts(texts) => Some(&texts[row]),
                        _ => None,
                    });
                    let time = times_of(rows, *time).map(|times| times[row]);
                    splitter.use_of(start + row, group, time)?
                }
            };
            by_use[found as usize].push(row);
        }
        if self.options.negatives_kept < 1.0 {
            by_use[RowUse::Train as usize].retain(|&row| self.keeps(rows, row, start + row));
        }
        Ok(by_use)
    }

    /// Whether a training row is kept: one with a positive label always, others by a draw.
    fn keeps(&self, rows: &TableRows, row: usize, index: usize) -> bool {
        let is_positive = |cells: &TableCells| match cells {
            TableCells::Labels(labels) => labels[row] > 0.0,
            _ => false,
        };
        if rows.columns().iter().any(is_positive) {
            return true;
        }
        let key = RandomKey::new(self.options.seed).stream(Stream::Negatives);
        key.child(index as u64).generator().random::<f64>() < self.options.negatives_kept
    }
}

fn times_of(rows: &TableRows, time: Option<usize>) -> Option<&[i64]> {
    match &rows.columns()[time?] {
        TableCells::Times(times) => Some(times),
        _ => None,
    }
}
