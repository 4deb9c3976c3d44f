//! What contacting a customer is worth.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evaluation::EvaluationError;
use crate::evaluation::classification::{check_length, check_probabilities};

/// What each outcome is worth, in money; losses are below 0. Positives are the customers who would leave.
///
/// All four are counted from the same point, whichever it is: what is decided depends on differences alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostMatrix {
    /// Of contacting a customer who would leave; between -1e100 and 1e100, as all are.
    pub true_positive: f64,
    /// Of contacting a customer who would stay.
    pub false_positive: f64,
    /// Of not contacting a customer who would leave.
    pub false_negative: f64,
    /// Of not contacting a customer who would stay.
    pub true_negative: f64,
}

impl CostMatrix {
    /// A contact costs `contact_cost` and keeps a customer who would leave, worth `value_of_customer`, with chance
    /// `success_rate`. Counted from doing nothing, which is worth 0.
    ///
    /// That chance is taken at its word; only an experiment that leaves some customers alone measures it.
    ///
    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`] for a cost or a value that is not between 0 and 1e100, or a rate that is not
    /// between 0 and 1.
    pub fn contact(
        contact_cost: f64,
        value_of_customer: f64,
        success_rate: f64,
    ) -> Result<Self, EvaluationError> {
        let out_of_range = |setting, value, rule| EvaluationError::SettingOutOfRange {
            setting,
            value,
            rule,
        };
        let money = 0.0..=MOST_MONEY;
        for (setting, value) in [
            ("contact_cost", contact_cost),
            ("value_of_customer", value_of_customer),
        ] {
            if !money.contains(&value) {
                return Err(out_of_range(setting, value, "between 0 and 1e100"));
            }
        }
        if !(0.0..=1.0).contains(&success_rate) {
            return Err(out_of_range(
                "success_rate",
                success_rate,
                "between 0 and 1",
            ));
        }
        Ok(Self {
            true_positive: success_rate * value_of_customer - contact_cost,
            // Not `-contact_cost`, which of a free contact is -0 and prints so.
            false_positive: 0.0 - contact_cost,
            false_negative: 0.0,
            true_negative: 0.0,
        })
    }

    /// What contacting gains against doing nothing, where it is known whether the customer would leave.
    pub fn gain(&self, would_leave: bool) -> f64 {
        match would_leave {
            true => self.true_positive - self.false_negative,
            false => self.false_positive - self.true_negative,
        }
    }

    /// What contacting gains against doing nothing, expected of a customer who leaves with this probability.
    pub fn expected_value(&self, probability: f64) -> f64 {
        probability * self.gain(true) + (1.0 - probability) * self.gain(false)
    }

    /// The probability above which contacting pays, if probabilities are calibrated: `l / (l + g)` with the gain `g` at a customer
    /// who would leave and the loss `l` at one who would stay.
    ///
    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`] for a value that is not finite; [`EvaluationError::NoThreshold`] unless a customer
    /// who would leave gains something and one who would stay costs something: then contacting never pays, or always.
    ///
    /// # Source
    /// Elkan 2001, "The foundations of cost-sensitive learning", equation 2. Differences: worth instead of costs.
    pub fn threshold(&self) -> Result<f64, EvaluationError> {
        self.check()?;
        let (positive, negative) = (self.gain(true), self.gain(false));
        let reason = match (positive > 0.0, negative < 0.0) {
            (true, true) => return Ok(-negative / (positive - negative)),
            (true, false) => "contacting always pays",
            (false, false) if negative > 0.0 && positive < 0.0 => {
                "contacting pays at low probabilities instead of high ones"
            }
            (false, false) if negative > 0.0 => "contacting always pays",
            (false, _) => "contacting never pays",
        };
        Err(EvaluationError::NoThreshold {
            positive,
            negative,
            reason,
        })
    }

    fn values(&self) -> [(&'static str, f64); 4] {
        [
            ("true_positive", self.true_positive),
            ("false_positive", self.false_positive),
            ("false_negative", self.false_negative),
            ("true_negative", self.true_negative),
        ]
    }

    /// The first value that is no sum of money.
    fn wrong_value(&self) -> Option<(&'static str, f64)> {
        let range = -MOST_MONEY..=MOST_MONEY;
        let mut values = self.values().into_iter();
        values.find(|(_, value)| !range.contains(value))
    }

    /// # Errors
    /// [`EvaluationError::SettingOutOfRange`].
    fn check(&self) -> Result<(), EvaluationError> {
        match self.wrong_value() {
            None => Ok(()),
            Some((setting, value)) => Err(EvaluationError::SettingOutOfRange {
                setting,
                value,
                rule: MONEY,
            }),
        }
    }
}

