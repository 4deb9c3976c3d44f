//! The best items of a table for each query.

mod best;
#[cfg(feature = "flex")]
mod flex;
mod function;
#[cfg(feature = "flex")]
mod kernel;

pub use function::{Candidates, TopK, top_k};
