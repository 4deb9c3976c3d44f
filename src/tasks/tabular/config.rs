//! Settings of a network.

use serde::{Deserialize, Serialize};

use super::{
    AutoIntConfig, BstConfig, DcnV2Config, DinConfig, EventTransformerConfig, FinalMlpConfig,
    FtTransformerConfig,
};
use crate::model::embedding::PeriodicNumbersConfig;
use crate::model::mlp::MlpConfig;

/// Settings of a [`TabularNetwork`](super::TabularNetwork).
///
/// ```
/// use salient::tasks::tabular::{TabularNetworkConfig};
///
/// let json = r#"{"d_embedding": 8, "interaction": {"kind": "autoint", "n_heads": 4}}"#;
/// let config: TabularNetworkConfig = serde_json::from_str(json)?;
/// assert_eq!((config.d_embedding, config.interaction.name()), (8, "autoint"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TabularNetworkConfig {
    /// Width of the vector of a field; at least 1. Default 16. More of it tells values apart better, needs more data, and
    /// costs memory for each value.
    pub d_embedding: usize,
    /// Standard deviation of the first vectors of values; positive. Default 1e-4 as in FuxiCTR; in `ft_transformer`,
    /// `event_transformer` and `bst`, whose norms would blow so small vectors up, `1 / sqrt(3 * d_embedding)`, as in the first's
    /// paper.
    pub embedding_standard_deviation: Option<f64>,
    /// Turns numbers into waves of learned frequencies before they are mapped. Default none.
    pub periodic: Option<PeriodicNumbersConfig>,
    /// Adds a learned weight for each value of each field, linear in numbers. `lr` and `fm` always have them. Default false.
    pub first_order: bool,
    /// Whether lists that are histories are read. Default they are.
    pub history: HistoryUse,
    /// Pulls the vectors of values towards zero: the loss gains half of this times the sum of their squares; at least 0.
    /// Default 0. Raise it against overfitting, which rare values invite.
    pub embedding_penalty: f64,
    /// Which vectors the penalty counts. Default those that a batch touches.
    pub penalty_rows: PenaltyRows,
    /// How the vectors of a row become its logits.
    pub interaction: InteractionConfig,
}

impl Default for TabularNetworkConfig {
    fn default() -> Self {
        Self {
            d_embedding: 16,
            embedding_standard_deviation: None,
            periodic: None,
            first_order: false,
            history: HistoryUse::Read,
            embedding_penalty: 0.0,
            penalty_rows: PenaltyRows::Touched,
            interaction: InteractionConfig::Autoint(AutoIntConfig::default()),
        }
    }
}

/// Whether lists that are histories are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryUse {
    /// They are: event by event by `event_transformer`; attended to by `din` and `bst` if they share the values of a field; else
    /// as the mean of their values.
    #[default]
    Read,
    /// They are left out, to see what they are worth.
    Ignored,
}

/// Which vectors of values the penalty counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyRows {
    /// Those of the values in a batch, once each, so that a step costs what the batch touches.
    #[default]
    Touched,
    /// All, as in FuxiCTR: values that are absent shrink as well. A step then costs as much as the tables are large.
    All,
}

/// How the vectors of a row become its logits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum InteractionConfig {
    /// Not at all: logistic regression on weights of values.
    Lr {},
    /// The sum of products of all pairs of vectors: a factorisation machine.
    Fm {},
    /// An MLP on the vectors side by side.
    Mlp(MlpConfig),
    /// Attention between the fields.
    Autoint(AutoIntConfig),
    /// A transformer over the fields.
    FtTransformer(FtTransformerConfig),
    /// Explicit products with the vectors side by side.
    DcnV2(DcnV2Config),
    /// Two gated MLPs whose answers are multiplied.
    FinalMlp(FinalMlpConfig),
    /// Attention of the field in question to the history of its values.
    Din(DinConfig),
    /// A transformer over the history and the field in question.
    Bst(BstConfig),
    /// A transformer over the fields and the events, which histories tell of side by side.
    EventTransformer(EventTransformerConfig),
}

impl InteractionConfig {
    /// Its name in a config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lr {} => "lr",
            Self::Fm {} => "fm",
            Self::Mlp(_) => "mlp",
            Self::Autoint(_) => "autoint",
            Self::FtTransformer(_) => "ft_transformer",
            Self::DcnV2(_) => "dcn_v2",
            Self::FinalMlp(_) => "final_mlp",
            Self::Din(_) => "din",
            Self::Bst(_) => "bst",
            Self::EventTransformer(_) => "event_transformer",
        }
    }

    /// Whether norms would blow up small vectors.
    pub(super) fn norms_tokens(&self) -> bool {
        matches!(
            self,
            Self::FtTransformer(_) | Self::Bst(_) | Self::EventTransformer(_)
        )
    }

    /// Whether a weight a value is part of it.
    pub(super) fn needs_first_order(&self) -> bool {
        matches!(self, Self::Lr {} | Self::Fm {})
    }
}
