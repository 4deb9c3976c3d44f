//! Who is about to leave? Tables of customers in, calibrated probabilities out.
//!
//! [`ChurnData`] reads a table, [`fit`] trains and calibrates a [`ChurnModel`], [`cross_validate`] judges the whole procedure on rows
//! that it has not seen; [`segments`] groups customers whom a network sees alike.

mod config;
mod cross_validation;
mod data;
mod fit;
mod folds;
mod imbalance;
mod leak;
mod member;
mod mixture;
mod model;
mod parallel;
mod persist;
mod presets;

pub mod segments;

pub use config::ChurnConfig;
pub use cross_validation::{CrossValidation, FoldOutcome, cross_validate};
pub use data::{ChurnData, ChurnDataOptions};
pub use fit::{ChurnRun, TrainedChurn, fit};
pub use folds::Folds;
pub use imbalance::Imbalance;
pub use leak::{LEAK_AUC, Leak, find_leaks};
pub use member::MemberRecord;
pub use model::ChurnModel;
pub use presets::PRESETS;
