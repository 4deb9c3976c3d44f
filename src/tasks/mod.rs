//! What one can train, each from data to prediction.

pub mod next_item;
