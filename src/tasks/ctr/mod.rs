//! Will this be clicked?

mod loss;
mod networks;

pub use loss::cross_entropy;
pub use networks::{
    AutoIntConfig, BstConfig, BstPositions, CrossStructure, CtrNetwork, CtrNetworkConfig,
    DcnV2Config, DinConfig, FinalMlpConfig, FtTransformerConfig, HistoryUse, InteractionConfig,
    PenaltyRows,
};
