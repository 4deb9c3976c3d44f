//! Packed multi-head attention.
//!
//! The rows of all sequences of a batch lie end to end; [`AttentionLayout`] says where each begins. A dense batch is the
//! case of equal lengths. [`attention`] mixes values, [`attention_weights`] shows how, [`AttentionOptions`] says what a
//! query may see and what is added to its scores.

mod bias;
mod composite;
mod function;
mod options;
mod padded;

#[cfg(test)]
mod tests;

pub use super::dropout::Dropout;
pub use bias::{AttentionBias, BiasRule, DistanceBuckets, time_bucket};
pub use function::{attention, attention_weights};
pub use options::{AttentionLayout, AttentionOptions, Direction, Visibility};
