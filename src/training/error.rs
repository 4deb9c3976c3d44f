//! What can stop a training run.

use std::path::PathBuf;

use crate::parameters::ParametersError;

/// Whatever went wrong inside an [`Objective`](super::Objective) or an [`Observer`](super::Observer).
pub type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// What a run was doing when its objective failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// Making a batch.
    Batch,
    /// Computing the loss.
    Loss,
    /// Validating the model.
    Validation,
}

impl std::fmt::Display for Activity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Batch => "making a batch",
            Self::Loss => "computing the loss",
            Self::Validation => "validating",
        })
    }
}

/// The number that left the finite range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// The loss of a batch.
    Loss,
    /// The gradient of a weight, or the sum of its squares.
    Gradient {
        /// Path of the weight in the model.
        parameter: String,
    },
    /// A weight after an update.
    Weight {
        /// Path of the weight in the model.
        parameter: String,
    },
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Loss => f.write_str("the loss"),
            Self::Gradient { parameter } => write!(f, "the gradient of {parameter:?}"),
            Self::Weight { parameter } => write!(f, "weight {parameter:?}"),
        }
    }
}

/// What can stop a training run. Epochs and steps count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A setting that counts something is 0.
    #[error("{setting} is 0: it must be at least 1")]
    ZeroCount {
        /// Name of the setting.
        setting: &'static str,
    },
    /// A setting lies outside its range.
    #[error("{setting} is {value}: it must lie in {range}")]
    OutOfRange {
        /// Name of the setting.
        setting: &'static str,
        /// The value given.
        value: f64,
        /// The range allowed.
        range: &'static str,
    },
    /// The objective has nothing to learn from.
    #[error("there are no training examples")]
    NoExamples,
    /// No batch of an epoch has anything to predict.
    #[error("no batch of epoch {epoch} has a target: every loss has weight 0")]
    NoTargets {
        /// Epoch of the run.
        epoch: usize,
    },
    /// The loss depends on no trainable weight.
    #[error("the loss of step {step} depends on no trainable weight of the model")]
    NothingToTrain {
        /// Step of the run.
        step: u64,
    },
    /// A part is to be frozen that the model does not have.
    #[error(
        "no weight of the model has a name that starts with {prefix:?}, so that nothing is frozen; the parts of the model are {}",
        .parts.join(", ")
    )]
    NothingToFreeze {
        /// What the name should start with.
        prefix: String,
        /// The first part of the name of each weight, each once.
        parts: Vec<String>,
    },
    /// Every weight is frozen.
    #[error("all {n_weights} weights of the model are frozen: leave one to train")]
    AllFrozen {
        /// Number of named weights.
        n_weights: usize,
    },
    /// The weight of a batch's loss is negative or not a number.
    #[error("the loss of step {step} has weight {weight}: it must be finite and not negative")]
    LossWeight {
        /// Step of the run.
        step: u64,
        /// The weight given.
        weight: f64,
    },
    /// The loss, a gradient or a weight became infinite or not a number. No checkpoint holds that state.
    #[error(
        "{quantity} is not finite at step {step} of epoch {epoch}, at learning rate {learning_rate}{}: lower the learning rate, warm up longer or clip harder",
        last_loss(.last_finite_loss)
    )]
    NotFinite {
        /// What is not finite.
        quantity: Quantity,
        /// Epoch of the run.
        epoch: usize,
        /// Step of the run.
        step: u64,
        /// Learning rate of the step.
        learning_rate: f64,
        /// Loss of the last step that had a finite one.
        last_finite_loss: Option<f64>,
    },
    /// The objective failed.
    #[error("{activity} failed at step {step} of epoch {epoch}")]
    Objective {
        /// What it was doing.
        activity: Activity,
        /// Epoch of the run.
        epoch: usize,
        /// Step of the run.
        step: u64,
        /// Why it failed.
        source: BoxedError,
    },
    /// The metric that decides is not among those reported.
    #[error("validation of epoch {epoch} does not report {metric:?}, the metric that decides; it reports {}", .reported.join(", "))]
    DecidingMetricMissing {
        /// Epoch of the run.
        epoch: usize,
        /// The metric that decides.
        metric: String,
        /// The metrics reported.
        reported: Vec<String>,
    },
    /// The metric that decides is infinite or not a number.
    #[error(
        "validation of epoch {epoch} gives {metric} = {value}: the metric that decides must be finite"
    )]
    DecidingMetricNotFinite {
        /// Epoch of the run.
        epoch: usize,
        /// The metric that decides.
        metric: String,
        /// Its value.
        value: f64,
    },
    /// The plateau schedule waits for a metric that never comes.
    #[error(
        "the plateau schedule follows the validation metric, but the objective does not validate"
    )]
    PlateauWithoutValidation,
    /// An observer failed, for instance because the disk is full.
    #[error("observing step {step} of epoch {epoch} failed")]
    Observer {
        /// Epoch of the run.
        epoch: usize,
        /// Step of the run.
        step: u64,
        /// Why it failed.
        source: BoxedError,
    },
    /// Weights do not fit the model.
    #[error(transparent)]
    Weights(#[from] ParametersError),
    /// A checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Negatives cannot be drawn from so few items.
    #[error("negatives need at least 2 items to draw from, there are {n_items}")]
    TooFewItems {
        /// Number of items that can be drawn.
        n_items: usize,
    },
}

