//! What segments are made of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::numbers::pair;
use crate::evaluation::{Interval, TextTable};

/// What stands in a cell of a table that has nothing to say.
const NONE: &str = "–";
/// Columns that a segment is named after.
const IN_NAME: usize = 2;
/// Columns that say the same and are named one by one in print.
const LIKEWISE_IN_PRINT: usize = 3;

/// What segments are made of, and how many of their customers leave. Prints as aligned tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentReport {
    /// Number of customers.
    pub n_rows: usize,
    /// Share of them who left.
    pub churn_rate: f64,
    /// The segments that have customers, by number.
    pub segments: Vec<SegmentSummary>,
}

/// What a segment is made of. Every row counts once, whatever its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentSummary {
    /// Number of the segment, from 0, as [`Segmentation::assign`](super::Segmentation::assign) gives it.
    pub segment: usize,
    /// What sets it apart in a few words, such as `Contract = Month-to-month, tenure low (9 against 38.2)`.
    pub name: String,
    /// Number of customers.
    pub n_rows: usize,
    /// Their share of all.
    pub share: f64,
    /// Share of them who left.
    pub churn_rate: f64,
    /// Where the chance of leaving may lie: Wilson's interval at 95 %.
    pub churn_interval: Interval,
    /// Mean predicted probability of leaving, where there are predictions.
    pub mean_probability: Option<f64>,
    /// The columns that set the segment apart, the strongest first; none where no column does.
    pub traits: Vec<SegmentTrait>,
}

/// A column that sets a segment apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentTrait {
    /// Its name.
    pub column: String,
    /// Size of the effect: Cohen's d of numbers, limited to 10 either way, and Cohen's h of values. About 0.2 is small, 0.5
    /// medium, 0.8 large.
    pub effect: f64,
    /// What differs.
    pub contrast: SegmentContrast,
    /// Further columns that set it apart by the same customers: correlated with this one by 0.95 or more, either way.
    pub likewise: Vec<String>,
}

/// The customers of a segment against all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SegmentContrast {
    /// Numbers are higher or lower, among those who have one.
    Number {
        /// Mean in the segment.
        mean: f64,
        /// Mean of all others.
        mean_of_others: f64,
        /// Median in the segment.
        median: f64,
        /// Median of all others.
        median_of_others: f64,
    },
    /// A value is more frequent.
    Value {
        /// The value; none stands for a missing one.
        value: Option<String>,
        /// Share of the segment that has it.
        share: f64,
        /// Share of all others.
        share_of_others: f64,
        /// How many times as frequent it is; none where no other customer has it.
        lift: Option<f64>,
    },
}

impl SegmentTrait {
    /// The trait in a few words.
    fn short(&self) -> String {
        let column = &self.column;
        match &self.contrast {
            SegmentContrast::Number {
                mean,
                mean_of_others,
                ..
            } => {
                let [here, others] = pair(*mean, *mean_of_others);
                let side = if mean < mean_of_others { "low" } else { "high" };
                format!("{column} {side} ({here} against {others})")
            }
            SegmentContrast::Value { .. } => self.title(),
        }
    }

    /// What differs, without how much.
    fn title(&self) -> String {
        let column = &self.column;
        match &self.contrast {
            SegmentContrast::Number { .. } => column.clone(),
            SegmentContrast::Value { value: None, .. } => format!("{column} missing"),
            SegmentContrast::Value {
                value: Some(value), ..
            } => format!("{column} = {value}"),
        }
    }

    fn likewise_in_print(&self) -> String {
        let shown = self.likewise.len().min(LIKEWISE_IN_PRINT);
        let names = self.likewise[..shown].join(", ");
        match self.likewise.len() - shown {
            _ if shown == 0 => String::new(),
            0 => format!(" (likewise {names})"),
            n_more => format!(" (likewise {names} and {n_more} more)"),
        }
    }

    fn cells(&self) -> [String; 5] {
        let title = self.title() + &self.likewise_in_print();
        let effect = format!("{:+.2}", self.effect);
        match &self.contrast {
            SegmentContrast::Number {
                mean,
                mean_of_others,
                median,
                median_of_others,
            } => {
                let means = pair(*mean, *mean_of_others);
                let medians = pair(*median, *median_of_others);
                let [here, others] =
                    [0, 1].map(|side| format!("{} ({})", means[side], medians[side]));
                [title, here, others, effect, NONE.to_owned()]
            }
            SegmentContrast::Value {
                share,
                share_of_others,
                lift,
                ..
            } => {
                let [here, others] =
                    [share, share_of_others].map(|s| format!("{:.1} %", s * 100.0));
                let lift = lift.map_or_else(|| NONE.to_owned(), |lift| format!("{lift:.2}"));
                [title, here, others, effect, lift]
            }
        }
    }
}

/// The name of a segment with these traits.
pub(super) fn name(traits: &[SegmentTrait]) -> String {
    let named = traits.iter().take(IN_NAME).map(SegmentTrait::short);
    match traits.is_empty() {
        true => "no column sets it apart".to_owned(),
        false => named.collect::<Vec<_>>().join(", "),
    }
}

impl fmt::Display for SegmentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_rows, n_segments) = (self.n_rows, self.segments.len());
        let rate = self.churn_rate;
        write!(
            f,
            "{n_rows} customers in {n_segments} segments, churn rate {rate:.4}\n\n"
        )?;
        let header = [
            "segment",
            "rows",
            "share",
            "churn rate",
            "interval",
            "mean prediction",
        ];
        let mut table = TextTable::new(header.map(str::to_owned));
        for found in &self.segments {
            let Interval { low, high } = found.churn_interval;
            let prediction = found.mean_probability.map(|mean| format!("{mean:.4}"));
            table.push([
                found.segment.to_string(),
                found.n_rows.to_string(),
                format!("{:.1} %", found.share * 100.0),
                format!("{:.4}", found.churn_rate),
                format!("[{low:.4}, {high:.4}]"),
                prediction.unwrap_or_else(|| NONE.to_owned()),
            ]);
        }
        write!(f, "{table}")?;
        for found in &self.segments {
            write!(f, "\n\nsegment {}: {}", found.segment, found.name)?;
            if found.traits.is_empty() {
                continue;
            }
            let header = ["mean (median) or share", "here", "others", "effect", "lift"];
            let mut table = TextTable::new(header.map(str::to_owned));
            found
                .traits
                .iter()
                .for_each(|found| table.push(found.cells()));
            write!(f, "\n{table}")?;
        }
        Ok(())
    }
}
