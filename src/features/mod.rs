//! Records to the numbers that a model reads.

mod error;

pub use error::FeatureError;
