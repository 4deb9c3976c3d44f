//! Maps from a model's logit to a probability that holds, fitted after training on data that training did not see.
//!
//! ```
//! use salient::evaluation::calibration::{CalibrationKind, Calibrator};
//!
//! // A model that is twice as sure as it should be.
//! let logits = [2.0, 2.0, 2.0, 2.0, -2.0, -2.0, -2.0, -2.0];
//! let labels = [true, true, true, false, false, false, false, true];
//! let calibrator = Calibrator::fit(CalibrationKind::Temperature, &logits, &labels, None)?;
//! assert!((calibrator.probability(2.0) - 0.75).abs() < 1e-9);
//! # Ok::<(), salient::evaluation::EvaluationError>(())
//! ```

mod calibrator;
mod isotonic;
mod platt;
mod prior;
mod samples;
mod temperature;

pub use calibrator::{CalibrationKind, Calibrator, PlattTargets};
pub use isotonic::IsotonicMap;
pub use prior::{prior_corrected, prior_shift};
