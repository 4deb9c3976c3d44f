//! Rows of a table as numbers.

mod calendar;
mod config;
mod encode;
mod encoded;
mod error;
mod fit;
mod hashing;
mod normal;
mod numbers;
mod schema;
mod shape;
mod sketch;
mod store;
mod summary;
mod values;

pub use calendar::CalendarPart;
pub use config::{FieldConfig, NumberEncoding, TabularConfig};
pub use encoded::{EncodedList, EncodedRows, MISSING, UNKNOWN};
pub use error::TabularError;
pub use fit::TabularFitter;
pub use hashing::Collisions;
pub use schema::TabularSchema;
pub use shape::{CategoryField, ListField, NumberField, TabularShape};
pub use store::{RowStore, RowStoreWriter};
pub use summary::{FieldFacts, FieldSummary, LabelSummary, TabularSummary};
