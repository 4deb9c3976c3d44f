//! Dropout by counter-based random numbers.

mod composite;
mod function;
mod numbers;

pub use function::dropout;
pub use numbers::Dropout;
