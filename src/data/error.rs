//! What can be wrong with a file or a table, and what was expected instead.

use std::fmt;
use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

use super::attributes::AttributeError;
use super::bad_row::BadRow;
use super::churn::ChurnError;
use super::impressions::ImpressionError;
use super::table::TableError;

/// Where a table came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Arrow record batches given by the caller.
    RecordBatches,
    /// Rows given by the caller.
    Rows,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::RecordBatches => formatter.write_str("record batches"),
            Self::Rows => formatter.write_str("rows"),
        }
    }
}

/// What can be wrong with a file or a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is no such file.
    #[error("{} does not exist; check the path", path.display())]
    FileMissing {
        /// The path asked for.
        path: PathBuf,
    },
    /// The file exists but cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The gzip data is cut off or damaged.
    #[error("{} is broken gzip, good up to about line {line}: {source}; fetch or pack the file again", path.display())]
    BrokenGzip {
        /// The file.
        path: PathBuf,
        /// Number of lines that could be unpacked.
        line: u64,
        /// What the decoder said.
        source: io::Error,
    },
    /// The file is packed in a format other than gzip.
    #[error("{} is a {format} file; unpack it, or pack it as gzip", path.display())]
    UnsupportedCompression {
        /// The file.
        path: PathBuf,
        /// Name of the format found.
        format: &'static str,
    },
    /// The Parquet file is cut off or damaged, or is no Parquet at all.
    #[error("{} cannot be read as Parquet: {source}; it may be cut off or damaged", path.display())]
    BrokenParquet {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: ParquetError,
    },
    /// A record batch could not be made or converted.
    #[error("{origin} cannot be read as Arrow after row {row}: {source}")]
    BrokenBatch {
        /// The table.
        origin: Origin,
        /// Number of rows that could be read.
        row: u64,
        /// What Arrow said.
        source: ArrowError,
    },
    /// A record batch has other columns than the first one.
    #[error(
        "{origin}: the batch after row {row} has other columns than the first; all batches need one schema"
    )]
    BatchesDiffer {
        /// The table.
        origin: Origin,
        /// Number of rows before the batch.
        row: u64,
    },
    /// The table holds nothing at all.
    #[error("{origin} is empty; a table of events is needed")]
    Empty {
        /// The table.
        origin: Origin,
    },
    /// The table has a header or schema, but no rows.
    #[error("{origin} holds no rows, only the columns {}", quoted(columns))]
    NoRows {
        /// The table.
        origin: Origin,
        /// Its columns.
        columns: Vec<String>,
    },
    /// Every row was bad and skipped.
    #[error("{origin}: all {n_rows} rows are bad, the first one is: {first}")]
    NoGoodRows {
        /// The table.
        origin: Origin,
        /// Number of rows read.
        n_rows: u64,
        /// The first bad row.
        first: Box<BadRow>,
    },
    /// The header cannot be read as text.
    #[error("{} line {line}: the header is not UTF-8, it begins {text:?}; convert the file to UTF-8", path.display())]
    HeaderNotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the header.
        line: u64,
        /// The beginning of the header, with replacement marks.
        text: String,
    },
    /// A column that was asked for does not exist.
    #[error("{origin} has no column {asked:?} for the {role}; its columns are {}{}", quoted(columns), hint.map(|hint| format!("; {hint}")).unwrap_or_default())]
    MissingColumn {
        /// The table.
        origin: Origin,
        /// What the column is for.
        role: ColumnRole,
        /// The name or number asked for.
        asked: String,
        /// The columns that there are.
        columns: Vec<String>,
        /// What may have gone wrong.
        hint: Option<&'static str>,
    },
    /// A name fits more than one column.
    #[error(
        "{origin}: {asked:?} for the {role} fits more than one column: {}; give the full name, or the number as `#1`",
        quoted(matches)
    )]
    AmbiguousColumn {
        /// The table.
        origin: Origin,
        /// What the column is for.
        role: ColumnRole,
        /// The name asked for.
        asked: String,
        /// The columns that fit, by number and name.
        matches: Vec<String>,
    },
    /// One column was named for both the user and the item.
    #[error("{origin}: column {column:?} is named as both the user and the item; they must differ")]
    SameColumn {
        /// The table.
        origin: Origin,
        /// The column.
        column: String,
    },
    /// A column of an Arrow table has a type that its role cannot use.
    #[error(
        "{origin}: column {column:?} is of type {found}, but the {role} needs {expected}; convert the column"
    )]
    WrongColumnType {
        /// The table.
        origin: Origin,
        /// What the column is for.
        role: ColumnRole,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// The types that would do.
        expected: &'static str,
    },
    /// A row breaks a rule.
    #[error("{0}")]
    BadRow(Box<BadRow>),
    /// There are more different values than fit.
    #[error(
        "{origin}: column {column:?} has more than {limit} different values; is it the {role}?"
    )]
    TooManyValues {
        /// The table.
        origin: Origin,
        /// What the column is for.
        role: ColumnRole,
        /// The column.
        column: String,
        /// The greatest number that fits.
        limit: usize,
    },
    /// A time format is not one of those known.
    #[error(
        "unknown time format {text:?}; use auto, unix-seconds, unix-millis, unix-micros, or a pattern such as %d/%m/%Y %H:%M"
    )]
    UnknownTimeFormat {
        /// The text given.
        text: String,
    },
    /// A time pattern holds something that is no pattern.
    #[error(
        "time pattern {pattern:?} is not valid: each % must begin a specifier of strftime, such as %Y-%m-%d %H:%M:%S"
    )]
    InvalidTimePattern {
        /// The pattern.
        pattern: String,
    },
    /// A column number of zero, or one that is no number.
    #[error("{text:?} is no column number: columns count from 1, as in `#1`")]
    InvalidColumnNumber {
        /// The text given.
        text: String,
    },
    /// A delimiter that is neither one ASCII character nor one of those with a name.
    #[error(
        "{text:?} is no delimiter: give one ASCII character other than a quote or a line end, `tab`, or `whitespace`"
    )]
    InvalidDelimiter {
        /// The text given.
        text: String,
    },
    /// The limit on the length of a line is zero.
    #[error("max_line_bytes is {limit}; it must be at least 1")]
    InvalidLineLimit {
        /// The limit given.
        limit: usize,
    },
    /// A filter needs a column that was not read.
    #[error("the filter on {role} needs that column, but none was read; name it in the schema")]
    FilterNeedsColumn {
        /// The column it needs.
        role: ColumnRole,
    },
    /// A filter names an event type that does not occur.
    #[error("event type {event:?} does not occur; there are {}", quoted(present))]
    UnknownEvent {
        /// The name given.
        event: String,
        /// The names that occur.
        present: Vec<String>,
    },
    /// A filter keeps no event type.
    #[error(
        "the list of event types to keep is empty; name some of {}, or leave the filter out",
        quoted(present)
    )]
    NoEventsKept {
        /// The names that occur.
        present: Vec<String>,
    },
    /// The least weight of a filter is not a finite number.
    #[error("min_weight is {min_weight}; it must be a finite number")]
    InvalidMinWeight {
        /// The number given.
        min_weight: f32,
    },
    /// No rows are left after filtering.
    #[error("none of {n_rows} rows are left after filtering: {}; loosen the filter", dropped.join(", "))]
    EmptyAfterFilter {
        /// Number of rows before.
        n_rows: usize,
        /// What each part of the filter dropped.
        dropped: Vec<String>,
    },
    /// The fractions of a split are not proportions that leave something to train on.
    #[error(
        "validation_fraction {validation_fraction} and test_fraction {test_fraction} are not valid: validation in [0, 1), test in (0, 1), and their sum below 1"
    )]
    InvalidSplitFractions {
        /// Share for validation.
        validation_fraction: f64,
        /// Share for testing.
        test_fraction: f64,
    },
    /// A table of attributes cannot be made.
    #[error(transparent)]
    Attributes(#[from] AttributeError),
    /// A table of rows cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A rule makes no impressions of a log.
    #[error(transparent)]
    Impressions(#[from] ImpressionError),
    /// A rule does not tell who of a log leaves.
    #[error(transparent)]
    Churn(#[from] ChurnError),
    /// A split by time was asked of a log without times.
    #[error("a split by time needs a time column, but none was read; name it in the schema")]
    SplitNeedsTimes,
    /// A split leaves no event to train on.
    #[error(
        "the split {rule} leaves none of {n_rows} events of {n_users} users to train on; take smaller fractions or more data"
    )]
    NothingLeftToTrain {
        /// The split rule.
        rule: String,
        /// Number of events in the log.
        n_rows: usize,
        /// Number of users in the log.
        n_users: usize,
    },
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnRole {
    /// Who acted.
    User,
    /// On what.
    Item,
    /// When.
    Time,
    /// Order of events at the same time.
    TieBreak,
    /// Type of the event.
    Event,
    /// Weight of the event.
    Weight,
    /// Whom or what a row of attributes describes.
    Id,
    /// Attribute of a user or an item.
    Attribute,
    /// What is to be predicted.
    Label,
    /// How long a row was watched.
    Duration,
    /// To whom or what a row belongs.
    Group,
    /// What a prediction is made from.
    Field,
}

impl fmt::Display for ColumnRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::User => "user",
            Self::Item => "item",
            Self::Time => "time",
            Self::TieBreak => "tie-break",
            Self::Event => "event type",
            Self::Weight => "weight",
            Self::Id => "id",
            Self::Attribute => "attribute",
            Self::Label => "label",
            Self::Duration => "duration",
            Self::Group => "group",
            Self::Field => "field",
        })
    }
}

/// The greatest number of names that a message lists.
const MAX_NAMES: usize = 30;

/// Names in backquotes; of many, the first [`MAX_NAMES`].
pub(crate) fn quoted(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    let listed: Vec<String> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    let rest = names.len().saturating_sub(MAX_NAMES);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    listed.join(", ") + &more
}
