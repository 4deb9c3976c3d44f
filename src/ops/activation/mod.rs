//! Pointwise non-linear functions.

mod composite;
mod function;

pub use function::{gelu, relu, silu, swiglu};
