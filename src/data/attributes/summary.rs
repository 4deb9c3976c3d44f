//! How a table of attributes was read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::data::summary::ReadSummary;

/// How a table of attributes was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeSummary {
    /// Where the rows came from, and those left out.
    pub read: ReadSummary,
    /// The columns left out by the guess of kinds; empty when columns were named.
    pub left_out: Vec<LeftOutColumn>,
}

/// A column that the guess of kinds leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutColumn {
    /// Its name, or its number as `#1`.
    pub column: String,
    /// Why.
    pub reason: LeftOutReason,
}

impl fmt::Display for LeftOutColumn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "column {:?} is left out: {}",
            self.column, self.reason
        )
    }
}

/// Why the guess of kinds leaves a column out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOutReason {
    /// A value is shared by too few rows to say anything of another row, as in a title.
    #[error(
        "{n_values} different values among {n_cells} are too many for a category; name the column to keep it"
    )]
    TooManyValues {
        /// Different values.
        n_values: usize,
        /// Values in all.
        n_cells: usize,
    },
    /// All cells are empty.
    #[error("it has no value in any row")]
    NoValues,
    /// The header says that the column holds vectors, which are not read from text.
    #[error("vectors are not read from text")]
    VectorInText,
    /// No attribute has this type.
    #[error("{found} is no type of an attribute")]
    Type {
        /// The type.
        found: String,
    },
}
