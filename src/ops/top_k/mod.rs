//! The best items of a table for each query.

mod best;
mod function;

pub use function::{Candidates, TopK, top_k};
