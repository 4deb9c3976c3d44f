//! Published models as settings.

use super::config::ChurnConfig;
use super::imbalance::Imbalance;
use crate::evaluation::calibration::{CalibrationKind, PlattTargets};
use crate::features::tabular::{FieldConfig, NumberEncoding, TabularConfig};
use crate::tasks::TaskError;
use crate::tasks::tabular::{
    Deciding, FtTransformerConfig, InteractionConfig, TabularNetworkConfig,
};
use crate::training::TrainingConfig;

/// The names that [`ChurnConfig::preset`] knows.
pub const PRESETS: [&str; 3] = ["lr", "gam", "ft_transformer"];

const PIECEWISE_LINEAR: NumberEncoding = NumberEncoding::PiecewiseLinear { n_bins: 16 };

pub(super) fn preset(name: &str) -> Result<ChurnConfig, TaskError> {
    let network = |interaction| TabularNetworkConfig {
        interaction,
        ..TabularNetworkConfig::default()
    };
    let (networks, encoding, n_parts) = match name {
        "lr" => (
            vec![network(InteractionConfig::Lr {})],
            NumberEncoding::Standard,
            5,
        ),
        "gam" => (
            vec![network(InteractionConfig::Lr {})],
            PIECEWISE_LINEAR,
            10,
        ),
        "ft_transformer" => (
            vec![
                network(InteractionConfig::Lr {}),
                network(InteractionConfig::FtTransformer(ft())),
            ],
            PIECEWISE_LINEAR,
            10,
        ),
        _ => {
            return Err(TaskError::UnknownPreset {
                name: name.to_owned(),
                known: PRESETS.to_vec(),
            });
        }
    };
    // Plain weights are quick, and slow to settle where columns say nearly the same.
    Ok(ChurnConfig {
        preset: name.to_owned(),
        features: TabularConfig {
            defaults: FieldConfig {
                encoding,
                ..FieldConfig::default()
            },
            ..TabularConfig::default()
        },
        networks,
        n_parts,
        imbalance: Imbalance::Ignored,
        deciding: Deciding::LogLoss,
        calibration: CalibrationKind::Platt(PlattTargets::Labels),
        training: TrainingConfig {
            max_epochs: if name == "lr" { 400 } else { 100 },
            batch_size: 256,
            learning_rate: 1e-2,
            patience: Some(if name == "lr" { 40 } else { 8 }),
            loader_threads: 0,
            checkpoint_every_epochs: None,
            ..TrainingConfig::default()
        },
    })
}

/// Small and much dropped out, as few rows ask for.
fn ft() -> FtTransformerConfig {
    FtTransformerConfig {
        n_layers: 1,
        n_heads: 4,
        attention_dropout: 0.2,
        feed_forward_dropout: 0.3,
        residual_dropout: 0.2,
        ..FtTransformerConfig::default()
    }
}
