//! Labelled impressions out of an event log.

mod error;
mod items;
mod label;
mod past;
mod rule;
mod summary;
mod table;

pub use error::ImpressionError;
pub use items::read_item_attributes;
pub use rule::{ImpressionRule, Impressions, OpenWindows};
pub use summary::ImpressionSummary;
