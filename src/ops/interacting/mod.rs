//! Interacting layers: self-attention over the fields of a row beside a map of each field, as in AutoInt.

mod composite;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
mod kernel;

#[cfg(test)]
mod tests;

pub use function::{InteractingOptions, InteractingWeights, interacting};
