//! What can be wrong with a table of rows, beside its rows.

use crate::data::error::Origin;

/// What can be wrong with a table of rows, beside its rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The table holds nothing at all.
    #[error("{origin} is empty; a table of rows is needed")]
    Empty {
        /// The table.
        origin: Origin,
    },
    /// A column and its role are not written as `name:role`.
    #[error(
        "{text:?} is no column and role; write name:role, where role is label, label=VALUE, category, categories, categories=SEPARATOR, number, time, history, history=CATEGORY;times=COLUMN;separator=SEPARATOR, weight, group or ignore"
    )]
    InvalidRole {
        /// The text given.
        text: String,
    },
    /// A column is named for two uses, neither of which is the group beside a category.
    #[error(
        "column {column:?} is named as {first} and as {second}; a column has one use, but a category may also be the group"
    )]
    RepeatedColumn {
        /// The column.
        column: String,
        /// Its first use.
        first: &'static str,
        /// Its second use.
        second: &'static str,
    },
    /// Two columns have one name.
    #[error("two columns are named {name:?}; names must differ")]
    RepeatedName {
        /// The name.
        name: String,
    },
    /// No column is the label.
    #[error("no column is named as the label; it is never guessed, so name it, as in click:label")]
    NoLabel,
    /// More columns have a role than may.
    #[error("{found} columns are named as {role}; at most {limit} may be")]
    TooManyOfRole {
        /// The role.
        role: &'static str,
        /// Columns that have it.
        found: usize,
        /// Most that may.
        limit: usize,
    },
    /// There is nothing to predict from.
    #[error(
        "no column is left to predict from beside labels, weights and groups; name some, as in price:number"
    )]
    NoInputs,
    /// A history has the values of a column that is no category.
    #[error(
        "the history {name:?} has the values of {of:?}, which is no category; name it as one, as in {of}:category"
    )]
    HistoryOfNoCategory {
        /// The history.
        name: String,
        /// The column that it names.
        of: String,
    },
    /// A history has times, but the rows have none.
    #[error(
        "the history {name:?} has times, which are compared to the time of a row, but no column is named as the time"
    )]
    HistoryNeedsTime {
        /// The history.
        name: String,
    },
    /// A table without a header has another number of columns than the one that the schema was made of.
    #[error(
        "{origin} has {found} columns, but the table that the schema was made of has {expected}; without a header columns are known by their number alone"
    )]
    OtherColumnCount {
        /// The table.
        origin: Origin,
        /// Columns found.
        found: usize,
        /// Columns expected.
        expected: usize,
    },
    /// The guess of roles may look at no row.
    #[error("n_look_rows is 0; it must be at least 1")]
    NoRowsToLookAt,
    /// Rows cannot be split as asked.
    #[error("rows cannot be split {split}: {rule}")]
    InvalidSplit {
        /// The rule of the split.
        split: String,
        /// What it lacks.
        rule: &'static str,
    },
}
