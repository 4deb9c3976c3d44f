//! How each column of a table becomes numbers.

use serde::{Deserialize, Serialize};

use super::calendar::CalendarPart;
use super::config::{check_buckets, check_times};
use super::error::TabularError;
use super::numbers::Numbers;
use super::shape::{CategoryField, ListField, NumberField, TabularShape};
use super::values::{FIRST_VALUE, Values};
use crate::data::{SchemaColumn, TableRole, TableSchema};
use crate::features::error::FeatureError;

/// How each column of a table becomes numbers, learnt from training rows by
/// [`TabularConfig::fit`](super::TabularConfig::fit) or a [`TabularFitter`](super::TabularFitter).
///
/// As JSON it is part of a saved model; what no fit gives is refused there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedSchema")]
pub struct TabularSchema {
    pub(super) table: TableSchema,
    /// One for each column of the table.
    pub(super) encodings: Vec<Encoding>,
    pub(super) calendar: Vec<CalendarPart>,
    pub(super) utc_offset_minutes: i32,
    pub(super) max_history: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedSchema {
    table: TableSchema,
    encodings: Vec<Encoding>,
    calendar: Vec<CalendarPart>,
    utc_offset_minutes: i32,
    max_history: usize,
}

/// How one column becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Encoding {
    /// Nothing is learnt of it: labels, weights, groups, and times, which go by the calendar.
    Nothing,
    Category(Values),
    /// Values of its own.
    List(Values),
    /// The values of a category.
    SharedList,
    Number(Numbers),
}

impl Encoding {
    const fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Category(_) => "a category",
            Self::List(_) => "a list of its own values",
            Self::SharedList => "a list of the values of a category",
            Self::Number(_) => "a number",
        }
    }

    fn check(&self, name: &str) -> Result<(), TabularError> {
        match self {
            Self::Category(Values::Hashed { n_buckets })
            | Self::List(Values::Hashed { n_buckets }) => check_buckets(name, *n_buckets),
            Self::Number(numbers) if !numbers.is_sound() => {
                Err(TabularError::InvalidScale { name: name.into() })
            }
            _ => Ok(()),
        }
    }
}

impl TryFrom<UncheckedSchema> for TabularSchema {
    type Error = FeatureError;

    fn try_from(schema: UncheckedSchema) -> Result<Self, FeatureError> {
        let schema = Self {
            table: schema.table,
            encodings: schema.encodings,
            calendar: schema.calendar,
            utc_offset_minutes: schema.utc_offset_minutes,
            max_history: schema.max_history,
        };
        schema.check()?;
        Ok(schema)
    }
}

impl TabularSchema {
    /// The columns of the table that are read.
    pub const fn table(&self) -> &TableSchema {
        &self.table
    }

    /// What a model must know of the rows.
    ///
    /// The fields of each kind are in the order of their columns; those of the calendar stand where the time does, and are
    /// named after it, as in `seen_at.hour`.
    pub fn shape(&self) -> TabularShape {
        let mut shape = TabularShape::default();
        // The place among the categories of the field of each column.
        let mut places = Vec::with_capacity(self.encodings.len());
        for (column, encoding) in self.columns() {
            places.push(shape.categories.len());
            let name = column.name.clone();
            match (encoding, &column.role) {
                (Encoding::Category(values), _) => shape.categories.push(CategoryField {
                    name,
                    n_values: values.n_ids(),
                }),
                (Encoding::Number(numbers), _) => shape.numbers.push(NumberField {
                    name,
                    width: numbers.width(),
                }),
                (_, TableRole::Label { .. }) => shape.labels.push(name),
                (_, TableRole::Time) => {
                    let fields = self.calendar.iter().map(|part| CategoryField {
                        name: format!("{name}.{}", part.name()),
                        n_values: part.n_values() + FIRST_VALUE as usize,
                    });
                    shape.categories.extend(fields);
                }
                _ => {}
            }
        }
        shape.lists = self.list_fields(&shape.categories, &places);
        shape
    }

    /// The lists; `places` says where the field of each column is among the categories.
    fn list_fields(&self, categories: &[CategoryField], places: &[usize]) -> Vec<ListField> {
        let fields = self.columns().enumerate();
        let fields = fields.filter_map(|(index, (column, encoding))| {
            let shares = self.table.category_of(index);
            let shares = shares.map(|category| places[category]);
            let n_values = match encoding {
                Encoding::List(values) => values.n_ids(),
                Encoding::SharedList => categories[shares?].n_values,
                _ => return None,
            };
            Some(ListField {
                name: column.name.clone(),
                n_values,
                shares,
                is_history: is_history(column),
            })
        });
        fields.collect()
    }

    /// What the ids of a category stand for, by id: the first two are `(unknown)` and `(missing)`, the value of a calendar is its
    /// number, that of a hashed field its bucket. `None` if no field is a category of this name.
    pub fn value_names(&self, field: &str) -> Option<Vec<String>> {
        let numbered = |n_values: usize| (0..n_values).map(|value| value.to_string()).collect();
        let of_column = |(column, encoding): (&SchemaColumn, &Encoding)| match encoding {
            Encoding::Category(values) if column.name == field => Some(values.names()),
            _ if column.role == TableRole::Time => {
                let part = field.strip_prefix(&column.name)?.strip_prefix('.')?;
                let part = self.calendar.iter().find(|known| known.name() == part)?;
                Some(numbered(part.n_values()))
            }
            _ => None,
        };
        let names: Vec<String> = self.columns().find_map(of_column)?;
        let first = ["(unknown)", "(missing)"].map(str::to_owned);
        Some(first.into_iter().chain(names).collect())
    }

    /// The columns with their encodings.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&SchemaColumn, &Encoding)> {
        self.table.columns().iter().zip(&self.encodings)
    }

    fn check(&self) -> Result<(), TabularError> {
        check_times(self.max_history, self.utc_offset_minutes, &self.calendar)?;
        let expected = self.table.columns().len();
        if self.encodings.len() != expected {
            return Err(TabularError::WrongEncodingCount {
                found: self.encodings.len(),
                expected,
            });
        }
        for (index, (column, encoding)) in self.columns().enumerate() {
            let shares = self.table.category_of(index).is_some();
            let fits = match (&column.role, encoding) {
                (TableRole::Category, Encoding::Category(_))
                | (TableRole::Categories { .. }, Encoding::List(_))
                | (TableRole::Number, Encoding::Number(_)) => true,
                (TableRole::History { .. }, Encoding::List(_)) => !shares,
                (TableRole::History { .. }, Encoding::SharedList) => shares,
                (role, Encoding::Nothing) => !role.is_input() || *role == TableRole::Time,
                _ => false,
            };
            if !fits {
                return Err(TabularError::WrongEncoding {
                    name: column.name.clone(),
                    found: encoding.name(),
                    role: column.role.name(),
                });
            }
            encoding.check(&column.name)?;
        }
        Ok(())
    }
}

pub(super) const fn is_history(column: &SchemaColumn) -> bool {
    matches!(column.role, TableRole::History { .. })
}
