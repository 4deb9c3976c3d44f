//! Softmax cross-entropy over a table of items.

mod composite;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
mod kernel;

pub use function::linear_cross_entropy;
