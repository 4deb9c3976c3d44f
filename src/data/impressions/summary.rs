//! What became of the impressions of a log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of the impressions of a log. Prints one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpressionSummary {
    /// Rows of the table.
    pub n_rows: usize,
    /// Rows with a success.
    pub n_positive: usize,
    /// Users with a row.
    pub n_users: usize,
    /// Impressions left out because they lie outside the times asked for.
    pub n_outside: usize,
    /// Impressions left out because the log ends before their window does.
    pub n_open_left_out: usize,
    /// Rows whose window reaches beyond the end of the log; some that are labelled negative may be none.
    pub n_open_kept: usize,
}

impl fmt::Display for ImpressionSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            n_rows,
            n_positive,
            n_users,
            ..
        } = self;
        // Without rows there is no table, but a summary may come from a file.
        let share = 100.0 * *n_positive as f64 / (*n_rows).max(1) as f64;
        write!(
            formatter,
            "{n_rows} impressions of {n_users} users, {n_positive} positive ({share:.2} %)"
        )?;
        if self.n_open_left_out > 0 {
            let n_open = self.n_open_left_out;
            write!(
                formatter,
                "; {n_open} left out: the log ends before their window"
            )?;
        }
        if self.n_open_kept > 0 {
            let n_open = self.n_open_kept;
            write!(formatter, "; of {n_open} the log ends before their window")?;
        }
        Ok(())
    }
}
