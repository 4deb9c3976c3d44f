//! Dropout by counter-based random numbers.

mod composite;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
pub(super) mod kernel;
mod numbers;

pub use function::{dropout, dropout_add};
pub use numbers::Dropout;
