//! Normalisation over the width of a row.

mod composite;
mod function;

pub use function::{layer_norm, rms_norm};
