//! What contacting would have earned.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Decile, ProfitPoint};
use crate::evaluation::classification::Confusion;
use crate::evaluation::text_table::TextTable;
use crate::evaluation::{Estimate, Protocol};

/// What contacting customers by a rule would have earned. Prints as aligned tables.
///
/// Values are in the money of the costs, against doing nothing, a customer: those who are not contacted count, too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionReport {
    /// Who made the predictions.
    pub model: String,
    /// Number of rows.
    pub n_rows: usize,
    /// Number of positives: customers who left.
    pub n_positives: usize,
    /// Number of rows that the rule contacts.
    pub n_contacts: usize,
    /// Number of those of whom a loss is expected: a budget larger than it pays.
    pub n_losing_contacts: usize,
    /// The probability above which contacting pays; `None` if customers have costs of their own, or the costs say never or
    /// always.
    pub implied_threshold: Option<f64>,
    /// Weight of the rows by decision and label.
    pub confusion: Confusion,
    /// What the contacts gain, by the labels.
    pub value_per_customer: Estimate,
    /// What they were expected to gain, by the probabilities: far from it if these are not calibrated.
    pub expected_value_per_customer: f64,
    /// What contacting everybody gains.
    pub value_of_contacting_all: f64,
    /// What could be gained if the labels were known.
    pub value_of_knowing: f64,
    /// Share of positives among the contacts; `None` without contacts.
    pub precision: Option<Estimate>,
    /// Share of the positives that are contacted.
    pub recall: Option<Estimate>,
    /// The harmonic mean of precision and recall.
    pub f1: Option<Estimate>,
    /// Share of the rows that are decided rightly.
    pub accuracy: Option<Estimate>,
    /// How many times more positives there are among the contacts than among as many at random; `None` without contacts.
    pub lift: Option<Estimate>,
    /// Tenths of the rows, the highest probabilities first.
    pub deciles: Vec<Decile>,
    /// The value of contacting more and more customers by the priority of the rule, in hundredths of them.
    pub profit: Vec<ProfitPoint>,
    /// What was measured, and how.
    pub protocol: Protocol,
}

impl DecisionReport {
    fn value_table(&self) -> TextTable {
        let mut table = TextTable::new(["measure", "value"].map(str::to_owned));
        let number = |value: f64| Some(Estimate::without_interval(value));
        let rows = [
            ("value per customer", Some(self.value_per_customer)),
            ("expected", number(self.expected_value_per_customer)),
            (
                "if all were contacted",
                number(self.value_of_contacting_all),
            ),
            ("if labels were known", number(self.value_of_knowing)),
            ("precision", self.precision),
            ("recall", self.recall),
            ("F1", self.f1),
            ("accuracy", self.accuracy),
            ("lift", self.lift),
            (
                "threshold of the costs",
                self.implied_threshold.and_then(number),
            ),
        ];
        for (name, estimate) in rows {
            if let Some(estimate) = estimate {
                table.push([name.to_owned(), estimate.to_string()]);
            }
        }
        table
    }

    fn confusion_table(&self) -> TextTable {
        let mut table = TextTable::new(["", "positives", "negatives"].map(str::to_owned));
        let c = &self.confusion;
        for (name, positives, negatives) in [
            ("contacted", c.true_positives, c.false_positives),
            ("not contacted", c.false_negatives, c.true_negatives),
        ] {
            table.push([
                name.to_owned(),
                positives.to_string(),
                negatives.to_string(),
            ]);
        }
        table
    }

    fn decile_table(&self) -> TextTable {
        let header = [
            "decile",
            "rows",
            "mean prediction",
            "share of positives",
            "lift",
            "gain",
        ];
        let mut table = TextTable::new(header.map(str::to_owned));
        for (number, decile) in (1..).zip(&self.deciles) {
            table.push([
                format!("{number}"),
                format!("{:.1}", decile.n_rows),
                format!("{:.4}", decile.mean_prediction),
                format!("{:.4}", decile.positive_share),
                format!("{:.4}", decile.lift),
                format!("{:.4}", decile.cumulative_gain),
            ]);
        }
        table
    }
}

impl fmt::Display for DecisionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n_rows, n_positives) = (self.n_rows, self.n_positives);
        writeln!(f, "{}: {n_rows} rows, {n_positives} positives", self.model)?;
        writeln!(
            f,
            "contacts: {}, of whom a loss is expected of {}",
            self.n_contacts, self.n_losing_contacts
        )?;
        write!(f, "\n{}", self.value_table())?;
        write!(f, "\n\n{}", self.confusion_table())?;
        write!(f, "\n\n{}", self.decile_table())?;
        write!(f, "\n\n{}", self.protocol)
    }
}
