//! What will this person want next, over the whole catalogue?
//!
//! A log is split and numbered ([`NextItemData`]), a model is trained on it ([`fit`]), and the result is a [`Recommender`]
//! that can be evaluated, saved, loaded and asked.

mod config;
mod dataset;
mod fit;
mod model;
mod objective;
mod persist;
mod pytorch;
mod recommender;
mod scorer;
mod search;

pub use config::{ItemTable, NextItemConfig, NextItemLoss, PRESETS};
pub use dataset::{NextItemData, TrainingHistories};
pub use fit::fit;
pub use model::NextItemModel;
pub use recommender::{
    RecommendOptions, Recommendation, RecommendedItem, Recommender, ScoreSource,
};
pub use scorer::ModelScorer;
pub use search::{
    LossChoice, Measured, SearchError, SearchOutcome, SearchRun, SearchSettings, SearchSpace,
    SearchStrategy, Trial, search,
};
