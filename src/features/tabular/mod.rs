//! Rows of a table as numbers.

mod encoded;
mod shape;
mod store;

pub use encoded::{EncodedList, EncodedRows, MISSING, UNKNOWN};
pub use shape::{CategoryField, ListField, NumberField, TabularShape};
pub use store::{RowStore, RowStoreWriter};
