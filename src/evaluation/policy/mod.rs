//! What a policy would earn, from the log of another that chose by chance.
//!
//! A [`LoggedAction`] holds what was done, with which probability, and what came of it. [`evaluate_policy`] weighs the rewards
//! by how much likelier the target policy is to do the same.
//!
//! ```
//! use salient::evaluation::policy::{LoggedAction, PolicySettings, evaluate_policy};
//!
//! // One of two adverts was shown at random; the target policy always shows the one that is clicked.
//! let shown = |reward, target_probability| LoggedAction { propensity: 0.5, reward, target_probability };
//! let log = [shown(1.0, 1.0), shown(0.0, 0.0), shown(1.0, 1.0), shown(0.0, 0.0)];
//! let report = evaluate_policy(&log, None, &PolicySettings::default())?;
//! assert_eq!(report.logged_value.mean, 0.5);
//! assert_eq!(report.inverse_propensity.mean, 1.0);
//! # Ok::<(), salient::evaluation::EvaluationError>(())
//! ```

mod evaluate;
mod log;
mod report;
mod sums;

pub use evaluate::evaluate_policy;
pub use log::{LoggedAction, PolicyInterval, PolicySettings, RewardPrediction};
pub use report::PolicyReport;
