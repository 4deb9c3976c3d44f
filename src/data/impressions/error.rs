//! What can be wrong with a rule that makes impressions.

use std::time::Duration;

use crate::data::error::{ColumnRole, quoted};

/// What can be wrong with a rule that makes impressions, or with a log that it is applied to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImpressionError {
    /// The log lacks a column.
    #[error(
        "impressions need the {role} of events, but none was read; name its column in the schema"
    )]
    NeedsColumn {
        /// What the column is for.
        role: ColumnRole,
    },
    /// No event type is named.
    #[error("no event type is named as {part}; name some of {}", quoted(present))]
    NoEvents {
        /// `impressions` or `successes`.
        part: &'static str,
        /// The names that occur.
        present: Vec<String>,
    },
    /// An event type is named both as an impression and as a success.
    #[error(
        "event type {event:?} is named as an impression and as a success; it can be one of them"
    )]
    EventTwice {
        /// The name.
        event: String,
    },
    /// The window is no time at all, or longer than can be counted.
    #[error(
        "the window is {window:?}; it must last at least a millisecond and at most 2^63 of them"
    )]
    InvalidWindow {
        /// The window given.
        window: Duration,
    },
    /// An attribute of items that has not one value an item.
    #[error(
        "attribute {name:?} is of kind {kind}; impressions carry attributes of kind category and number, so leave it out"
    )]
    UnusableAttribute {
        /// The attribute.
        name: String,
        /// Its kind.
        kind: &'static str,
    },
    /// An attribute has the name of a column that the table has anyway.
    #[error(
        "attribute {name:?} would be a second column {column:?} of the table; give it another name"
    )]
    RepeatedColumn {
        /// The attribute.
        name: String,
        /// The column.
        column: String,
    },
    /// No impression is left.
    #[error(
        "there are no impressions: {n_outside} lie outside the times asked for, and of {n_open} the log ends before their window; choose other times or a shorter window"
    )]
    NoImpressions {
        /// Impressions at other times.
        n_outside: usize,
        /// Impressions whose window reaches beyond the end of the log.
        n_open: usize,
    },
}
