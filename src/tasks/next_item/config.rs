//! Settings of a next-item model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::loss::NextItemLoss;
use super::presets;
use crate::model::encoder::Activation;
use crate::tasks::TaskError;
use crate::training::TrainingConfig;

/// Settings of a next-item model and of its training.
///
/// A preset is a set of them that goes by the name of a published recipe; each can be changed alone.
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
    /// Encoder layers; at least 1. Default 2.
    pub n_layers: usize,
    /// Attention heads a layer; at least 1. Default 1.
    pub n_heads: usize,
    /// Width inside the feed-forward part; at least 1. HSTU layers have none and ignore it. Default 64.
    pub d_ff: usize,
    /// Between the two layers of the feed-forward part. Default ReLU.
    pub activation: Activation,
    /// What a layer is made of. Default a transformer's.
    pub layer: EncoderLayer,
    /// Chance, in `[0, 1)`, that training zeroes an entry of the embedding, of an attention weight or of a layer's output.
    /// Raise it against overfitting. Default 0.1.
    pub dropout: f64,
    /// Most recent events that the model reads; at least 1. Default 200.
    pub max_len: usize,
    /// Normalise the sum of item and position vectors before the first layer. Default true.
    pub input_norm: bool,
    /// Learn a bias of attention scores by how many events lie between two. Default false.
    pub relative_position: bool,
    /// Learn a bias of attention scores by how much time lies between two events; the log must have times. Default false.
    pub time_intervals: bool,
    /// Count those times to the moment of the prediction, not to the event before it: the model then knows when the next
    /// event happens, though not what it is, and is asked with a time. Figures of such a model are a track of their own.
    /// Needs `time_intervals`. Default false.
    pub query_time: bool,
    /// Add to each item's vector one for the type of its event; the log must have types. Default false.
    pub event_types: bool,
    /// Add to each item's vector one scaled by the weight of its event, such as dwell time; the log must have weights.
    /// Default false.
    pub event_weights: bool,
    /// Read and score items by what is known of them beside their ids. Default none.
    pub content: Option<ContentConfig>,
    /// Put what is known of a user before the user's events, one token an attribute. Default false.
    pub user_attributes: bool,
    /// Whether items are scored by the vectors that they are read by. Default tied.
    pub item_table: ItemTable,
    /// How a history's vector is compared with an item's. Default dot product.
    pub similarity: Similarity,
    /// What scores are divided by, above 0. Lower makes the model surer; cosines need about 0.05. Default 1.
    pub temperature: f64,
    /// Which events training asks for. Default the one after each.
    pub learning: Learning,
    /// What training minimises. Default full softmax.
    pub loss: NextItemLoss,
    /// Weigh each target by the weight of its event, such as dwell time. Default false.
    pub weighted_targets: bool,
    /// Weigh each target by the type of its event, at least 0 each; with 0 events of the type are read, not predicted.
    /// Types that are not named weigh 1. Default none.
    pub target_weights: BTreeMap<String, f32>,
    /// How to train.
    pub training: TrainingConfig,
}

/// What an encoder layer is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EncoderLayer {
    /// Attention and feed-forward, each around a residual connection (Vaswani et al. 2017).
    #[default]
    Transformer,
    /// The same, each multiplied by a learned gate before it is added (LiGR, Borisyuk et al. 2025,
    /// <https://arxiv.org/abs/2502.03417>).
    Ligr,
    /// Pointwise attention whose context is multiplied by a learned gate, without softmax and feed-forward (HSTU, Zhai et al.
    /// 2024, <https://arxiv.org/abs/2402.17152>).
    Hstu,
}

/// Which events training asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Learning {
    /// After each event the next one, from the events before alone.
    #[default]
    NextEvent,
    /// Events hidden at random, from those on both sides; asked for the next, the model reads a hidden event at the end.
    Masked {
        /// Chance that an event is hidden, in `(0, 1)`; of a history without any the last one is.
        share: f64,
    },
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

/// How a history's vector is compared with an item's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// Their product: popular items can have long vectors.
    #[default]
    DotProduct,
    /// The cosine of their angle, between -1 and 1; needs a `temperature`.
    Cosine,
}

/// How an item's content joins its id.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContentConfig {
    /// How the vectors of an item's attributes join that of its id. Default sum.
    pub fusion: ContentFusion,
    /// Chance, in `[0, 1)`, that training takes an item's content alone, without its id, so that the model can rank items
    /// that nobody has met. Default 0.1.
    pub id_dropout: f64,
}

impl Default for ContentConfig {
    fn default() -> Self {
        Self {
            fusion: ContentFusion::Sum,
            id_dropout: 0.1,
        }
    }
}

