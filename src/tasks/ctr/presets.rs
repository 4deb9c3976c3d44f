//! Published models as settings.

use super::config::CtrConfig;
use crate::evaluation::calibration::CalibrationKind;
use crate::model::mlp::MlpConfig;
use crate::tasks::TaskError;
use crate::tasks::tabular::{
    AutoIntConfig, BstConfig, DcnV2Config, Deciding, DinConfig, FinalMlpConfig,
    FtTransformerConfig, InteractionConfig, TabularNetworkConfig,
};
use crate::training::{Schedule, TrainingConfig};

/// The names that [`CtrConfig::preset`] knows.
pub const PRESETS: [&str; 10] = [
    "lr",
    "fm",
    "mlp",
    "autoint",
    "autoint_plus",
    "ft_transformer",
    "dcn_v2",
    "final_mlp",
    "din",
    "bst",
];

pub(super) fn preset(name: &str) -> Result<CtrConfig, TaskError> {
    let interaction = match name {
        "lr" => InteractionConfig::Lr {},
        "fm" => InteractionConfig::Fm {},
        "mlp" => InteractionConfig::Mlp(MlpConfig::default()),
        "autoint" => InteractionConfig::Autoint(AutoIntConfig::default()),
        "autoint_plus" => InteractionConfig::Autoint(AutoIntConfig {
            mlp: Some(MlpConfig::default()),
            ..AutoIntConfig::default()
        }),
        "ft_transformer" => InteractionConfig::FtTransformer(FtTransformerConfig::default()),
        "dcn_v2" => InteractionConfig::DcnV2(DcnV2Config::default()),
        "final_mlp" => InteractionConfig::FinalMlp(FinalMlpConfig::default()),
        "din" => InteractionConfig::Din(DinConfig::default()),
        "bst" => InteractionConfig::Bst(BstConfig::default()),
        _ => {
            return Err(TaskError::UnknownPreset {
                name: name.to_owned(),
                known: PRESETS.to_vec(),
            });
        }
    };
    Ok(CtrConfig {
        preset: name.to_owned(),
        network: TabularNetworkConfig {
            interaction,
            ..TabularNetworkConfig::default()
        },
        deciding: Deciding::RocAuc,
        calibration: CalibrationKind::Identity,
        training: training(),
    })
}

/// As FuxiCTR trains: batches of 4096, Adam, a tenth of the learning rate whenever validation stops improving.
fn training() -> TrainingConfig {
    TrainingConfig {
        max_epochs: 100,
        batch_size: 4096,
        learning_rate: 1e-3,
        weight_decay: 0.0,
        clip_norm: Some(10.0),
        schedule: Schedule::Plateau {
            factor: 0.1,
            patience: 1,
        },
        patience: Some(2),
        min_delta: 1e-6,
        ..TrainingConfig::default()
    }
}
