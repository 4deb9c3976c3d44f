//! The training loop that serves every task.
//!
//! A task describes itself as an [`Objective`]; a [`Trainer`] makes its
//! batches on other threads, minimises its loss, stops when validation no longer improves and tells
//! [`Observer`]s about it. Every random number is a function of the seed and the step, so a run
//! that is interrupted and resumed ends with the same bytes as one that never was.

mod cancel;
mod checkpoint;
mod clock;
mod config;
mod epoch_end;
mod error;
mod frozen;
mod gradients;
mod history;
mod loader;
mod negatives;
mod objective;
mod observer;
mod optimiser;
mod order;
mod progress;
mod run;
mod schedule;
mod step;
mod stopping;
mod trainer;

pub use cancel::CancelToken;
pub use config::{Schedule, TrainingConfig};
pub use error::{Activity, BoxedError, CheckpointError, Quantity, TrainingError};
pub use history::{EpochRecord, StopReason, Timing, Trained};
pub use negatives::{NegativeSampler, NegativeSampling};
pub use objective::{Loss, Objective, Validation};
#[cfg(feature = "progress")]
pub use observer::ProgressBar;
pub use observer::{Event, JsonLines, Observer};
#[cfg(feature = "plot")]
pub use observer::{LearningCurve, PlotError};
pub use optimiser::{Optimiser, OptimiserKind};
pub use order::Shuffle;
pub use trainer::Trainer;
