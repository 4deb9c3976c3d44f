//! Binary cross-entropy on a target and sampled negatives.

mod composite;
mod function;

pub use function::binary_cross_entropy_sampled;
