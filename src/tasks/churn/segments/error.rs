//! What can be wrong with a segmentation.

use std::collections::BTreeMap;

/// What can be wrong with a segmentation. Rows and columns are counted from 0.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum SegmentError {
    /// A setting lies below its range.
    #[error("{setting} is {value}: it must be at least {least}")]
    TooSmall {
        /// Name of the setting.
        setting: &'static str,
        /// The value given.
        value: usize,
        /// The least allowed.
        least: usize,
    },
    /// The numbers are no rows.
    #[error("{n_numbers} numbers cannot be cut into rows of {width}")]
    WidthDoesNotDivide {
        /// Numbers given.
        n_numbers: usize,
        /// Numbers of a row.
        width: usize,
    },
    /// An embedding is not a number.
    #[error("the embedding of row {row} is {value} in column {column}: it must be finite")]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// Customers are too much alike to be told apart.
    #[error(
        "the embeddings have {n_distinct} distinct row(s), which cannot be cut into {k} segments: lower k"
    )]
    TooFewDistinctRows {
        /// Distinct rows among those that segments are fitted on.
        n_distinct: usize,
        /// The largest number of segments asked for.
        k: usize,
    },
    /// K-means finds no such number of segments.
    #[error(
        "none of {n_restarts} starts of k-means ends with {k} segments that all have customers: lower k"
    )]
    EmptySegments {
        /// Segments asked for.
        k: usize,
        /// Starts.
        n_restarts: usize,
    },
    /// What is given is not of these rows.
    #[error("{found} {what} are given for {n_rows} rows: give one a row")]
    RowsDiffer {
        /// What is given.
        what: &'static str,
        /// How many.
        found: usize,
        /// Rows of the table.
        n_rows: usize,
    },
    /// A probability lies outside its range.
    #[error("the probability of row {row} is {value}: it must lie in [0, 1]")]
    NotAProbability {
        /// The row.
        row: usize,
        /// The value given.
        value: f64,
    },
    /// There is nobody to describe.
    #[error("there are no customers to describe: give one at least")]
    NoRows,
    /// A report is of other customers.
    #[error("the report is of {reported:?} customers a segment, the embeddings are of {found:?}")]
    OtherCustomers {
        /// Customers in the report of each segment that has any.
        reported: BTreeMap<usize, usize>,
        /// Customers by the embeddings.
        found: BTreeMap<usize, usize>,
    },
    /// A saved segmentation is damaged.
    #[error("the segmentation is damaged: {rule}")]
    Damaged {
        /// What does not hold.
        rule: &'static str,
    },
}
