//! What a step of training does to a weight: one pass, in place where the numbers lie in memory of the host.

mod composite;
mod function;

#[cfg(feature = "flex")]
mod kernel;

pub(crate) use function::{Change, Sums, sum_of_squares, update, update_rows};
