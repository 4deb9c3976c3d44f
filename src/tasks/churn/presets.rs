//! Published models as settings.

use super::config::ChurnConfig;
use super::imbalance::Imbalance;
use crate::evaluation::calibration::{CalibrationKind, PlattTargets};
use crate::features::tabular::{FieldConfig, NumberEncoding, TabularConfig};
use crate::model::encoder::Activation;
use crate::tasks::TaskError;
use crate::tasks::tabular::{
    Deciding, FtTransformerConfig, InteractionConfig, TabularNetworkConfig,
};
use crate::training::TrainingConfig;

/// The names that [`ChurnConfig::preset`] knows.
pub const PRESETS: [&str; 2] = ["lr", "ft_transformer"];

pub(super) fn preset(name: &str) -> Result<ChurnConfig, TaskError> {
    let interaction = match name {
        "lr" => InteractionConfig::Lr {},
        "ft_transformer" => InteractionConfig::FtTransformer(FtTransformerConfig {
            n_layers: 2,
            n_heads: 4,
            d_ff: 32,
            activation: Activation::Swiglu,
            attention_dropout: 0.2,
            feed_forward_dropout: 0.2,
            residual_dropout: 0.1,
        }),
        _ => {
            return Err(TaskError::UnknownPreset {
                name: name.to_owned(),
                known: PRESETS.to_vec(),
            });
        }
    };
    Ok(ChurnConfig {
        preset: name.to_owned(),
        features: TabularConfig {
            defaults: FieldConfig {
                encoding: NumberEncoding::PiecewiseLinear { n_bins: 16 },
                ..FieldConfig::default()
            },
            ..TabularConfig::default()
        },
        network: TabularNetworkConfig {
            d_embedding: 32,
            interaction,
            ..TabularNetworkConfig::default()
        },
        n_members: 5,
        imbalance: Imbalance::Ignored,
        deciding: Deciding::LogLoss,
        calibration: CalibrationKind::Platt(PlattTargets::Labels),
        training: TrainingConfig {
            max_epochs: 100,
            batch_size: 256,
            learning_rate: 1e-3,
            weight_decay: 0.01,
            patience: Some(8),
            loader_threads: 0,
            checkpoint_every_epochs: None,
            ..TrainingConfig::default()
        },
    })
}
