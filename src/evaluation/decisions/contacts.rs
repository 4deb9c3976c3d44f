//! Lists of customers to contact.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::costs::{Costs, expected_values};
use crate::evaluation::EvaluationError;
use crate::evaluation::classification::check_threshold;

/// How many customers can be contacted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// This many; at least 1 and at most all.
    Customers(usize),
    /// This share of them, in `(0, 1]`, rounded down; one at least must be left.
    Share(f64),
}

/// Who comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Who leaves with the highest probability. The default.
    #[default]
    Probability,
    /// Whose contact is expected to gain most: another order where customers differ in value.
    ExpectedValue,
}

/// Whom to contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactRule {
    /// Whoever's contact is expected to gain something. The default. For calibrated probabilities no rule earns more.
    #[default]
    ExpectedValue,
    /// Whoever leaves with this probability or a higher one, in `[0, 1]`.
    Threshold(f64),
    /// As many as can be, the first by priority, whether a gain is expected of them or not.
    Budget {
        /// How many.
        budget: Budget,
        /// Who comes first.
        by: Priority,
    },
}

/// The rows of the customers to contact, by priority; of equal ones the earlier row comes first.
///
/// # Errors
/// - as [`expected_values`]
/// - [`EvaluationError::NoThreshold`] for [`ContactRule::ExpectedValue`] where costs that all share say never or always
/// - [`EvaluationError::SettingOutOfRange`] for a threshold outside `[0, 1]`, a share outside `(0, 1]`, a budget of no customer
/// - [`EvaluationError::BudgetExceedsCustomers`]
pub fn choose_contacts(
    probabilities: &[f64],
    costs: &Costs,
    rule: ContactRule,
) -> Result<Vec<usize>, EvaluationError> {
    let expected = expected_values(probabilities, costs)?;
    rule.check(costs)?;
    let mut order = ranked(probabilities, &expected, rule.priority());
    order.truncate(rule.n_contacts(&order, probabilities, &expected)?);
    Ok(order)
}

/// All rows by priority; of equal ones the earlier row comes first.
pub(super) fn ranked(probabilities: &[f64], expected: &[f64], by: Priority) -> Vec<usize> {
    let scores = match by {
        Priority::Probability => probabilities,
        Priority::ExpectedValue => expected,
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // The sort keeps the order of equals. All are numbers, and -0 must equal 0.
    order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap_or(Ordering::Equal));
    order
}

impl ContactRule {
    /// # Errors
    /// [`EvaluationError::NoThreshold`], [`EvaluationError::SettingOutOfRange`].
    pub(super) fn check(self, costs: &Costs) -> Result<(), EvaluationError> {
        match (self, costs) {
            (Self::ExpectedValue, Costs::Same(matrix)) => matrix.threshold().map(|_| ()),
            (Self::Threshold(threshold), _) => check_threshold(threshold),
            _ => Ok(()),
        }
    }

    /// Who comes first.
    pub(super) fn priority(self) -> Priority {
        match self {
            Self::ExpectedValue => Priority::ExpectedValue,
            Self::Threshold(_) => Priority::Probability,
            Self::Budget { by, .. } => by,
        }
    }

    /// How many of the first are contacted.
    pub(super) fn n_contacts(
        self,
        order: &[usize],
        probabilities: &[f64],
        expected: &[f64],
    ) -> Result<usize, EvaluationError> {
        Ok(match self {
            Self::ExpectedValue => order.partition_point(|&row| expected[row] > 0.0),
            Self::Threshold(threshold) => {
                order.partition_point(|&row| probabilities[row] >= threshold)
            }
            Self::Budget { budget, .. } => budget.n_contacts(order.len())?,
        })
    }
}

impl Budget {
    fn n_contacts(self, n_customers: usize) -> Result<usize, EvaluationError> {
        let budget = match self {
            Self::Customers(budget) => budget,
            Self::Share(share) if share > 0.0 && share <= 1.0 => {
                // The slack is more than the rounding of the product, so that 0.29 of 100 is 29.
                (share * n_customers as f64 + 1e-9) as usize
            }
            Self::Share(share) => {
                return Err(EvaluationError::SettingOutOfRange {
                    setting: "share of customers",
                    value: share,
                    rule: "above 0 and at most 1",
                });
            }
        };
        match budget {
            0 => Err(EvaluationError::SettingOutOfRange {
                setting: "contact budget",
                value: 0.0,
                rule: "at least 1 customer",
            }),
            _ if budget > n_customers => Err(EvaluationError::BudgetExceedsCustomers {
                budget,
                n_customers,
            }),
            _ => Ok(budget),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customers(budget) => write!(f, "{budget} customers"),
            Self::Share(share) => write!(f, "a share of {share}"),
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probability => "probability",
            Self::ExpectedValue => "expected value",
        })
    }
}

impl fmt::Display for ContactRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExpectedValue => f.write_str("expected value above 0"),
            Self::Threshold(threshold) => write!(f, "probability at least {threshold}"),
            Self::Budget { budget, by } => write!(f, "{budget} by {by}"),
        }
    }
}
