//! Attributes of items and users as the numbers that a model reads.

mod encode;
mod encoded;
mod fit;
mod schema;

pub use encoded::{EncodedAttributes, EncodedColumn};
pub use fit::{AttributeSchemaConfig, VectorScaling};
pub use schema::{AttributeEncoding, AttributeSchema, EncodingRule};
