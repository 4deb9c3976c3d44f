//! What a model's answers are worth.
//!
//! Whatever is measured, the result has one form: an [`Estimate`] with its bootstrap interval, and the
//! [`Protocol`] it was measured under. Results under different protocols refuse to be
//! compared. The formulas, with ties and undefined cases, are in `docs/metrics.md`.

mod case_table;
mod error;
mod folds;
mod interval;
mod normal;
mod paired;
#[cfg(feature = "plot")]
mod picture;
mod protocol;
mod significance;
mod text_table;

pub mod calibration;
pub mod classification;
pub mod conformal;
pub mod decisions;
pub mod policy;
pub mod ranking;
pub mod survival;

pub use error::EvaluationError;
pub use folds::paired_folds;
pub use interval::{Estimate, Interval, IntervalSettings, estimate_mean};
pub use protocol::{DataOrigin, Measurement, Protocol};
pub use significance::{PairedTest, SignificanceSettings, TestMethod, paired_test};
pub(crate) use text_table::TextTable;
