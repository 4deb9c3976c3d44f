//! What was read from a table, and what was left out.

use serde::{Deserialize, Serialize};

use super::bad_row::{BadRow, OnBadRow, Place, RowFault};
use super::error::{DataError, Origin};

/// Layout of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableFormat {
    /// Delimited text.
    Text,
    /// Delimited text, packed by gzip.
    GzipText,
    /// Parquet.
    Parquet,
    /// Arrow record batches given by the caller.
    RecordBatches,
}

/// Rows left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRows {
    /// The reason, in a few words.
    pub reason: String,
    /// Number of rows.
    pub n_rows: u64,
    /// The first such row, as an error would put it.
    pub first: String,
}

/// What was read from a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadSummary {
    /// Name of the file without its folder, or what else the rows came from.
    pub name: String,
    /// Layout of the table.
    pub format: TableFormat,
    /// SHA-256 of the file as it lies on disk, in hexadecimal; none when there is no file.
    pub sha256: Option<String>,
    /// Size of the file as it lies on disk; none when there is no file.
    pub n_bytes: Option<u64>,
    /// Number of rows read, bad ones included, headers not.
    pub n_rows_read: u64,
    /// Rows left out because they break a rule, by reason, in order of first appearance.
    pub skipped: Vec<SkippedRows>,
}

impl ReadSummary {
    /// Number of rows left out because they break a rule.
    pub fn n_rows_skipped(&self) -> u64 {
        self.skipped.iter().map(|skipped| skipped.n_rows).sum()
    }
}

/// Counts the rows of a table and decides what becomes of bad ones.
pub(crate) struct RowLedger {
    pub(crate) origin: Origin,
    on_bad_row: OnBadRow,
    pub(crate) n_rows_read: u64,
    pub(crate) skipped: Vec<SkippedRows>,
    first: Option<Box<BadRow>>,
}

impl RowLedger {
    pub(crate) fn new(origin: Origin, on_bad_row: OnBadRow) -> Self {
        Self {
            origin,
            on_bad_row,
            n_rows_read: 0,
            skipped: Vec::new(),
            first: None,
        }
    }

    /// The error for a bad row.
    pub(crate) fn error(&self, place: Place, fault: RowFault) -> Box<BadRow> {
        Box::new(BadRow {
            origin: self.origin.clone(),
            place,
            column: fault.column,
            text: fault.text,
            rule: fault.rule,
        })
    }

    /// Counts a bad row, or fails with it.
    pub(crate) fn bad(&mut self, place: Place, fault: RowFault) -> Result<(), DataError> {
        if self.on_bad_row == OnBadRow::Fail {
            return Err(DataError::BadRow(self.error(place, fault)));
        }
        let reason = fault.rule.reason();
        let known = self.skipped.iter().position(|known| known.reason == reason);
        match known {
            Some(known) => self.skipped[known].n_rows += 1,
            None => {
                let bad = self.error(place, fault);
                self.skipped.push(SkippedRows {
                    reason: reason.into(),
                    n_rows: 1,
                    first: bad.to_string(),
                });
                self.first.get_or_insert(bad);
            }
        }
        Ok(())
    }

    /// What was read from record batches.
    pub(crate) fn batch_summary(self) -> ReadSummary {
        ReadSummary {
            name: self.origin.to_string(),
            format: TableFormat::RecordBatches,
            sha256: None,
            n_bytes: None,
            n_rows_read: self.n_rows_read,
            skipped: self.skipped,
        }
    }

    /// Fails when no good row is there.
    pub(crate) fn check(&mut self, n_good: usize, columns: &[String]) -> Result<(), DataError> {
        if n_good > 0 {
            return Ok(());
        }
        let origin = self.origin.clone();
        Err(match self.first.take() {
            Some(first) => DataError::NoGoodRows {
                origin,
                n_rows: self.n_rows_read,
                first,
            },
            None => DataError::NoRows {
                origin,
                columns: columns.to_vec(),
            },
        })
    }
}
