//! How to read a table of rows.

use serde::{Deserialize, Serialize};

use super::role::TableColumn;
use crate::data::options::ReadOptions;
use crate::data::time::TimeFormat;

/// What becomes of columns that nobody named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherColumns {
    /// Their roles are guessed. The default.
    #[default]
    Guess,
    /// They are left out.
    Ignore,
}

/// How to read a table of rows: what its columns are for, and how its cells are written.
///
/// ```
/// use salient::data::{TableColumn, TableOptions};
///
/// let options = TableOptions {
///     missing: vec!["unknown".into()],
///     ..TableOptions::new(TableColumn::list("click:label,user:group")?)
/// };
/// assert!(options.file.has_header);
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableOptions {
    /// Columns and their roles, at least the label.
    pub columns: Vec<TableColumn>,
    /// What becomes of the other columns. Default [`OtherColumns::Guess`].
    pub others: OtherColumns,
    /// Texts that stand for a missing value, as an empty cell does, such as `NA`; in a list they stand for a missing entry.
    /// Spaces around them do not count, nor around a cell. Default none.
    pub missing: Vec<String>,
    /// How times are written. Default [`TimeFormat::Auto`].
    pub time_format: TimeFormat,
    /// Rows from the first on that the guess looks at; at least 1. Default 10,000.
    pub n_look_rows: u64,
    /// How the file is laid out and what to do about bad rows.
    pub file: ReadOptions,
}

impl TableOptions {
    /// These columns, and a guess at the others.
    pub fn new(columns: Vec<TableColumn>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            others: OtherColumns::Guess,
            missing: Vec::new(),
            time_format: TimeFormat::Auto,
            n_look_rows: 10_000,
            file: ReadOptions::default(),
        }
    }
}
