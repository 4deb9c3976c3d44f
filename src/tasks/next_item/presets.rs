//! Published recipes as settings.

use super::config::{EncoderLayer, ItemTable, Learning, NextItemConfig, Similarity};
use super::loss::{Negatives, NextItemLoss};
use crate::model::encoder::Activation;
use crate::tasks::TaskError;
use crate::training::TrainingConfig;

/// The names that [`NextItemConfig::preset`] knows.
pub const PRESETS: [&str; 4] = ["sasrec", "bert4rec", "esasrec", "hstu"];

pub(super) fn preset(name: &str) -> Result<NextItemConfig, TaskError> {
    match name {
        "sasrec" => Ok(sasrec()),
        "bert4rec" => Ok(bert4rec()),
        "esasrec" => Ok(esasrec()),
        "hstu" => Ok(hstu()),
        _ => Err(TaskError::UnknownPreset {
            name: name.to_owned(),
            known: PRESETS.to_vec(),
        }),
    }
}

pub(super) fn sasrec() -> NextItemConfig {
    NextItemConfig {
        preset: "sasrec".to_owned(),
        d_model: 64,
        n_layers: 2,
        n_heads: 1,
        d_ff: 64,
        activation: Activation::Relu,
        layer: EncoderLayer::Transformer,
        dropout: 0.1,
        max_len: 200,
        input_norm: true,
        relative_position: false,
        time_intervals: false,
        query_time: false,
        event_types: false,
        event_weights: false,
        content: None,
        user_attributes: false,
        item_table: ItemTable::Tied,
        similarity: Similarity::DotProduct,
        temperature: 1.0,
        learning: Learning::NextEvent,
        loss: NextItemLoss::softmax(),
        weighted_targets: false,
        target_weights: Default::default(),
        training: TrainingConfig {
            weight_decay: 0.0,
            ..TrainingConfig::default()
        },
    }
}

fn bert4rec() -> NextItemConfig {
    let mut config = NextItemConfig {
        preset: "bert4rec".to_owned(),
        n_heads: 2,
        d_ff: 256,
        activation: Activation::Gelu,
        learning: Learning::Masked { share: 0.2 },
        ..sasrec()
    };
    // Each epoch asks for a fifth of the events, so it teaches less than one of the others.
    config.training.max_epochs = 300;
    config.training.patience = Some(30);
    config
}

fn esasrec() -> NextItemConfig {
    NextItemConfig {
        preset: "esasrec".to_owned(),
        d_ff: 256,
        activation: Activation::Swiglu,
        layer: EncoderLayer::Ligr,
        loss: NextItemLoss::SampledSoftmax {
            negatives: Negatives::many(),
            log_q: true,
        },
        ..sasrec()
    }
}

fn hstu() -> NextItemConfig {
    NextItemConfig {
        preset: "hstu".to_owned(),
        layer: EncoderLayer::Hstu,
        dropout: 0.2,
        relative_position: true,
        time_intervals: true,
        query_time: true,
        similarity: Similarity::Cosine,
        temperature: 0.05,
        loss: NextItemLoss::SampledSoftmax {
            negatives: Negatives {
                count: 128,
                ..Negatives::many()
            },
            log_q: true,
        },
        ..sasrec()
    }
}
