//! What a run did and gave.

use serde::{Deserialize, Serialize};

use super::Validation;

/// What happened in one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean loss over the targets of the epoch, each taken before the step it led to.
    pub train_loss: f64,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// What validation found after the epoch, if it ran.
    pub validation: Option<Validation>,
    /// Wall-clock seconds from the start of the epoch to the end of its validation; unknown where an interruption lies
    /// in the epoch or after it.
    pub seconds: Option<f64>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// It did all its epochs.
    MaxEpochs,
    /// The validation metric stopped improving.
    Patience,
    /// It was asked to; with a checkpoint directory it can be resumed.
    Cancelled,
}

/// What a run took, since this process started or resumed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timing {
    /// Wall-clock seconds of the whole run, validation and checkpoints included.
    pub wall_seconds: f64,
    /// Processor seconds of all threads of the process in that time; known on Linux alone.
    pub cpu_seconds: Option<f64>,
    /// Wall-clock seconds of training steps alone.
    pub step_seconds: f64,
    /// Examples that went through training steps in that time, per second of `step_seconds`.
    pub examples_per_second: f64,
}

/// What a run gives.
#[derive(Clone, Debug)]
pub struct Trained<M> {
    /// The model with its best weights, ready for inference: without gradients, on the device it came on.
    pub model: M,
    /// Every epoch of the run, those before an interruption too.
    pub history: Vec<EpochRecord>,
    /// Epoch that the weights are from; none without validation, where they are the last.
    pub best_epoch: Option<usize>,
    /// Why the run ended.
    pub stopped: StopReason,
    /// Steps of the run, those before an interruption too.
    pub steps: u64,
    /// What the run took.
    pub timing: Timing,
}
