//! What one can train, each from data to prediction.

pub mod churn;
pub mod ctr;
mod error;
pub mod next_item;
pub mod tabular;

pub use error::TaskError;
