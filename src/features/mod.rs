//! Records to the numbers that a model reads.

mod attributes;
mod error;
mod vocabulary;

// Rows of a table.
pub mod tabular;

pub use attributes::{
    AttributeEncoding, AttributeSchema, AttributeSchemaConfig, EncodedAttributes, EncodedColumn,
    EncodingRule, VectorScaling,
};
pub use error::FeatureError;
pub use vocabulary::{FIRST_REAL_ID, PADDING_ID, UNKNOWN_ID, Vocabulary};
