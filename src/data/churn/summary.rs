//! What became of the customers of a log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::data::time::moment_of_millis;

/// What became of the customers of a log. Prints a line, and one for each cut-off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChurnSummary {
    /// What became of them at each cut-off.
    pub cut_offs: Vec<CutOffSummary>,
    /// Customers with a row.
    pub n_customers: usize,
    /// Rows of customers of whom one event is visible.
    pub n_one_event: usize,
    /// Customers with a row of whom the table of customers knows nothing.
    pub n_unknown: usize,
    /// Events of the log at the time of the one before of the same customer, whose order is that of the file alone.
    pub n_tied: usize,
    /// The last moment of the log, in milliseconds since 1970, UTC.
    pub log_end_utc_millis: i64,
}

/// What became of the customers of a log at a cut-off. Prints one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOffSummary {
    /// The cut-off, in milliseconds since 1970, UTC.
    pub cut_off_utc_millis: i64,
    /// Rows of the table.
    pub n_rows: usize,
    /// Rows of customers that churned.
    pub n_churned: usize,
    /// Customers left out because their first event is after the cut-off.
    pub n_not_yet: usize,
    /// Customers left out because their last event is too long before the cut-off.
    pub n_inactive: usize,
}

impl CutOffSummary {
    /// Nobody yet.
    pub(super) fn new(cut_off_utc_millis: i64) -> Self {
        Self {
            cut_off_utc_millis,
            ..Self::default()
        }
    }
}

impl ChurnSummary {
    /// Rows of the table.
    pub fn n_rows(&self) -> usize {
        self.cut_offs.iter().map(|at| at.n_rows).sum()
    }

    /// Rows of customers that churned.
    pub fn n_churned(&self) -> usize {
        self.cut_offs.iter().map(|at| at.n_churned).sum()
    }
}

impl fmt::Display for ChurnSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_rows, n_churned) = (self.n_rows(), self.n_churned());
        write!(
            formatter,
            "{n_rows} rows of {} customers at {} cut-offs, {n_churned} churned ({:.2} %); the log ends at {}",
            self.n_customers,
            self.cut_offs.len(),
            share(n_churned, n_rows),
            moment_of_millis(self.log_end_utc_millis)
        )?;
        for (n, what) in [
            (self.n_one_event, "rows show one event"),
            (self.n_unknown, "customers have no attributes"),
            (
                self.n_tied,
                "events are ordered by the file alone, at one time with the event before",
            ),
        ] {
            if n > 0 {
                write!(formatter, "; {n} {what}")?;
            }
        }
        for at in &self.cut_offs {
            write!(formatter, "\n{at}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CutOffSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            n_rows, n_churned, ..
        } = self;
        write!(
            formatter,
            "{}: {n_rows} rows, {n_churned} churned ({:.2} %)",
            moment_of_millis(self.cut_off_utc_millis),
            share(*n_churned, *n_rows)
        )?;
        for (n, why) in [
            (self.n_not_yet, "their first event is later"),
            (self.n_inactive, "their last event is too long before"),
        ] {
            if n > 0 {
                write!(formatter, "; {n} left out: {why}")?;
            }
        }
        Ok(())
    }
}

/// In percent; without rows it is 0.
fn share(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
