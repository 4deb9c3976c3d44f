//! Whom to contact, and what that earns.
//!
//! [`CostMatrix`] says what contacting a customer is worth if the customer would leave (a positive) and if not; the threshold
//! for calibrated probabilities follows from it. A [`ContactRule`] makes a list of customers, [`evaluate_decisions`] says what
//! the list would have earned where the labels are known, and [`best_threshold`] looks for the threshold that earns most.
//!
//! ```
//! use salient::evaluation::decisions::{
//!     Budget, ContactRule, CostMatrix, Costs, Priority, choose_contacts,
//! };
//!
//! // A call costs 5 and keeps one in four of those who would leave, each worth 100.
//! let matrix = CostMatrix::contact(5.0, 100.0, 0.25)?;
//! assert!((matrix.threshold()? - 0.2).abs() < 1e-12);
//! let costs = Costs::Same(matrix);
//! let probabilities = [0.1, 0.9, 0.3];
//! assert_eq!(choose_contacts(&probabilities, &costs, ContactRule::ExpectedValue)?, [1, 2]);
//! let one = ContactRule::Budget { budget: Budget::Customers(1), by: Priority::Probability };
//! assert_eq!(choose_contacts(&probabilities, &costs, one)?, [1]);
//! # Ok::<(), salient::evaluation::EvaluationError>(())
//! ```

mod best_threshold;
mod contacts;
mod costs;
mod curves;
mod customers;
mod evaluate;
#[cfg(feature = "plot")]
mod plot;
mod protocol;
mod report;
mod settings;

pub use best_threshold::{BestThreshold, best_threshold};
pub use contacts::{Budget, ContactRule, Priority, choose_contacts};
pub use costs::{CostMatrix, Costs, expected_values};
pub use curves::{Decile, ProfitPoint};
pub use evaluate::evaluate_decisions;
pub use protocol::{CostsUsed, DecisionProtocol};
pub use report::DecisionReport;
pub use settings::DecisionSettings;
