//! Pointwise non-linear functions.

mod composite;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
mod kernel;
mod kind;

pub use function::{activate, gelu, relu, silu, swiglu};
pub use kind::Activation;
