//! Settings of churn prediction.

use serde::{Deserialize, Serialize};

use super::imbalance::Imbalance;
use super::presets;
use crate::evaluation::calibration::CalibrationKind;
use crate::features::tabular::TabularConfig;
use crate::tasks::TaskError;
use crate::tasks::tabular::{Deciding, TabularNetworkConfig};
use crate::training::TrainingConfig;

/// Settings of a [`ChurnModel`](super::ChurnModel) and of its training.
///
/// ```
/// use salient::tasks::churn::ChurnConfig;
///
/// let mut config = ChurnConfig::preset("ft_transformer")?;
/// config.n_parts = 10;
/// config.training.seed = 7;
/// # Ok::<(), salient::tasks::TaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnConfig {
    /// Name of the preset that the settings started from.
    pub preset: String,
    /// How columns become numbers.
    pub features: TabularConfig,
    /// Kinds of network whose logits are mixed, each by how well it predicts about unseen customers; at least one. Kinds that
    /// err in different ways are better together.
    pub networks: Vec<TabularNetworkConfig>,
    /// Networks of each kind; at least 2. The customers are dealt into as many parts, and each network stops by a part of its own
    /// and learns from all others: so all customers teach, and for each there is an answer of networks that have not seen it,
    /// which calibration is fitted on. More parts are steadier and take as much longer.
    pub n_parts: usize,
    /// What is done about few customers leaving.
    #[serde(default)]
    pub imbalance: Imbalance,
    /// What a network stops by. Default log loss.
    #[serde(default = "log_loss")]
    pub deciding: Deciding,
    /// How logits become probabilities, fitted on the answers about unseen customers.
    pub calibration: CalibrationKind,
    /// The run of a network.
    pub training: TrainingConfig,
}

const fn log_loss() -> Deciding {
    Deciding::LogLoss
}

impl ChurnConfig {
    /// The settings of a published model; [`PRESETS`](super::PRESETS) lists them.
    ///
    /// # Errors
    /// [`TaskError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, TaskError> {
        presets::preset(name)
    }

    /// Networks of all kinds together.
    pub fn n_networks(&self) -> usize {
        self.networks.len() * self.n_parts
    }
}
