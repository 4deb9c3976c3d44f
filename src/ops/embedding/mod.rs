//! Rows of a table, by id.

mod composite;
mod function;

#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "flex")]
mod kernel;
#[cfg(feature = "flex")]
mod row_gradient;

#[cfg(not(feature = "flex"))]
mod no_rows;

pub use function::embedding;
#[cfg(not(feature = "flex"))]
pub(crate) use no_rows::{RowGradient, RowGradients, backward_with_rows};
#[cfg(feature = "flex")]
pub(crate) use row_gradient::{RowGradient, RowGradients, backward_with_rows};
