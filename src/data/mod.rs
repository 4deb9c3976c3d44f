//! Files to checked records.

mod error;

pub use error::DataError;
