//! Rows of a table as numbers.

mod encoded;
mod shape;

pub use encoded::{EncodedList, EncodedRows, MISSING, UNKNOWN};
pub use shape::{CategoryField, ListField, NumberField, TabularShape};
