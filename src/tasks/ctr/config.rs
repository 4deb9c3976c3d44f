//! Settings of CTR prediction.

use serde::{Deserialize, Serialize};

use super::presets;
use crate::evaluation::calibration::CalibrationKind;
use crate::tasks::TaskError;
use crate::tasks::tabular::{Deciding, TabularNetworkConfig};
use crate::training::TrainingConfig;

/// Settings of a [`CtrModel`](super::CtrModel) and of its training.
///
/// ```
/// use salient::tasks::ctr::CtrConfig;
///
/// let mut config = CtrConfig::preset("autoint_plus")?;
/// config.network.d_embedding = 32;
/// config.training.learning_rate = 3e-3;
/// # Ok::<(), salient::tasks::TaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CtrConfig {
    /// Name of the preset that the settings started from.
    pub preset: String,
    /// The network.
    pub network: TabularNetworkConfig,
    /// What validation goes by: early stopping, the plateau schedule and the choice of weights. Of several labels the mean.
    /// Default [`Deciding::RocAuc`].
    #[serde(default)]
    pub deciding: Deciding,
    /// How logits become probabilities, fitted on the validation rows after training. Default
    /// [`CalibrationKind::Identity`]: as training left them.
    #[serde(default)]
    pub calibration: CalibrationKind,
    /// The run.
    pub training: TrainingConfig,
}

impl CtrConfig {
    /// The settings of a published model; [`PRESETS`](super::PRESETS) lists them.
    ///
    /// # Errors
    /// [`TaskError::UnknownPreset`].
    pub fn preset(name: &str) -> Result<Self, TaskError> {
        presets::preset(name)
    }
}
