//! Networks from the fields of a row to the logits of its labels.
//!
//! A [`TabularNetwork`] turns each field into a vector, lets the vectors of a row interact in one of several ways, and adds, where
//! asked, a weight a value. Histories are read without padding.

mod auto_int;
mod bst;
mod config;
mod cross;
mod deciding;
mod deep;
mod din;
mod event_transformer;
mod factorisation_machine;
mod fields;
mod final_mlp;
mod ft_transformer;
mod histories;
mod init;
mod interaction;
mod layout;
mod loss;
mod network;
mod table_check;

pub use auto_int::AutoIntConfig;
pub use bst::{BstConfig, BstPositions};
pub use config::{HistoryUse, InteractionConfig, PenaltyRows, TabularNetworkConfig};
pub use cross::{CrossStructure, DcnV2Config};
pub use deciding::Deciding;
pub use din::DinConfig;
pub use event_transformer::EventTransformerConfig;
pub use final_mlp::FinalMlpConfig;
pub use ft_transformer::{FtTransformerConfig, Pooling};
pub use loss::cross_entropy;
pub use network::TabularNetwork;
pub(super) use table_check::check_histories;
