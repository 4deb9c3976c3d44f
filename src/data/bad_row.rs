//! A row that breaks a rule: where, what it holds, and the rule; and what to do about such rows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::Origin;

/// The greatest number of characters of offending text that a message shows.
const MAX_TEXT_CHARS: usize = 60;

/// What to do about a row that breaks a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadRow {
    /// Stop with an error that names the row. The default.
    #[default]
    Fail,
    /// Leave the row out and count it by reason.
    Skip,
}

/// A place in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a text file, counted from 1, header included; of a record over several lines, the first.
    Line(u64),
    /// A row of a table without lines, counted from 1.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Row(row) => write!(formatter, "row {row}"),
        }
    }
}

/// A rule that a row breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RowRule {
    /// The user id is null or empty.
    #[error("a user id must not be empty")]
    MissingUser,
    /// The item id is null or empty.
    #[error("an item id must not be empty")]
    MissingItem,
    /// The time is null or empty.
    #[error("a time must not be empty")]
    MissingTime,
    /// The event type is null or empty.
    #[error("an event type must not be empty")]
    MissingEvent,
    /// The weight is null or empty.
    #[error("a weight must not be empty")]
    MissingWeight,
    /// A number used as an id has a fraction or is not finite.
    #[error("an id must be a whole number or text")]
    IdNotWhole,
    /// An id contains a line break.
    #[error("an id must not contain a line break; check for a quote that is never closed")]
    LineBreakInId,
    /// The id of a row of attributes is null or empty.
    #[error("an id must not be empty")]
    MissingId,
    /// An id has two rows of attributes.
    #[error("{first} has this id already; an id has one row of attributes")]
    DuplicateId {
        /// The first row with the id.
        first: Place,
    },
    /// An attribute is not a number.
    #[error("a number is needed; an empty cell is a missing one")]
    UnparsableNumber,
    /// An attribute is NaN, infinite or beyond the range of 32-bit numbers.
    #[error("a number must be finite, in 32 bits too; an empty cell is a missing one")]
    NonFiniteNumber,
    /// A number of a vector is NaN, infinite or beyond the range of 32-bit numbers.
    #[error("number {coordinate} of the vector must be finite, in 32 bits too")]
    NonFiniteCoordinate {
        /// Its place in the vector, counted from 1.
        coordinate: usize,
    },
    /// A number of a vector is null.
    #[error("number {coordinate} of the vector is null; only a whole vector may be missing")]
    GapInVector {
        /// Its place in the vector, counted from 1.
        coordinate: usize,
    },
    /// A vector has another width than the first one.
    #[error(
        "the vector has {found} numbers, but that of {first} has {expected}; one width is needed"
    )]
    WrongVectorWidth {
        /// Its width.
        found: usize,
        /// Width of the first vector.
        expected: usize,
        /// Where the first vector stands.
        first: Place,
    },
    /// The row has a value that the first row lacks.
    #[error("the first row has none here, so no row may have one")]
    OnlySomeRows,
    /// The text does not fit the time format.
    #[error("not a time: expected {expected}")]
    UnparsableTime {
        /// What the time format reads.
        expected: String,
    },
    /// The time lies outside the years 0 to 9999.
    #[error(
        "a time outside the years 0 to 9999 when read as {unit}; is it another unit? choose unix-seconds, unix-millis or unix-micros"
    )]
    TimeOutOfRange {
        /// The unit it was read in.
        unit: &'static str,
    },
    /// The weight is not a number.
    #[error("a weight must be a number")]
    UnparsableWeight,
    /// The weight is NaN or infinite.
    #[error("a weight must be a finite number")]
    NonFiniteWeight,
    /// The weight is zero or less.
    #[error("a weight must be above 0")]
    WeightNotPositive,
    /// The duration is null or empty.
    #[error("a duration must not be empty")]
    MissingDuration,
    /// The duration is below zero.
    #[error("a duration must be at least 0")]
    DurationNegative,
    /// The label is null or empty.
    #[error("a label must not be empty")]
    MissingLabel,
    /// The label is neither yes nor no.
    #[error(
        "a label must be 0 or 1, false or true, no or yes; name the text that means yes, as in label=VALUE"
    )]
    NotALabel,
    /// The group is null or empty.
    #[error("a group must not be empty")]
    MissingGroup,
    /// A column that was taken for numbers holds text.
    #[error(
        "a number is needed, as in the first rows; name the column as a category, or this text as missing"
    )]
    NotTheGuessedNumber,
    /// A history has more or fewer times than values.
    #[error("the history has {n_values} values, but {n_times} times; each value needs one")]
    WrongTimeCount {
        /// Times found.
        n_times: usize,
        /// Values found.
        n_values: usize,
    },
    /// A history has a value without a time, or a time without a value.
    #[error(
        "entry {place} of the history has a value or a time, but not both; give both, or leave out both"
    )]
    GapInHistory {
        /// Its place in the history, counted from 1.
        place: usize,
    },
    /// A value of a history is not from before its row.
    #[error("a value of a history must be from before the time of its row")]
    HistoryNotEarlier,
    /// A value of a history is from before the one in front of it.
    #[error("the times of a history must not fall: the oldest value comes first")]
    HistoryOutOfOrder,
    /// A record lacks a column.
    #[error("the record has no such column; give it, as null where the value is not known")]
    AbsentFromRecord,
    /// The row has fewer or more columns than the header or the first row.
    #[error(
        "the row has {found} columns, but {expected} are expected; check the delimiter and quotes"
    )]
    WrongColumnCount {
        /// Number of columns found.
        found: usize,
        /// Number of columns of the header or the first row.
        expected: usize,
    },
    /// The bytes are not UTF-8.
    #[error("not UTF-8; convert the file to UTF-8")]
    NotUtf8,
    /// The file ends inside quotes.
    #[error("a quote is opened in this record and never closed")]
    UnclosedQuote,
    /// The line is longer than allowed.
    #[error(
        "the line is longer than {limit} bytes; check for a missing line end or a quote that is never closed, or raise max_line_bytes"
    )]
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl RowRule {
    /// The reason for a skipped row, in the words of a report.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::MissingUser => "missing user",
            Self::MissingItem => "missing item",
            Self::MissingTime => "missing time",
            Self::MissingEvent => "missing event type",
            Self::MissingWeight => "missing weight",
            Self::IdNotWhole => "id not a whole number",
            Self::LineBreakInId => "line break in an id",
            Self::MissingId => "missing id",
            Self::DuplicateId { .. } => "id that an earlier row has",
            Self::UnparsableNumber => "unparsable number",
            Self::NonFiniteNumber => "number not finite",
            Self::NonFiniteCoordinate { .. } => "vector not finite",
            Self::GapInVector { .. } => "null in a vector",
            Self::WrongVectorWidth { .. } => "vector of another width",
            Self::OnlySomeRows => "value that the first row lacks",
            Self::UnparsableTime { .. } => "unparsable time",
            Self::TimeOutOfRange { .. } => "time out of range",
            Self::UnparsableWeight => "unparsable weight",
            Self::NonFiniteWeight => "weight not finite",
            Self::WeightNotPositive => "weight not above 0",
            Self::MissingDuration => "missing duration",
            Self::DurationNegative => "duration below 0",
            Self::MissingLabel => "missing label",
            Self::NotALabel => "label neither yes nor no",
            Self::MissingGroup => "missing group",
            Self::NotTheGuessedNumber => "text among guessed numbers",
            Self::WrongTimeCount { .. } => "history with other times than values",
            Self::GapInHistory { .. } => "history with a value or a time alone",
            Self::HistoryNotEarlier => "history not before its row",
            Self::HistoryOutOfOrder => "history out of order",
            Self::AbsentFromRecord => "record without a column",
            Self::WrongColumnCount { .. } => "wrong number of columns",
            Self::NotUtf8 => "not UTF-8",
            Self::UnclosedQuote => "unclosed quote",
            Self::LineTooLong { .. } => "line too long",
        }
    }
}

