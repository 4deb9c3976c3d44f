//! Records to the numbers that a model reads.

mod error;
mod vocabulary;

pub use error::FeatureError;
pub use vocabulary::{FIRST_REAL_ID, PADDING_ID, UNKNOWN_ID, Vocabulary};
