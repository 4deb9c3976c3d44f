//! What an evaluation of prediction sets found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PredictionSet;
use crate::evaluation::text_table::TextTable;
use crate::evaluation::{Interval, Protocol};

/// What an evaluation of prediction sets found. Prints as aligned tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConformalReport {
    /// Who made the predictions.
    pub model: String,
    /// How often the sets hold the label.
    pub coverage: Coverage,
    /// How often the sets of the negative rows do; `None` without such rows.
    pub negatives: Option<Coverage>,
    /// How often the sets of the positive rows do; `None` without such rows.
    pub positives: Option<Coverage>,
    /// Number of sets without a label.
    pub n_empty: usize,
    /// Number of sets of the negative label alone.
    pub n_negative: usize,
    /// Number of sets of the positive label alone.
    pub n_positive: usize,
    /// Number of sets of both labels.
    pub n_both: usize,
    /// Mean number of labels in a set.
    pub mean_set_size: f64,
    /// Share of the sets that hold one label.
    pub single_share: f64,
    /// What was measured, and how.
    pub protocol: Protocol,
}

/// How often sets hold the label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Number of rows.
    pub n_rows: usize,
    /// Number of rows whose label is in their set.
    pub n_covered: usize,
    /// The share of rows whose label is in their set.
    pub share: f64,
    /// Where the coverage of rows to come may lie: [`clopper_pearson`](super::clopper_pearson).
    pub interval: Interval,
    /// Where the share should lie if the rows are exchangeable with the calibration rows and without ties, chance in both of
    /// them counted; ties may raise it. `None` where nothing is promised: of each class under marginal sets, of all rows under
    /// class-conditional ones.
    pub promised: Option<Interval>,
}

impl Coverage {
    /// Whether the share lies where it should; `None` where nothing is promised.
    pub fn is_as_promised(&self) -> Option<bool> {
        let Interval { low, high } = self.promised?;
        Some(low <= self.share && self.share <= high)
    }
}

impl ConformalReport {
    fn coverage_table(&self) -> TextTable {
        let header = ["coverage", "rows", "share", "interval", "should lie in"];
        let mut table = TextTable::new(header.map(str::to_owned));
        let lines = [
            ("all", Some(self.coverage)),
            ("negatives", self.negatives),
            ("positives", self.positives),
        ];
        for (name, coverage) in lines {
            if let Some(coverage) = coverage {
                table.push([
                    name.to_owned(),
                    coverage.n_rows.to_string(),
                    format!("{:.4}", coverage.share),
                    format_interval(coverage.interval),
                    coverage.promised.map_or_else(String::new, format_interval),
                ]);
            }
        }
        table
    }

    fn sets_table(&self) -> TextTable {
        let mut table = TextTable::new(["set", "rows", "share"].map(str::to_owned));
        let sets = [
            (PredictionSet::Empty, self.n_empty),
            (PredictionSet::Negative, self.n_negative),
            (PredictionSet::Positive, self.n_positive),
            (PredictionSet::Both, self.n_both),
        ];
        for (set, n) in sets {
            let share = n as f64 / self.coverage.n_rows as f64;
            table.push([set.to_string(), n.to_string(), format!("{share:.4}")]);
        }
        table
    }
}

fn format_interval(Interval { low, high }: Interval) -> String {
    format!("[{low:.4}, {high:.4}]")
}

impl fmt::Display for ConformalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_rows = self.coverage.n_rows;
        let (size, single) = (self.mean_set_size, self.single_share);
        writeln!(
            f,
            "{}: {n_rows} rows\n\n{}\n",
            self.model,
            self.coverage_table()
        )?;
        writeln!(f, "{}\n", self.sets_table())?;
        writeln!(
            f,
            "mean set size   {size:.4}\nsingle labels   {single:.4}\n"
        )?;
        write!(f, "{}", self.protocol)
    }
}
