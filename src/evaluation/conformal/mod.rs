//! Sets of labels that hold the true one as often as they promise.
//!
//! A [`ConformalClassifier`] is calibrated on rows that training did not see. It turns a probability into a
//! [`PredictionSet`]: one label where the model is sure enough, both or none where it is not. [`evaluate_conformal`] counts on
//! further rows how often the sets hold the label.
//!
//! ```
//! use salient::evaluation::classification::ClassificationCases;
//! use salient::evaluation::conformal::{ConformalClassifier, ConformalKind, PredictionSet};
//!
//! let probabilities = vec![0.9, 0.8, 0.6, 0.3, 0.2, 0.2, 0.1, 0.1, 0.05];
//! let labels = vec![true, true, true, true, false, false, false, false, false];
//! let cases = ClassificationCases::new(probabilities, labels)?;
//! let classifier = ConformalClassifier::fit(ConformalKind::Marginal, 0.2, &cases)?;
//! let sets = classifier.predict_sets(&[0.95, 0.5, 0.1])?;
//! assert_eq!(sets, [PredictionSet::Positive, PredictionSet::Empty, PredictionSet::Negative]);
//! # Ok::<(), salient::evaluation::EvaluationError>(())
//! ```

mod binomial;
mod classifier;
mod evaluate;
mod protocol;
mod quantile;
mod report;
mod set;

pub use binomial::clopper_pearson;
pub use classifier::{ConformalClassifier, ConformalKind};
pub use evaluate::{ConformalSettings, evaluate_conformal};
pub use protocol::ConformalProtocol;
pub use report::{ConformalReport, Coverage};
pub use set::PredictionSet;
