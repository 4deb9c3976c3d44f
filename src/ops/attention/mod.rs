//! Packed multi-head attention.
//!
//! The rows of all sequences of a batch lie end to end; [`AttentionLayout`] says where each begins. A dense batch is the
//! case of equal lengths. [`attention`] mixes values, [`attention_weights`] shows how, [`AttentionOptions`] says what a
//! query may see and what is added to its scores.

mod bias;
#[cfg(feature = "flex")]
mod bias_rows;
mod composite;
#[cfg(feature = "flex")]
mod factors;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
mod head;
#[cfg(feature = "flex")]
mod kernel;
mod options;
mod padded;
#[cfg(feature = "flex")]
mod short;
#[cfg(feature = "flex")]
mod tile;
#[cfg(feature = "flex")]
mod weights;

#[cfg(feature = "flex")]
#[cfg(test)]
mod kernel_tests;
#[cfg(test)]
mod tests;

pub use super::dropout::Dropout;
pub use bias::{AttentionBias, BiasRule, DistanceBuckets, time_bucket};
#[cfg(feature = "flex")]
pub(super) use factors::Factors;
pub use function::{attention, attention_weights};
pub use options::{AttentionForm, AttentionLayout, AttentionOptions, Direction, Visibility};
#[cfg(feature = "flex")]
pub(super) use short::is_short;
