//! Normalisation over the width of a row.

mod composite;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
mod kernel;

pub use function::{layer_norm, rms_norm};