/// The largest sum, so that its product with a weight is a number.
const MOST_MONEY: f64 = 1e100;
const MONEY: &str = "between -1e100 and 1e100";

impl fmt::Display for CostMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values();
        let named = values.map(|(name, value)| format!("{} {value}", name.replace('_', " ")));
        f.write_str(&named.join(", "))
    }
}

/// The costs of all customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Costs {
    /// The same for each.
    Same(CostMatrix),
    /// One matrix a customer, in the order of the rows.
    ByRow(Vec<CostMatrix>),
}

impl Costs {
    /// As [`CostMatrix::contact`], where each customer has a value of their own.
    ///
    /// # Errors
    /// As there; [`EvaluationError::RowOutOfRange`] for a value.
    pub fn contact(
        contact_cost: f64,
        values_of_customers: &[f64],
        success_rate: f64,
    ) -> Result<Self, EvaluationError> {
        let matrix = |(row, &value): (usize, &f64)| {
            if !(0.0..=MOST_MONEY).contains(&value) {
                return Err(EvaluationError::RowOutOfRange {
                    column: "value_of_customer",
                    row,
                    value,
                    rule: "between 0 and 1e100",
                });
            }
            CostMatrix::contact(contact_cost, value, success_rate)
        };
        let rows = values_of_customers.iter().enumerate();
        Ok(Self::ByRow(rows.map(matrix).collect::<Result<_, _>>()?))
    }

    /// The costs of a row.
    pub(super) fn of(&self, row: usize) -> &CostMatrix {
        match self {
            Self::Same(matrix) => matrix,
            Self::ByRow(matrices) => &matrices[row],
        }
    }

    /// # Errors
    /// [`EvaluationError::RowCount`]; [`EvaluationError::SettingOutOfRange`], or [`EvaluationError::RowOutOfRange`] by row.
    pub(super) fn check(&self, n_rows: usize) -> Result<(), EvaluationError> {
        let matrices = match self {
            Self::Same(matrix) => return matrix.check(),
            Self::ByRow(matrices) => matrices,
        };
        check_length("costs", matrices.len(), n_rows)?;
        for (row, matrix) in matrices.iter().enumerate() {
            if let Some((column, value)) = matrix.wrong_value() {
                return Err(EvaluationError::RowOutOfRange {
                    column,
                    row,
                    value,
                    rule: MONEY,
                });
            }
        }
        Ok(())
    }
}

/// What contacting each customer gains against doing nothing, expected by the probabilities to leave.
///
/// # Errors
/// [`EvaluationError::RowOutOfRange`] for a probability that is not a number in `[0, 1]`, or costs that are not between -1e100 and
/// 1e100; [`EvaluationError::SettingOutOfRange`] for such costs that all share; [`EvaluationError::RowCount`].
pub fn expected_values(probabilities: &[f64], costs: &Costs) -> Result<Vec<f64>, EvaluationError> {
    check_probabilities(probabilities)?;
    costs.check(probabilities.len())?;
    let rows = probabilities.iter().enumerate();
    Ok(rows
        .map(|(row, &probability)| costs.of(row).expected_value(probability))
        .collect())
}
