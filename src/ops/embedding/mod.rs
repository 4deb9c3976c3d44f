//! Rows of a table, by id.

mod composite;
mod function;

pub use function::embedding;
