//! Softmax cross-entropy over a table of items.

mod composite;
mod function;

pub use function::linear_cross_entropy;