/// Why a checkpoint cannot be written, read or continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file system refuses.
    #[error("cannot {action} checkpoint {path:?}")]
    Io {
        /// What was tried: write or read.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The file is cut short, damaged in its header, or no checkpoint.
    #[error("{path:?} is no checkpoint, or a damaged one: remove it to start again")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What cannot be read.
        source: BoxedError,
    },
    /// The content is not what was written.
    #[error(
        "checkpoint {path:?} is damaged: its content has SHA-256 {found}, it was written with {expected}; remove it to start again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Digest of what was written.
        expected: String,
        /// Digest of what is there.
        found: String,
    },
    /// A later version of this crate wrote the file.
    #[error(
        "checkpoint {path:?} has format version {found}, this version of salient reads up to {supported}"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: u64,
        /// Latest version that can be read.
        supported: u64,
    },
    /// The run that wrote the checkpoint had another setting.
    #[error(
        "checkpoint {path:?} was written with {setting} = {saved}, this run has {given}: continue with the same settings or start in another directory"
    )]
    OtherConfig {
        /// The file.
        path: PathBuf,
        /// Name of the first setting that differs.
        setting: String,
        /// Its value in the checkpoint.
        saved: String,
        /// Its value in this run.
        given: String,
    },
    /// The run that wrote the checkpoint has gone further than this one may go.
    #[error(
        "checkpoint {path:?} has {n_done} epochs, this run has max_epochs = {max_epochs}: give at least as many, or start in another directory"
    )]
    FewerEpochs {
        /// The file.
        path: PathBuf,
        /// Epochs that are done.
        n_done: usize,
        /// Epochs that this run may do.
        max_epochs: usize,
    },
    /// The run that wrote the checkpoint had other data.
    #[error(
        "checkpoint {path:?} was written for other data or another model ({saved:?}, this run has {given:?}): start in another directory"
    )]
    OtherData {
        /// The file.
        path: PathBuf,
        /// Fingerprint of the data in the checkpoint.
        saved: String,
        /// Fingerprint of the data of this run.
        given: String,
    },
    /// The weights in the checkpoint are those of another model.
    #[error("checkpoint {path:?} holds another model")]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: ParametersError,
    },
}

fn last_loss(loss: &Option<f64>) -> String {
    match loss {
        Some(loss) => format!(", after a loss of {loss}"),
        None => String::new(),
    }
}
