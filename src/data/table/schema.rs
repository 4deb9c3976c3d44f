//! The columns of a table that are read, once and for all.

use serde::{Deserialize, Serialize};

use super::error::TableError;
use super::role::TableRole;
use crate::data::schema::ColumnRef;
use crate::data::time::TimeFormat;

/// The most labels of a table: a click and what follows it.
const MAX_LABELS: usize = 2;

/// A column that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaColumn {
    /// Its name, or its number as `#1` where there is no header.
    pub name: String,
    /// Where it is found.
    pub column: ColumnRef,
    /// What it is for.
    pub role: TableRole,
    /// Whether the role was guessed.
    #[serde(default)]
    pub is_guessed: bool,
}

/// The columns of a table that are read, once and for all: what training saw is what a prediction reads.
///
/// Made by [`TableSchema::infer`] or [`TableSchema::new`], and read back from JSON only if it is sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedSchema")]
pub struct TableSchema {
    columns: Vec<SchemaColumn>,
    missing: Vec<String>,
    time_format: TimeFormat,
    n_columns: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedSchema {
    columns: Vec<SchemaColumn>,
    missing: Vec<String>,
    time_format: TimeFormat,
    n_columns: Option<usize>,
}

impl TryFrom<UncheckedSchema> for TableSchema {
    type Error = TableError;

    fn try_from(schema: UncheckedSchema) -> Result<Self, TableError> {
        Self {
            columns: schema.columns,
            missing: schema.missing,
            time_format: schema.time_format,
            n_columns: schema.n_columns,
        }
        .checked()
    }
}

impl TableSchema {
    /// A schema of these columns, with nothing guessed.
    ///
    /// `missing` and `time_format` are those of [`TableOptions`](super::TableOptions). Columns to be ignored are left out.
    ///
    /// # Errors
    /// [`TableError::NoLabel`], [`TableError::TooManyOfRole`] (two labels; one time, weight and group), [`TableError::NoInputs`],
    /// [`TableError::RepeatedColumn`], [`TableError::RepeatedName`], [`TableError::HistoryOfNoCategory`],
    /// [`TableError::HistoryNeedsTime`].
    pub fn new(
        columns: Vec<SchemaColumn>,
        missing: Vec<String>,
        time_format: TimeFormat,
    ) -> Result<Self, TableError> {
        Self::sized(columns, missing, time_format, None)
    }

    /// A schema for tables of this many columns, if the number must be the same.
    pub(super) fn sized(
        mut columns: Vec<SchemaColumn>,
        missing: Vec<String>,
        time_format: TimeFormat,
        n_columns: Option<usize>,
    ) -> Result<Self, TableError> {
        columns.retain(|column| column.role != TableRole::Ignore);
        Self {
            columns,
            missing,
            time_format,
            n_columns,
        }
        .checked()
    }

    /// The columns, in the order of the cells of [`TableRows`](super::TableRows).
    pub fn columns(&self) -> &[SchemaColumn] {
        &self.columns
    }

    /// Texts that stand for a missing value.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// How times are written.
    pub const fn time_format(&self) -> &TimeFormat {
        &self.time_format
    }

    /// How many columns a table must have; none where they are known by name.
    pub(super) const fn n_columns(&self) -> Option<usize> {
        self.n_columns
    }

    /// The place among [`Self::columns`] of the category whose values the history at `index` has.
    pub fn category_of(&self, index: usize) -> Option<usize> {
        match &self.columns.get(index)?.role {
            TableRole::History { of: Some(of), .. } => self
                .columns
                .iter()
                .position(|column| column.role == TableRole::Category && column.column == *of),
            _ => None,
        }
    }

    /// The place of the column with the time of a row.
    pub fn time(&self) -> Option<usize> {
        let is_time = |column: &SchemaColumn| column.role == TableRole::Time;
        self.columns.iter().position(is_time)
    }

    fn checked(self) -> Result<Self, TableError> {
        if self.count("label") == 0 {
            return Err(TableError::NoLabel);
        }
        for (role, limit) in [
            ("label", MAX_LABELS),
            ("time", 1),
            ("weight", 1),
            ("group", 1),
        ] {
            let found = self.count(role);
            if found > limit {
                return Err(TableError::TooManyOfRole { role, found, limit });
            }
        }
        if !self.columns.iter().any(|column| column.role.is_input()) {
            return Err(TableError::NoInputs);
        }
        self.check_repeats()?;
        self.check_histories()?;
        Ok(self)
    }

    fn count(&self, role: &str) -> usize {
        let has_role = |column: &&SchemaColumn| column.role.name() == role;
        self.columns.iter().filter(has_role).count()
    }

    fn check_repeats(&self) -> Result<(), TableError> {
        for (index, second) in self.columns.iter().enumerate() {
            for first in &self.columns[..index] {
                let roles = [first.role.name(), second.role.name()];
                if roles == ["group", "category"] || roles == ["category", "group"] {
                    continue;
                }
                if first.column == second.column {
                    return Err(TableError::RepeatedColumn {
                        column: first.name.clone(),
                        first: roles[0],
                        second: roles[1],
                    });
                }
                if first.name == second.name {
                    let name = first.name.clone();
                    return Err(TableError::RepeatedName { name });
                }
            }
        }
        Ok(())
    }

    fn check_histories(&self) -> Result<(), TableError> {
        for (index, column) in self.columns.iter().enumerate() {
            let TableRole::History { of, times, .. } = &column.role else {
                continue;
            };
            if let (Some(of), None) = (of, self.category_of(index)) {
                return Err(TableError::HistoryOfNoCategory {
                    name: column.name.clone(),
                    of: of.to_string(),
                });
            }
            if times.is_some() && self.time().is_none() {
                let name = column.name.clone();
                return Err(TableError::HistoryNeedsTime { name });
            }
        }
        Ok(())
    }
}
