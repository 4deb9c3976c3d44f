//! What a run tells of itself while it goes on.

use std::path::Path;

use serde::Serialize;

use crate::training::{BoxedError, EpochRecord, StopReason, Timing, TrainingConfig, Validation};

/// Is told what a run does. Nothing is printed or written unless an observer does it.
pub trait Observer {
    /// Takes note of an event. Called on the training thread, which waits.
    ///
    /// # Errors
    /// Whatever keeps the observer from its work; it ends the run as
    /// [`TrainingError::Observer`](crate::training::TrainingError).
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError>;
}

/// Something that a run did. Epochs and steps count from 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins, or goes on from a checkpoint.
    Started {
        /// Settings of the run.
        config: &'a TrainingConfig,
        /// Number of training examples.
        n_examples: usize,
        /// Number of weights of the model, each entry counted.
        n_parameters: usize,
        /// Steps in an epoch.
        steps_per_epoch: u64,
        /// Steps already done, 0 unless the run is resumed.
        resumed_at_step: u64,
        /// Epochs already done, empty unless the run is resumed.
        history: &'a [EpochRecord],
        /// The best of them by validation.
        best_epoch: Option<usize>,
    },
    /// The weights were updated.
    Step {
        /// Epoch of the run.
        epoch: usize,
        /// Step of the run.
        step: u64,
        /// Step of the epoch.
        step_of_epoch: u64,
        /// Mean loss of the step's targets.
        loss: f64,
        /// Learning rate of the step.
        learning_rate: f64,
        /// Euclidean norm of all gradients together, before clipping.
        gradient_norm: f64,
        /// Examples per second since the epoch began or was resumed.
        examples_per_second: f64,
    },
    /// The model was validated.
    Validated {
        /// Epoch of the run.
        epoch: usize,
        /// What validation found.
        validation: &'a Validation,
        /// Whether the model is the best so far.
        improved: bool,
    },
    /// An epoch is over, its validation too.
    EpochEnded {
        /// What happened in it.
        record: &'a EpochRecord,
    },
    /// A checkpoint is safe on disk.
    CheckpointWritten {
        /// The file.
        path: &'a Path,
        /// Steps it holds.
        step: u64,
    },
    /// The run is over.
    Finished {
        /// Why.
        stopped: StopReason,
        /// Epoch that the weights are from; none without validation.
        best_epoch: Option<usize>,
        /// Steps of the run.
        steps: u64,
        /// What the run took.
        timing: Timing,
    },
}
