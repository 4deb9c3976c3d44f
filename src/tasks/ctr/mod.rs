//! Will this be clicked? Tables of impressions in, probabilities out.
//!
//! [`CtrData`] reads tables, [`fit`] trains and calibrates a [`CtrModel`], which answers about rows, records and the candidates
//! of a choice.

mod config;
mod data;
mod fit;
mod model;
mod objective;
mod parts;
mod persist;
mod presets;
mod rank;
mod score;
mod uses;

pub use config::CtrConfig;
pub use data::{CtrData, CtrDataOptions, CtrSources};
pub use fit::fit;
pub use model::{CtrModel, Predictions};
pub use presets::PRESETS;
pub use rank::{RankOptions, RankedCandidate, Ranking};
