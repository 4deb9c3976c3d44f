//! Will this be clicked?

mod networks;

pub use networks::{
    AutoIntConfig, BstConfig, BstPositions, CrossStructure, CtrNetwork, CtrNetworkConfig,
    DcnV2Config, DinConfig, FinalMlpConfig, FtTransformerConfig, HistoryUse, InteractionConfig,
    PenaltyRows,
};
