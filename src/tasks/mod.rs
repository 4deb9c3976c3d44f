//! What one can train, each from data to prediction.

mod error;
pub mod next_item;

pub use error::TaskError;
