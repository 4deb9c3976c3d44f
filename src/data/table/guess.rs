//! The roles of columns: those that are named, and a guess at the others.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::DataType;

use super::arrow::unusable;
use super::error::TableError;
use super::look::{ColumnLook, Look, look_at_batches, look_at_parquet, look_at_text};
use super::options::{OtherColumns, TableOptions};
use super::plan::column_role;
use super::read::of_rows;
use super::role::{TableColumn, TableRole};
use super::schema::{SchemaColumn, TableSchema};
use super::summary::{ColumnSummary, RoleReason, TableSummary};
use crate::data::attributes::{element, typed_name};
use crate::data::cells::{is_text, wrong_type};
use crate::data::error::{ColumnRole, DataError, Origin};
use crate::data::read::look_at_file;
use crate::data::schema::{ColumnRef, Columns};

/// Whole numbers that take no more different values than this are a category: codes, flags, days of a week or month are, an
/// amount in 10,000 rows hardly ever is. A judgement.
const MAX_FEW_INTEGERS: usize = 20;

/// A column of more values than this, of which more than [`ID_SHARE`] are different, is like an id. Both are judgements.
const MIN_ID_VALUES: usize = 50;

/// See [`MIN_ID_VALUES`].
const ID_SHARE: f64 = 0.95;

impl TableSchema {
    /// Finds the columns that `options` names in the file at `path`, and guesses the roles of the others by a look at its
    /// first rows. The label is never guessed. Of the others,
    /// - in text whose header has types, as in RecBole's files, `token` is a category, `token_seq` are categories separated by
    ///   spaces, `float` is a number; in Parquet a list of text or of whole numbers is categories,
    ///   and a column whose type is of no such use is left out;
    /// - whole numbers with no more than 20 different values are a category, other numbers are numbers;
    /// - all else is a category, and so is a column without a value;
    /// - what is like an id is left out: text or whole numbers in more than 50 rows, more than 95 % of them different.
    ///
    /// The summary says what was taken for what, and why: print it.
    ///
    /// # Errors
    /// [`DataError`] says what is wrong with the file, its columns, or a row looked at; [`TableError`] in it, what is wrong
    /// with the columns named, as [`TableSchema::new`] does.
    pub fn infer(
        path: impl AsRef<Path>,
        options: &TableOptions,
    ) -> Result<(Self, TableSummary), DataError> {
        let path = path.as_ref();
        check(options)?;
        let look = look_at_file(
            path,
            |input| look_at_text(input, path, options),
            |file| look_at_parquet(file, path, options),
        );
        look.map_err(of_rows)?.decide(options)
    }

    /// Does what [`Self::infer`] does by a look at one record batch.
    ///
    /// # Errors
    /// Those of [`Self::infer`] for the table and its rows.
    pub fn infer_from_batch(
        batch: &RecordBatch,
        options: &TableOptions,
    ) -> Result<(Self, TableSummary), DataError> {
        check(options)?;
        let batches = std::iter::once(Ok(batch.clone()));
        look_at_batches(&batch.schema(), batches, &Origin::RecordBatches, options)?.decide(options)
    }
}

fn check(options: &TableOptions) -> Result<(), TableError> {
    if options.n_look_rows == 0 {
        return Err(TableError::NoRowsToLookAt);
    }
    Ok(())
}

/// The columns that are named, where they stand, with the columns that their roles name made names or numbers for good.
pub(super) struct NamedColumns {
    columns: Vec<(usize, TableRole)>,
    /// For each column of the table.
    references: Vec<ColumnRef>,
    /// Places of the times of histories.
    times: Vec<usize>,
    has_header: bool,
}

impl NamedColumns {
    pub(super) fn find(table: &Columns<'_>, columns: &[TableColumn]) -> Result<Self, DataError> {
        let references = (0..table.names.len()).map(|index| reference(table, index));
        let references: Vec<ColumnRef> = references.collect();
        let mut times_places = Vec::new();
        let mut found = Vec::new();
        for TableColumn { column, role } in columns {
            let index = table.find(column, column_role(role))?.index;
            let mut role = role.clone();
            if let TableRole::History { of, times, .. } = &mut role {
                if let Some(of) = of {
                    *of = references[table.find(of, ColumnRole::Field)?.index].clone();
                }
                if let Some(times) = times {
                    let index = table.find(times, ColumnRole::Time)?.index;
                    *times = references[index].clone();
                    times_places.push(index);
                }
            }
            found.push((index, role));
        }
        Ok(Self {
            columns: found,
            references,
            times: times_places,
            has_header: table.has_header,
        })
    }

    /// The roles that the column at `index` is named for.
    pub(super) fn roles(&self, index: usize) -> impl Iterator<Item = &TableRole> {
        let named = self.columns.iter();
        named.filter_map(move |(place, role)| (*place == index).then_some(role))
    }
}

