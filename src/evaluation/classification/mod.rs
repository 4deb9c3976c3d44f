//! What predicted probabilities are worth.
//!
//! [`ClassificationCases`] are probabilities beside labels, checked; [`roc_auc`], [`log_loss`] and the others measure them;
//! [`evaluate_classification`] puts all measures into a [`ClassificationReport`] with intervals, parts of the cases and the
//! protocol.
//!
//! ```
//! use salient::evaluation::classification::{
//!     ClassificationCases, ClassificationMetric, ClassificationSettings, evaluate_classification,
//!     roc_auc,
//! };
//!
//! let cases = ClassificationCases::new(vec![0.9, 0.2, 0.6, 0.6], vec![true, false, true, false])?;
//! assert_eq!(roc_auc(&cases)?, 0.875);
//! let report = evaluate_classification("by hand", &cases, &ClassificationSettings::default())?;
//! assert_eq!(report.value(ClassificationMetric::RocAuc), Some(0.875));
//! # Ok::<(), salient::evaluation::EvaluationError>(())
//! ```

mod blocks;
mod cases;
mod comparison;
mod discrimination;
mod evaluate;
mod gain;
mod group_auc;
mod metric;
#[cfg(feature = "plot")]
mod plot;
mod prepared;
mod proper_scores;
mod protocol;
mod reliability;
mod report;
mod settings;
mod threshold;

pub(super) use blocks::{ScoreBlock, blocks_of, both_classes};
pub use cases::ClassificationCases;
pub(super) use cases::{check_length, check_probabilities, check_weights};
pub use comparison::{ClassificationComparison, compare_classifications};
pub use discrimination::{average_precision, roc_auc};
pub use evaluate::evaluate_classification;
pub(super) use gain::sum_of_first;
pub use gain::{GainPoint, cumulative_gain, lift_at};
pub(super) use group_auc::Groups;
pub use group_auc::{GroupAuc, group_auc};
pub use metric::ClassificationMetric;
pub(super) use prepared::estimates;
pub use proper_scores::{brier_score, log_loss, normalised_entropy};
pub use protocol::{ClassificationProtocol, DrawnUnit};
pub(crate) use reliability::wilson_interval;
pub use reliability::{ReliabilityBin, expected_calibration_error, reliability_curve};
pub use report::{ClassificationReport, ClassificationSegment, PredictionHistogram};
pub use settings::{CalibrationBins, ClassificationSettings};
pub(super) use threshold::check_threshold;
pub use threshold::{Confusion, confusion_at};
