//! The values of an attribute, a row each.

use super::error::AttributeError;
use crate::data::dictionary::Dictionary;

/// An attribute of the ids of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its values, a row each.
    pub cells: AttributeCells,
}

impl Attribute {
    /// An attribute with these values.
    pub fn new(name: impl Into<String>, cells: AttributeCells) -> Self {
        Self {
            name: name.into(),
            cells,
        }
    }
}

/// The values of an attribute, a row each.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeCells {
    /// One value a row, or none where it is missing.
    Category(ValueLists),
    /// Any number of values a row; none where they are missing.
    Categories(ValueLists),
    /// A finite number a row, or none where it is missing.
    Number(Vec<Option<f64>>),
    /// A vector a row, or none where it is missing.
    Vector(VectorCells),
}

impl AttributeCells {
    /// Cells of one value each, or none.
    pub fn category<V: AsRef<str>>(cells: impl IntoIterator<Item = Option<V>>) -> Self {
        Self::Category(ValueLists::new(cells))
    }

    /// Cells of several values each.
    pub fn categories<V: AsRef<str>, C: IntoIterator<Item = V>>(
        cells: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::Categories(ValueLists::new(cells))
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Category(lists) | Self::Categories(lists) => lists.n_rows(),
            Self::Number(numbers) => numbers.len(),
            Self::Vector(vectors) => vectors.is_missing.len(),
        }
    }

    /// What the attribute is, in a word: `category`, `categories`, `number` or `vector`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Category(_) => "category",
            Self::Categories(_) => "categories",
            Self::Number(_) => "number",
            Self::Vector(_) => "vector",
        }
    }

    /// Whether no row has a value.
    pub(crate) fn is_all_missing(&self) -> bool {
        match self {
            Self::Category(lists) | Self::Categories(lists) => lists.numbers.is_empty(),
            Self::Number(numbers) => numbers.iter().all(Option::is_none),
            Self::Vector(vectors) => vectors.is_missing.iter().all(|&is_missing| is_missing),
        }
    }

    /// Checks what the types leave open, numbers aside.
    pub(super) fn check(&self, name: &str) -> Result<(), AttributeError> {
        match self {
            Self::Category(lists) => {
                match (0..lists.n_rows()).find(|&row| lists.row(row).len() > 1) {
                    Some(row) => Err(AttributeError::SeveralValues {
                        name: name.into(),
                        row: row + 1,
                        n_values: lists.row(row).len(),
                    }),
                    None => Ok(()),
                }
            }
            Self::Vector(vectors) => {
                let n_rows = vectors.is_missing.len();
                let expected = vectors.width.checked_mul(n_rows);
                if vectors.width > 0 && expected == Some(vectors.values.len()) {
                    return Ok(());
                }
                Err(AttributeError::BrokenVectors {
                    name: name.into(),
                    n_values: vectors.values.len(),
                    n_rows,
                    width: vectors.width,
                })
            }
            Self::Categories(_) | Self::Number(_) => Ok(()),
        }
    }
}

/// Lists of values, a row each; every different value is kept once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueLists {
    pub(super) values: Vec<String>,
    /// The values of row `r` are those numbered `numbers[offsets[r]..offsets[r + 1]]`.
    pub(super) offsets: Vec<usize>,
    pub(super) numbers: Vec<u32>,
}

impl ValueLists {
    /// Lists of values; a value that a list repeats counts once.
    ///
    /// # Panics
    /// If there are more than `u32::MAX` different values.
    pub fn new<V: AsRef<str>, C: IntoIterator<Item = V>>(
        lists: impl IntoIterator<Item = C>,
    ) -> Self {
        let mut writer = ValueListsWriter::default();
        for list in lists {
            let fits = writer.push(list);
            assert!(fits, "more than {} different values", u32::MAX);
        }
        writer.finish()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// All different values, in order of first appearance.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The values of a row, as places in [`Self::values`].
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[u32] {
        &self.numbers[self.offsets[row]..self.offsets[row + 1]]
    }

    /// Number of values in all rows.
    pub fn n_cells(&self) -> usize {
        self.numbers.len()
    }
}

/// Takes lists of values, row by row.
#[derive(Debug, Default)]
pub(super) struct ValueListsWriter {
    dictionary: Dictionary,
    ends: Vec<usize>,
    numbers: Vec<u32>,
}

impl ValueListsWriter {
    /// Adds a row; false when there are too many different values.
    pub(super) fn push<V: AsRef<str>>(&mut self, list: impl IntoIterator<Item = V>) -> bool {
        let start = self.numbers.len();
        for value in list {
            let Some(number) = self.dictionary.number(value.as_ref(), u32::MAX as usize) else {
                return false;
            };
            if !self.numbers[start..].contains(&number) {
                self.numbers.push(number);
            }
        }
        self.ends.push(self.numbers.len());
        true
    }

    pub(super) fn finish(self) -> ValueLists {
        ValueLists {
            values: self.dictionary.into_ids(),
            offsets: std::iter::once(0).chain(self.ends).collect(),
            numbers: self.numbers,
        }
    }
}

/// Vectors of one width, a row each.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorCells {
    /// Numbers in a vector, at least 1.
    pub width: usize,
    /// `[n_rows, width]`, row by row, finite; a missing vector has any `width` finite numbers here.
    pub values: Vec<f32>,
    /// Whether each row has no vector.
    pub is_missing: Vec<bool>,
}

impl VectorCells {
    /// The vector of a row, unless it is missing.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        let is_missing = self.is_missing[row];
        (!is_missing).then(|| &self.values[row * self.width..(row + 1) * self.width])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_every_different_value_once() {
        let lists = ValueLists::new([vec!["a", "b", "a"], vec![], vec!["b", "c"]]);
        assert_eq!(lists.values(), ["a", "b", "c"]);
        assert_eq!((lists.n_rows(), lists.n_cells()), (3, 4));
        assert_eq!(
            [lists.row(0), lists.row(1), lists.row(2)],
            [&[0, 1][..], &[], &[1, 2]]
        );
    }

    #[test]
    fn a_missing_vector_is_not_shown() {
        let vectors = VectorCells {
            width: 2,
            values: vec![1.0, 2.0, 0.0, 0.0],
            is_missing: vec![false, true],
        };
        assert_eq!(
            (vectors.row(0), vectors.row(1)),
            (Some(&[1.0, 2.0][..]), None)
        );
    }
}
