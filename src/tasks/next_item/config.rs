//! Settings of a next-item model.

use serde::{Deserialize, Serialize};

use crate::model::encoder::Activation;
use crate::tasks::TaskError;
use crate::training::{NegativeSampling, TrainingConfig};

/// Settings of a next-item model and of its training.
///
/// ```
/// use salient::tasks::next_item::NextItemConfig;
///
/// let mut config = NextItemConfig::preset("sasrec")?;
/// config.dropout = 0.3;
/// # Ok::<(), salient::tasks::TaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NextItemConfig {
    /// Name of the preset that these settings started from.
    pub preset: String,
    /// Width of a token vector; a positive multiple of `n_heads`. Default 64.
    pub d_model: usize,
    /// Encoder blocks; at least 1. Default 2.
    pub n_layers: usize,
    /// Attention heads a block; at least 1. Default 1.
    pub n_heads: usize,
    /// Width inside the feed-forward part; at least 1. Default 64.
    pub d_ff: usize,
    /// Between the two layers of the feed-forward part. Default ReLU.
    pub activation: Activation,
    /// Chance, in `[0, 1)`, that training zeroes an entry of the embedding, of an attention weight or of a block's output.
    /// Raise it against overfitting. Default 0.1.
    pub dropout: f64,
    /// Most recent events that the model reads; at least 1. Default 200.
    pub max_len: usize,
    /// Normalise the sum of item and position vectors before the first block. Default true.
    pub input_norm: bool,
    /// Whether items are scored by the vectors that they are read by. Default tied.
    pub item_table: ItemTable,
    /// What training minimises. Default full softmax.
    pub loss: NextItemLoss,
    /// Weigh each target by the weight of its event, such as dwell time. Default false.
    pub weighted_targets: bool,
    /// How to train.
    pub training: TrainingConfig,
}

/// Whether items are scored by the vectors that they are read by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemTable {
    /// One table to read and to score: half the memory, and usually better.
    #[default]
    Tied,
    /// A table of its own for scoring.
    Separate,
}

/// What training minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NextItemLoss {
    /// Cross-entropy over the whole catalogue, as in Klenitskiy and Vasilev 2023, <https://arxiv.org/abs/2309.07602>.
    #[default]
    Softmax,
    /// Binary cross-entropy of the target against sampled negatives, as in Kang and McAuley 2018.
    BinaryCrossEntropy {
        /// Negatives for each target; at least 1.
        n_negatives: usize,
        /// How they are drawn.
        sampling: NegativeSampling,
    },
}

/// The names that [`NextItemConfig::preset`] knows.
pub const PRESETS: [&str; 1] = ["sasrec"];

impl NextItemConfig {
    /// The settings of a published recipe.
    ///
    /// `sasrec` is SASRec with full softmax: d_model 64, 2 layers, 1 head, dropout 0.1, length 200, batch 128, learning
    /// rate 1e-3, ReLU between feed-forward layers of equal width.
    ///
    /// # Source
    /// Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>; Klenitskiy and Vasilev 2023,
    /// <https://arxiv.org/abs/2309.07602>, for the loss and sizes. Differences: query, key and value all read the normed
    /// rows (the paper norms the query alone), a norm on the embedding in place of its scaling by the root of d_model,
    /// gradients clipped at norm 1, and histories without padding, positions counted from the last event.
    ///
    /// # Errors
    /// [`TaskError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, TaskError> {
        match name {
            "sasrec" => Ok(Self::default()),
            _ => Err(TaskError::UnknownPreset {
                name: name.to_owned(),
                known: PRESETS.to_vec(),
            }),
        }
    }

    /// Checks the settings that no part of the model checks itself.
    ///
    /// # Errors
    /// [`TaskError::TooSmall`].
    pub fn validate(&self) -> Result<(), TaskError> {
        let n_negatives = match self.loss {
            NextItemLoss::Softmax => 1,
            NextItemLoss::BinaryCrossEntropy { n_negatives, .. } => n_negatives,
        };
        for (setting, value) in [("max_len", self.max_len), ("n_negatives", n_negatives)] {
            if value == 0 {
                return Err(TaskError::TooSmall {
                    setting,
                    value,
                    least: 1,
                });
            }
        }
        Ok(())
    }
}

impl Default for NextItemConfig {
    fn default() -> Self {
        Self {
            preset: "sasrec".to_owned(),
            d_model: 64,
            n_layers: 2,
            n_heads: 1,
            d_ff: 64,
            activation: Activation::Relu,
            dropout: 0.1,
            max_len: 200,
            input_norm: true,
            item_table: ItemTable::Tied,
            loss: NextItemLoss::Softmax,
            weighted_targets: false,
            training: TrainingConfig {
                weight_decay: 0.0,
                ..TrainingConfig::default()
            },
        }
    }
}
