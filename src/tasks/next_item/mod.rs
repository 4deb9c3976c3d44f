//! What will this person want next, over the whole catalogue?
//!
//! A log is split and numbered ([`NextItemData`]), a model is trained on it ([`fit`]), and the result is a [`Recommender`]
//! that can be evaluated, saved, loaded and asked.

mod ask;
mod attributes;
mod batch;
mod config;
mod dataset;
mod fit;
mod fit_more;
mod histories;
mod init;
mod loss;
mod model;
mod numbering;
mod objective;
mod persist;
mod presets;
mod pytorch;
mod recommender;
mod saved_content;
mod scorer;
mod search;
mod user_tokens;

pub use ask::{HistoryEvent, UserHistory};
pub use attributes::{AttributeEncoder, ColumnEncoder, ItemContent};
pub use config::{
    ContentConfig, ContentFusion, EncoderLayer, ItemTable, Learning, NextItemConfig, Similarity,
};
pub use dataset::{Attributes, HiddenItems, NextItemData, NextItemSources, TrainingHistories};
pub use fit::fit;
pub use histories::Histories;
pub use init::ModelInputs;
pub use loss::{NegativeSharing, Negatives, NextItemLoss};
pub use model::NextItemModel;
pub use presets::PRESETS;
pub use recommender::{
    RecommendOptions, Recommendation, RecommendedItem, Recommender, ScoreSource,
};
pub use scorer::{ModelScorer, batch_size};
pub use search::{
    LossChoice, Measured, SearchError, SearchOutcome, SearchRun, SearchSettings, SearchSpace,
    SearchStrategy, Trial, search,
};
