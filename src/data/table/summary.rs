//! What the columns of a table were taken for, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::role::TableRole;

/// What the columns of a table were taken for, by a look at its first rows.
///
/// Prints one line a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSummary {
    /// Rows looked at.
    pub n_rows: u64,
    /// All columns of the table, in order; one that is a category and the group is there twice.
    pub columns: Vec<ColumnSummary>,
}

/// What a column was taken for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSummary {
    /// Its name, or its number as `#1`.
    pub name: String,
    /// Its role; none where it is left out.
    pub role: Option<TableRole>,
    /// Why.
    pub reason: RoleReason,
    /// Different values seen.
    pub n_values: usize,
    /// Share of the rows looked at where it is missing, in `[0, 1]`.
    pub missing: f64,
    /// Up to three values.
    pub examples: Vec<String>,
}

/// Why a column has its role, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RoleReason {
    /// The caller says so.
    #[error("named")]
    Named,
    /// The header gives a type, as in RecBole's files.
    #[error("by the type in its header")]
    Header,
    /// The type of the Parquet column.
    #[error("by its type, {found}")]
    Type {
        /// The type.
        found: String,
    },
    /// Few different whole numbers.
    #[error("whole numbers, but no more than {limit} different ones")]
    FewIntegers {
        /// Most that are a category.
        limit: usize,
    },
    /// All that is there is numbers.
    #[error("numbers")]
    Numbers,
    /// Not all that is there is numbers.
    #[error("text")]
    Text,
    /// Nothing is there.
    #[error("empty in all rows looked at")]
    NoValues,
    /// Left out: nearly each value is there once, as with ids.
    #[error(
        "left out: {n_values} different values among {n_cells} say nothing of other rows; name the column to keep it"
    )]
    LikeAnId {
        /// Different values.
        n_values: usize,
        /// Values in all.
        n_cells: usize,
    },
    /// Left out: no role fits the type without being named.
    #[error("left out: of type {found}; name the column to keep it")]
    OtherType {
        /// The type.
        found: String,
    },
    /// Left out: no role can use the type.
    #[error("left out: of type {found}, which no role can use")]
    UnusableType {
        /// The type.
        found: String,
    },
    /// Left out: the times of a history.
    #[error("left out: the times of a history")]
    HistoryTimes,
    /// Left out: nobody named it.
    #[error("left out: not named")]
    NotNamed,
    /// Left out: the caller says so.
    #[error("left out: named as such")]
    Ignored,
}

impl fmt::Display for TableSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |cells: &dyn Fn(&ColumnSummary) -> usize| {
            self.columns.iter().map(cells).max().unwrap_or(0)
        };
        let role = |column: &ColumnSummary| match &column.role {
            Some(role) => role.to_string(),
            None => "-".into(),
        };
        let name_width = width(&|column| column.name.chars().count());
        let role_width = width(&|column| role(column).chars().count());
        let n_columns = self.columns.len();
        let n_read = self.columns.iter().filter(|column| column.role.is_some());
        let (n_read, n_rows) = (n_read.count(), self.n_rows);
        write!(
            formatter,
            "{n_read} of {n_columns} columns are read, by a look at {n_rows} rows"
        )?;
        for column in &self.columns {
            let ColumnSummary {
                name,
                reason,
                n_values,
                missing,
                examples,
                ..
            } = column;
            write!(
                formatter,
                "\n  {name:name_width$}  {:role_width$}  {n_values} different, {:.1} % missing, such as {}; {reason}",
                role(column),
                100.0 * missing,
                if examples.is_empty() {
                    "none".into()
                } else {
                    examples.join(", ")
                },
            )?;
        }
        Ok(())
    }
}
