//! The training loop that serves every task.

mod error;

pub use error::TrainingError;