/// A row that breaks a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct BadRow {
    /// The table.
    pub origin: Origin,
    /// The row in it.
    pub place: Place,
    /// The column, or none when the row as a whole is wrong.
    pub column: Option<String>,
    /// What stands there, shortened; empty for a null.
    pub text: String,
    /// The rule that it breaks.
    pub rule: RowRule,
}

impl fmt::Display for BadRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.origin, self.place)?;
        if let Some(column) = &self.column {
            write!(formatter, ", column {column:?}")?;
        }
        write!(formatter, ": {:?}: {}", self.text, self.rule)
    }
}

/// What is wrong with a row, before its place is known.
#[derive(Debug)]
pub(crate) struct RowFault {
    pub(crate) column: Option<String>,
    pub(crate) text: String,
    pub(crate) rule: RowRule,
}

impl RowFault {
    pub(crate) fn new(column: Option<&str>, text: &[u8], rule: RowRule) -> Box<Self> {
        Box::new(Self {
            column: column.map(str::to_owned),
            text: shortened(text),
            rule,
        })
    }
}

/// The first [`MAX_TEXT_CHARS`] characters, with replacement marks where the bytes are not UTF-8.
pub(crate) fn shortened(text: &[u8]) -> String {
    // A character takes at most four bytes, so more bytes than this cannot be shown.
    let head = &text[..text.len().min(4 * MAX_TEXT_CHARS + 4)];
    let head = String::from_utf8_lossy(head);
    let mut short: String = head.chars().take(MAX_TEXT_CHARS).collect();
    if short.len() < text.len() && head.chars().count() > MAX_TEXT_CHARS {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(shortened("é".repeat(60).as_bytes()), "é".repeat(60));
        assert_eq!(shortened("é".repeat(61).as_bytes()), "é".repeat(60) + "…");
        assert_eq!(shortened(b"a\xffb"), "a\u{fffd}b");
    }
}
