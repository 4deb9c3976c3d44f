//! Softmax cross-entropy over a table of items, or over sampled ones.

mod composite;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
mod kernel;
mod negatives;
#[cfg(feature = "flex")]
mod panel;
mod sampled;
mod sampled_composite;
#[cfg(feature = "flex")]
mod sampled_flex;
#[cfg(feature = "flex")]
mod sampled_kernel;

pub use function::linear_cross_entropy;
pub use negatives::Negatives;
pub use sampled::{sampled_cross_entropy, sampled_cross_entropy_of_rows};