/// How the column at `index` is found again: by its name where it has one of its own.
fn reference(table: &Columns<'_>, index: usize) -> ColumnRef {
    let full = table.names[index].as_str();
    let (name, _) = typed_name(full);
    let is_found = |name: &str| {
        let found = table.find(&name.into(), ColumnRole::Field);
        table.has_header && found.is_ok_and(|found| found.index == index)
    };
    match [name, full].into_iter().find(|name| is_found(name)) {
        Some(name) => name.into(),
        None => ColumnRef::Number(index + 1),
    }
}

impl Look {
    /// The schema, and what was taken for what.
    fn decide(self, options: &TableOptions) -> Result<(TableSchema, TableSummary), DataError> {
        let mut columns = Vec::new();
        let mut summaries = Vec::new();
        for look in &self.columns {
            let index = look.column.index;
            let (name, _) = typed_name(&look.column.name);
            for (role, reason) in self.roles(look, options) {
                if let Some(role) = &role {
                    columns.push(SchemaColumn {
                        name: name.to_owned(),
                        column: self.named.references[index].clone(),
                        role: role.clone(),
                        is_guessed: reason != RoleReason::Named,
                    });
                }
                summaries.push(ColumnSummary {
                    name: name.to_owned(),
                    role,
                    reason,
                    n_values: look.values.len(),
                    missing: look.missing(self.n_rows),
                    examples: look.examples.clone(),
                });
            }
        }
        let n_columns = (!self.named.has_header).then_some(self.columns.len());
        let schema = TableSchema::sized(
            columns,
            options.missing.clone(),
            options.time_format.clone(),
            n_columns,
        )?;
        let summary = TableSummary {
            n_rows: self.n_rows,
            columns: summaries,
        };
        Ok((schema, summary))
    }

    /// The roles of a column, each with its reason; none where it is left out.
    fn roles(
        &self,
        look: &ColumnLook,
        options: &TableOptions,
    ) -> Vec<(Option<TableRole>, RoleReason)> {
        let index = look.column.index;
        let named: Vec<_> = self
            .named
            .roles(index)
            .map(|role| match role {
                TableRole::Ignore => (None, RoleReason::Ignored),
                role => (Some(role.clone()), RoleReason::Named),
            })
            .collect();
        if !named.is_empty() {
            return named;
        }
        vec![if self.named.times.contains(&index) {
            (None, RoleReason::HistoryTimes)
        } else if options.others == OtherColumns::Ignore {
            (None, RoleReason::NotNamed)
        } else {
            look.guess()
        }]
    }
}

impl ColumnLook {
    fn guess(&self) -> (Option<TableRole>, RoleReason) {
        if let Some(guess) = self.guess_by_type() {
            return guess;
        }
        let n_different = self.values.len();
        let is_like_an_id =
            self.n_values > MIN_ID_VALUES && n_different as f64 > ID_SHARE * self.n_values as f64;
        if n_different == 0 {
            (Some(TableRole::Category), RoleReason::NoValues)
        } else if is_like_an_id && (self.are_integers || !self.are_numbers) {
            let reason = RoleReason::LikeAnId {
                n_values: n_different,
                n_cells: self.n_values,
            };
            (None, reason)
        } else if self.are_integers && n_different <= MAX_FEW_INTEGERS {
            let limit = MAX_FEW_INTEGERS;
            (Some(TableRole::Category), RoleReason::FewIntegers { limit })
        } else if self.are_numbers {
            (Some(TableRole::Number), RoleReason::Numbers)
        } else {
            (Some(TableRole::Category), RoleReason::Text)
        }
    }

    /// What the type in the header or of the column says.
    fn guess_by_type(&self) -> Option<(Option<TableRole>, RoleReason)> {
        let words = TableRole::Categories { separator: ' ' };
        let Some(data_type) = &self.data_type else {
            let role = match typed_name(&self.column.name).1? {
                "token" => TableRole::Category,
                "token_seq" => words,
                "float" => TableRole::Number,
                found => {
                    let found = found.to_owned();
                    return Some((None, RoleReason::OtherType { found }));
                }
            };
            return Some((Some(role), RoleReason::Header));
        };
        let found = data_type.to_string();
        let is_plain = |found: &DataType| is_text(found) || found.is_integer();
        if element(data_type).is_some_and(is_plain) {
            return Some((Some(words), RoleReason::Type { found }));
        }
        wrong_type(ColumnRole::Attribute, data_type)?;
        let roles = [TableRole::Number, TableRole::Time, words];
        let is_of_use = |role: &TableRole| unusable(role, data_type).is_none();
        Some(match roles.iter().any(is_of_use) {
            true => (None, RoleReason::OtherType { found }),
            false => (None, RoleReason::UnusableType { found }),
        })
    }
}
