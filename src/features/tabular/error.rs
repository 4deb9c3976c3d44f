//! What can be wrong with the rows of a table on their way into a model.

/// What can be wrong with the rows of a table on their way into a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TabularError {
    /// Settings name a field that the table does not have.
    #[error("there are settings for a field {name:?}, but the table has only {}", present.join(", "))]
    UnknownField {
        /// The name given.
        name: String,
        /// The fields of the table.
        present: Vec<String>,
    },
    /// The least count of a value is zero.
    #[error("field {name:?}: min_count is 0; it must be at least 1")]
    ZeroMinCount {
        /// The field.
        name: String,
    },
    /// The number of buckets is zero, or too great.
    #[error("field {name:?}: n_buckets is {n_buckets}; it must be from 1 to {limit}")]
    InvalidBuckets {
        /// The field.
        name: String,
        /// The number given.
        n_buckets: usize,
        /// Most that fit.
        limit: usize,
    },
    /// The number of quantiles is too small or too great.
    #[error("field {name:?}: n_quantiles is {n_quantiles}; it must be from 2 to {limit}")]
    InvalidQuantiles {
        /// The field.
        name: String,
        /// The number given.
        n_quantiles: usize,
        /// Most that the kept sample can tell apart.
        limit: usize,
    },
    /// The number of bins is zero, or too great.
    #[error("field {name:?}: n_bins is {n_bins}; it must be from 1 to {limit}")]
    InvalidBins {
        /// The field.
        name: String,
        /// The number given.
        n_bins: usize,
        /// Most that the kept sample can tell apart.
        limit: usize,
    },
    /// No value of a history is kept.
    #[error("max_history is 0; it must be at least 1")]
    ZeroMaxHistory,
    /// The offset from UTC is a day or more.
    #[error("utc_offset_minutes is {minutes}; it must be above -1440 and below 1440")]
    InvalidOffset {
        /// The offset given.
        minutes: i32,
    },
    /// A part of the calendar is there twice.
    #[error("the calendar holds {part} twice; parts must be distinct")]
    RepeatedCalendarPart {
        /// The part.
        part: &'static str,
    },
    /// There is no row to learn from.
    #[error("there is no row to learn from")]
    NoRows,
    /// A field has more different values than a 32-bit number can tell apart.
    #[error("field {name:?} has {n_values} different values; at most {limit} fit, so hash them")]
    TooManyValues {
        /// The field.
        name: String,
        /// Values seen.
        n_values: usize,
        /// Most that fit.
        limit: usize,
    },
    /// Rows have another number of columns than the schema.
    #[error(
        "the rows have {found} columns, but the schema has {expected}; read them by the table of this schema"
    )]
    OtherColumns {
        /// Columns of the rows.
        found: usize,
        /// Columns of the schema.
        expected: usize,
    },
    /// The cells of a column are other than its role gives.
    #[error(
        "column {name:?} holds {found}, but {expected} are needed; read the rows by the table of this schema"
    )]
    OtherCells {
        /// The column.
        name: String,
        /// What it holds.
        found: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A schema has another number of encodings than columns.
    #[error("the schema holds {found} encodings for {expected} columns; each column has one")]
    WrongEncodingCount {
        /// Encodings found.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// A schema encodes a column in a way that does not fit its role.
    #[error("the schema encodes {name:?} as {found}, which does not fit its role, {role}")]
    WrongEncoding {
        /// The column.
        name: String,
        /// The encoding found.
        found: &'static str,
        /// The role.
        role: &'static str,
    },
    /// A schema scales by numbers that no fit gives.
    #[error(
        "the scale of field {name:?} is not valid: numbers must be finite, a deviation positive, quantiles at least 2 and not falling, edges at least 2 and rising"
    )]
    InvalidScale {
        /// The field.
        name: String,
    },
    /// A vocabulary holds a value twice, or an empty one.
    #[error("a vocabulary holds {value:?}, which is empty or there twice")]
    InvalidValue {
        /// The value.
        value: String,
    },
}
