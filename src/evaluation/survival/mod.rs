//! What predictions of when something happens are worth, where it has not happened to everybody yet.
//!
//! [`SurvivalCases`] are the durations that were observed, ended by the event or censored; [`KaplanMeier`] is how they survive as
//! a whole; [`SurvivalCurves`] are what a model predicts of each customer. [`time_dependent_concordance`],
//! [`integrated_brier_score`], [`roc_auc_at`] and [`calibration_at`] measure the curves; [`evaluate_survival`] puts them into a
//! [`SurvivalReport`] with intervals and the protocol.
//!
//! ```
//! use salient::evaluation::survival::{
//!     KaplanMeier, SurvivalCases, SurvivalCurves, time_dependent_concordance,
//! };
//!
//! // The second customer was still there when it was last seen, after 3 months.
//! let cases = SurvivalCases::new(vec![1.0, 3.0, 2.0], vec![true, false, true])?;
//! assert_eq!(KaplanMeier::fit(&cases).median(), Some(2.0));
//! let hazards = [0.9, 0.9, 0.1, 0.1, 0.2, 0.8];
//! let curves = SurvivalCurves::from_hazards(&[1.0, 2.0], &hazards)?;
//! assert_eq!(time_dependent_concordance(&cases, &curves)?, 1.0);
//! # Ok::<(), salient::evaluation::EvaluationError>(())
//! ```

mod brier;
mod calibration;
mod cases;
mod censoring;
mod concordance;
mod curves;
mod discrimination;
mod evaluate;
mod kaplan_meier;
mod metric;
mod parts;
#[cfg(feature = "plot")]
mod plot;
mod protocol;
mod report;
mod risk_groups;
mod settings;
mod terms;
mod times;

pub use brier::{brier_score_at, brier_skill, integrated_brier_score};
pub use calibration::{SurvivalCalibrationBin, calibration_at};
pub use cases::SurvivalCases;
pub use concordance::{harrell_concordance, time_dependent_concordance};
pub use curves::SurvivalCurves;
pub use discrimination::roc_auc_at;
pub use evaluate::evaluate_survival;
pub use kaplan_meier::{KaplanMeier, KaplanMeierStep};
pub use metric::SurvivalMetric;
pub use protocol::SurvivalProtocol;
pub use report::{SurvivalHorizon, SurvivalReport};
pub use risk_groups::{RiskGroup, RiskGroupPoint};
pub use settings::SurvivalSettings;
