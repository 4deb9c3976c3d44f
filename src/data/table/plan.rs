//! The columns of a schema, found in a table.

use super::error::TableError;
use super::role::TableRole;
use super::schema::{SchemaColumn, TableSchema};
use crate::data::error::{ColumnRole, DataError};
use crate::data::schema::{Column, Columns};
use crate::data::time::TimeParser;

/// Which columns of a schema are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableParts {
    /// All, as training and evaluation need.
    All,
    /// Those that a prediction is made from. Labels, weights and the group are not read and need not be there.
    Inputs,
}

/// A column that was found.
#[derive(Clone, Debug)]
pub(super) struct PlannedColumn {
    pub(super) column: Column,
    /// The times of a history.
    pub(super) times: Option<Column>,
}

/// The columns of a schema, found in a table.
pub(super) struct TablePlan<'a> {
    schema: &'a TableSchema,
    /// One for each column of the schema; none where it is not read.
    planned: Vec<Option<PlannedColumn>>,
    pub(super) time_parser: TimeParser,
}

impl<'a> TablePlan<'a> {
    /// Finds the columns in a table.
    pub(super) fn new(
        schema: &'a TableSchema,
        parts: TableParts,
        table: &Columns<'_>,
    ) -> Result<Self, DataError> {
        let found = table.names.len();
        if let Some(expected) = schema.n_columns().filter(|&expected| expected != found) {
            return Err(TableError::OtherColumnCount {
                origin: table.origin.clone(),
                found,
                expected,
            }
            .into());
        }
        Self::with_columns(schema, parts, |column| {
            Ok(PlannedColumn {
                column: table.find(&column.column, column_role(&column.role))?,
                times: match &column.role {
                    TableRole::History {
                        times: Some(times), ..
                    } => Some(table.find(times, ColumnRole::Time)?),
                    _ => None,
                },
            })
        })
    }

    /// The columns of a record, which are known by the names of the schema.
    pub(super) fn of_record(schema: &'a TableSchema, parts: TableParts) -> Result<Self, DataError> {
        let named = |name: String| Column { index: 0, name };
        Self::with_columns(schema, parts, |column| {
            Ok(PlannedColumn {
                column: named(column.name.clone()),
                times: match &column.role {
                    TableRole::History { times, .. } => {
                        times.as_ref().map(|times| named(times.to_string()))
                    }
                    _ => None,
                },
            })
        })
    }

    fn with_columns(
        schema: &'a TableSchema,
        parts: TableParts,
        find: impl Fn(&SchemaColumn) -> Result<PlannedColumn, DataError>,
    ) -> Result<Self, DataError> {
        let planned = schema.columns().iter().map(|column| {
            let is_read = parts == TableParts::All || column.role.is_input();
            is_read.then(|| find(column)).transpose()
        });
        Ok(Self {
            schema,
            planned: planned.collect::<Result<_, _>>()?,
            time_parser: TimeParser::new(schema.time_format())?,
        })
    }

    /// The columns of the schema, and where they are if they are read.
    pub(super) fn columns(
        &self,
    ) -> impl Iterator<Item = (&'a SchemaColumn, Option<&PlannedColumn>)> {
        let planned = self.planned.iter().map(Option::as_ref);
        self.schema.columns().iter().zip(planned)
    }

    /// The column with the time of a row.
    pub(super) fn time(&self) -> Option<&Column> {
        let planned = self.planned.get(self.schema.time()?)?.as_ref()?;
        Some(&planned.column)
    }

    /// Texts that stand for nothing.
    pub(super) fn missing(&self) -> &'a [String] {
        self.schema.missing()
    }

    /// Renumbers the columns for a table that holds them alone; their former numbers, in order.
    pub(super) fn select(&mut self) -> Vec<usize> {
        let mut selected: Vec<usize> = self.found().map(|column| column.index).collect();
        selected.sort_unstable();
        selected.dedup();
        for column in self.found() {
            column.index = selected.partition_point(|&other| other < column.index);
        }
        selected
    }

    fn found(&mut self) -> impl Iterator<Item = &mut Column> {
        let planned = self.planned.iter_mut().flatten();
        planned.flat_map(|planned| std::iter::once(&mut planned.column).chain(&mut planned.times))
    }
}

/// The role in the words of an error.
pub(super) const fn column_role(role: &TableRole) -> ColumnRole {
    match role {
        TableRole::Label { .. } => ColumnRole::Label,
        TableRole::Time => ColumnRole::Time,
        TableRole::Weight => ColumnRole::Weight,
        TableRole::Duration => ColumnRole::Duration,
        TableRole::Group => ColumnRole::Group,
        _ => ColumnRole::Field,
    }
}