/// How the vectors of an item's attributes join that of its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentFusion {
    /// Their sum.
    #[default]
    Sum,
    /// Side by side, through a linear map back to `d_model`.
    Concatenation,
    /// The id's vector attends to those of the attributes, and their context is added to it.
    CrossAttention,
}

impl NextItemConfig {
    /// The settings of a published recipe; see [`PRESETS`](super::PRESETS) for the names.
    ///
    /// - `sasrec`: full softmax over the next event; d_model 64, 2 layers, 1 head, dropout 0.1, length 200, batch 128,
    ///   learning rate 1e-3, ReLU between feed-forward layers of equal width.
    /// - `bert4rec`: events hidden at random, attention to both sides; 2 heads, GELU, d_ff 256, 20 % hidden.
    /// - `esasrec`: `sasrec` with gated LiGR layers, SwiGLU of d_ff 256 and softmax over 256 sampled negatives.
    /// - `hstu`: HSTU layers with biases by distance and time, the time of the query known, cosines at temperature 0.05,
    ///   softmax over 128 sampled negatives.
    ///
    /// # Source
    /// SASRec: Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>; its loss and sizes: Klenitskiy and Vasilev 2023,
    /// <https://arxiv.org/abs/2309.07602>. BERT4Rec: Sun et al. 2019, <https://arxiv.org/abs/1904.06690>. eSASRec:
    /// Tikhonovich et al. 2025, <https://arxiv.org/abs/2508.06450>. HSTU: Zhai et al. 2024,
    /// <https://arxiv.org/abs/2402.17152>. Differences, in all of them: norms before the branches (SASRec norms the query
    /// alone, BERT4Rec norms sums), a norm on the embedding in place of its scaling by the root of d_model, gradients
    /// clipped at norm 1, and histories without padding, positions counted from the last event. BERT4Rec: hidden events are
    /// always replaced by the mask. eSASRec and HSTU: negatives are shared by the targets of a history.
    ///
    /// # Errors
    /// [`TaskError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, TaskError> {
        presets::preset(name)
    }

    /// Checks the settings that no part of the model checks itself.
    ///
    /// # Errors
    /// [`TaskError::TooSmall`], [`TaskError::OutOfRange`], [`TaskError::Conflict`].
    pub fn validate(&self) -> Result<(), TaskError> {
        at_least_one("max_len", self.max_len)?;
        self.loss.validate()?;
        within(
            "temperature",
            self.temperature,
            self.temperature > 0.0 && self.temperature.is_finite(),
            "(0, infinity)",
        )?;
        if let Learning::Masked { share } = self.learning {
            let holds = share > 0.0 && share < 1.0;
            within("learning.masked.share", share, holds, "(0, 1)")?;
        }
        if let Some(ContentConfig { id_dropout, .. }) = self.content {
            let holds = (0.0..1.0).contains(&id_dropout);
            within("content.id_dropout", id_dropout, holds, "[0, 1)")?;
        }
        for weight in self.target_weights.values() {
            let holds = *weight >= 0.0 && weight.is_finite();
            within("target_weights", f64::from(*weight), holds, "[0, infinity)")?;
        }
        self.conflicts()
    }

    fn conflicts(&self) -> Result<(), TaskError> {
        let masked = matches!(self.learning, Learning::Masked { .. });
        let conflict = |setting, other, rule| {
            Err(TaskError::Conflict {
                setting,
                other,
                rule,
            })
        };
        if self.query_time && !self.time_intervals {
            return conflict(
                "query_time",
                "time_intervals",
                "the time of the query is read by the bias by time: set both",
            );
        }
        if masked && self.time_intervals && !self.query_time {
            return conflict(
                "time_intervals",
                "learning",
                "a hidden event stands at its own time, so the model knows it: set query_time too, or leave time_intervals off",
            );
        }
        if self.content.is_some() && self.item_table == ItemTable::Separate {
            return conflict(
                "content",
                "item_table",
                "items with content are scored by the vectors that they are read by: leave the table tied",
            );
        }
        Ok(())
    }
}

pub(super) fn at_least_one(setting: &'static str, value: usize) -> Result<(), TaskError> {
    match value {
        0 => Err(TaskError::TooSmall {
            setting,
            value,
            least: 1,
        }),
        _ => Ok(()),
    }
}

pub(super) fn within(
    setting: &'static str,
    value: f64,
    holds: bool,
    range: &'static str,
) -> Result<(), TaskError> {
    match holds {
        true => Ok(()),
        false => Err(TaskError::OutOfRange {
            setting,
            value,
            range,
        }),
    }
}

impl Default for NextItemConfig {
    fn default() -> Self {
        presets::sasrec()
    }
}
