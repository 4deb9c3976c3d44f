//! The columns of a table that are attributes, found by name or guessed.

use super::error::AttributeError;
use super::options::{AttributeKind, AttributeOptions};
use super::summary::{LeftOutColumn, LeftOutReason};
use super::table::repeated_name;
use crate::data::error::{ColumnRole, DataError};
use crate::data::schema::{Column, Columns};

/// The suffixes by which the headers of RecBole's files give the type of a column.
const TYPES: [&str; 4] = ["token", "token_seq", "float", "float_seq"];

/// How a column is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As the caller says.
    Named(AttributeKind),
    /// As the file says, but left out where that makes no attribute.
    Guessed(AttributeKind),
    /// As a category, which becomes a number where all its values are numbers.
    FromValues,
}

impl Reading {
    /// How cells are read.
    pub(super) fn kind(&self) -> &AttributeKind {
        match self {
            Self::Named(kind) | Self::Guessed(kind) => kind,
            Self::FromValues => &AttributeKind::Category,
        }
    }
}

/// What is guessed of a column before its cells are seen.
pub(super) type Guess = Result<Reading, LeftOutReason>;

/// A column that is an attribute.
#[derive(Clone, Debug)]
pub(super) struct PlannedColumn {
    pub(super) column: Column,
    /// Name of the attribute.
    pub(super) name: String,
    pub(super) reading: Reading,
}

/// The columns that are read.
#[derive(Clone, Debug)]
pub(super) struct AttributePlan {
    /// All columns of the table.
    pub(super) names: Vec<String>,
    pub(super) id: Column,
    pub(super) columns: Vec<PlannedColumn>,
    pub(super) left_out: Vec<LeftOutColumn>,
}

impl AttributePlan {
    /// Finds the columns; `guess` is asked of those that nobody named.
    pub(super) fn new(
        table: &Columns<'_>,
        options: &AttributeOptions,
        guess: impl Fn(&Column) -> Guess,
    ) -> Result<Self, DataError> {
        let mut plan = Self {
            names: table.names.to_vec(),
            id: table.find(&options.id_column, ColumnRole::Id)?,
            columns: Vec::new(),
            left_out: Vec::new(),
        };
        match &options.columns {
            Some(named) => {
                for asked in named {
                    let column = table.find(&asked.column, ColumnRole::Attribute)?;
                    plan.add(column, Reading::Named(asked.kind.clone()));
                }
            }
            None => plan.guess_all(table, guess),
        }
        plan.check(table)?;
        Ok(plan)
    }

    fn guess_all(&mut self, table: &Columns<'_>, guess: impl Fn(&Column) -> Guess) {
        for (index, name) in table.names.iter().enumerate() {
            if index == self.id.index {
                continue;
            }
            let column = Column {
                index,
                name: name.clone(),
            };
            match guess(&column) {
                Ok(reading) => self.add(column, reading),
                Err(reason) => self.left_out.push(LeftOutColumn {
                    column: column.name,
                    reason,
                }),
            }
        }
    }

    fn add(&mut self, column: Column, reading: Reading) {
        let (name, _) = typed_name(&column.name);
        self.columns.push(PlannedColumn {
            name: name.to_owned(),
            column,
            reading,
        });
    }

    fn check(&self, table: &Columns<'_>) -> Result<(), AttributeError> {
        let mut indices = vec![self.id.index];
        for PlannedColumn { column, .. } in &self.columns {
            if indices.contains(&column.index) {
                return Err(AttributeError::RepeatedColumn {
                    origin: table.origin.clone(),
                    column: column.name.clone(),
                });
            }
            indices.push(column.index);
        }
        let names = self.columns.iter().map(|column| column.name.as_str());
        if let Some(name) = repeated_name(names) {
            return Err(AttributeError::RepeatedName { name });
        }
        if self.columns.is_empty() {
            return Err(AttributeError::NoAttributes {
                origin: table.origin.clone(),
                left_out: self.left_out.clone(),
            });
        }
        Ok(())
    }

    /// Renumbers the columns for a table that holds them alone; their former numbers, in order.
    pub(super) fn select(&mut self) -> Vec<usize> {
        let columns = self.columns.iter().map(|planned| planned.column.index);
        let mut selected: Vec<usize> = columns.chain([self.id.index]).collect();
        selected.sort_unstable();
        let place = |index: usize| selected.partition_point(|&other| other < index);
        self.id.index = place(self.id.index);
        for planned in &mut self.columns {
            planned.column.index = place(planned.column.index);
        }
        selected
    }
}

/// The name in a header and its type, where RecBole's files give one.
pub(crate) fn typed_name(header: &str) -> (&str, Option<&str>) {
    match header.rsplit_once(':') {
        Some((name, suffix)) if TYPES.contains(&suffix) => (name, Some(suffix)),
        _ => (header, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_known_types_end_a_name() {
        assert_eq!(typed_name("class:token_seq"), ("class", Some("token_seq")));
        assert_eq!(typed_name("a:b:float"), ("a:b", Some("float")));
        assert_eq!(typed_name("time:utc"), ("time:utc", None));
        assert_eq!(typed_name("price"), ("price", None));
    }
}
