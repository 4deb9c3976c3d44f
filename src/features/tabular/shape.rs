//! What a model must know of a table to read its rows.

use serde::{Deserialize, Serialize};

/// What a model must know of a table to read its rows: its fields, by what their numbers are.
///
/// The fields of a kind are in the order in which [`EncodedRows`](super::EncodedRows) has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabularShape {
    /// Fields with one value of a set in each row.
    pub categories: Vec<CategoryField>,
    /// Fields with numbers.
    pub numbers: Vec<NumberField>,
    /// Fields with any number of values in each row.
    pub lists: Vec<ListField>,
    /// What is to be predicted, each 0 or 1.
    pub labels: Vec<String>,
}

/// A field with one value of a set in each row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryField {
    /// Its name.
    pub name: String,
    /// All ids are below it. Id [`UNKNOWN`](super::UNKNOWN) is a value that training did not see often enough,
    /// [`MISSING`](super::MISSING) none.
    pub n_values: usize,
}

/// A field with numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberField {
    /// Its name.
    pub name: String,
    /// Numbers in a row, the last of which is 1 where the value is missing and else 0; at least 2. Where it is missing the
    /// others are 0.
    pub width: usize,
}

/// A field with any number of values in each row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListField {
    /// Its name.
    pub name: String,
    /// All ids are below it, and mean what those of a category mean.
    pub n_values: usize,
    /// Index among [`TabularShape::categories`] of the field whose values these are: a list of items that somebody clicked has
    /// the ids of the item that is shown. `None` for a field with values of its own.
    pub shares: Option<usize>,
    /// Whether the list is a history, the oldest value first.
    pub is_history: bool,
}

impl TabularShape {
    /// Number of fields of all kinds.
    pub fn n_fields(&self) -> usize {
        self.categories.len() + self.numbers.len() + self.lists.len()
    }

    /// Numbers in a row, of all fields with numbers together.
    pub fn n_numbers(&self) -> usize {
        self.numbers.iter().map(|field| field.width).sum()
    }
}
