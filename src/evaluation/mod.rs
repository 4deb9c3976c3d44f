//! What a model's answers are worth.

mod error;

pub use error::EvaluationError;
