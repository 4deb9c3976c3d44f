//! Attributes as numbers, a row an id.

use serde::{Deserialize, Serialize};

/// Attributes as numbers, a row an id, in the order of the columns of their
/// [`AttributeSchema`](super::AttributeSchema).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncodedAttributes {
    /// Number of rows.
    pub n_rows: usize,
    /// A column an attribute.
    pub columns: Vec<EncodedColumn>,
}

/// One attribute as numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodedColumn {
    /// Values of a category or of categories, by number.
    Categories {
        /// All numbers are below it. Number 0 is a value that is missing or that training did not see often enough.
        n_values: usize,
        /// Row `r` has the numbers `numbers[offsets[r]..offsets[r + 1]]`, at least one: a category just one, categories the
        /// known ones of their values, or 0 alone. `[n_rows + 1]`.
        offsets: Vec<usize>,
        /// The numbers of all rows.
        numbers: Vec<u32>,
    },
    /// Scaled numbers and whether they are missing.
    Numbers {
        /// Numbers in a row: those of the attribute, 0 where it is missing, then 1 where it is missing and else 0.
        width: usize,
        /// `[n_rows, width]`, row by row.
        values: Vec<f32>,
    },
}

impl EncodedAttributes {
    /// These rows, in this order; a row may be taken several times.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let rows: Vec<Option<usize>> = rows.iter().copied().map(Some).collect();
        self.select_or_missing(&rows)
    }

    /// These rows, in this order; `None` gives one of which nothing is known.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select_or_missing(&self, rows: &[Option<usize>]) -> Self {
        for row in rows.iter().flatten() {
            assert!(*row < self.n_rows, "row {row} of {} rows", self.n_rows);
        }
        let columns = self.columns.iter();
        Self {
            n_rows: rows.len(),
            columns: columns
                .map(|column| column.select_or_missing(rows))
                .collect(),
        }
    }
}

impl EncodedColumn {
    fn select_or_missing(&self, rows: &[Option<usize>]) -> Self {
        match self {
            Self::Categories {
                n_values,
                offsets,
                numbers,
            } => {
                let mut selected = CategoriesWriter::new(*n_values, rows.len());
                for row in rows {
                    let of_row =
                        row.map_or(&[][..], |row| &numbers[offsets[row]..offsets[row + 1]]);
                    selected.push(of_row.iter().copied());
                }
                selected.finish()
            }
            Self::Numbers { width, values } => {
                let mut selected = Vec::with_capacity(rows.len() * width);
                for row in rows {
                    match row {
                        Some(row) => selected.extend(&values[row * width..(row + 1) * width]),
                        None => {
                            selected.extend(std::iter::repeat_n(0.0, width - 1));
                            selected.push(1.0);
                        }
                    }
                }
                Self::Numbers {
                    width: *width,
                    values: selected,
                }
            }
        }
    }
}

/// Writes a column of categories, row by row.
pub(super) struct CategoriesWriter {
    n_values: usize,
    offsets: Vec<usize>,
    numbers: Vec<u32>,
}

impl CategoriesWriter {
    pub(super) fn new(n_values: usize, n_rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(n_rows + 1);
        offsets.push(0);
        Self {
            n_values,
            offsets,
            numbers: Vec::with_capacity(n_rows),
        }
    }

    /// Adds a row of numbers; of none, 0 is made.
    pub(super) fn push(&mut self, numbers: impl IntoIterator<Item = u32>) {
        let start = self.numbers.len();
        self.numbers.extend(numbers);
        if self.numbers.len() == start {
            self.numbers.push(0);
        }
        self.offsets.push(self.numbers.len());
    }

    pub(super) fn finish(self) -> EncodedColumn {
        EncodedColumn::Categories {
            n_values: self.n_values,
            offsets: self.offsets,
            numbers: self.numbers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_in_the_order_asked_for() {
        let all = EncodedAttributes {
            n_rows: 3,
            columns: vec![
                EncodedColumn::Categories {
                    n_values: 4,
                    offsets: vec![0, 1, 3, 4],
                    numbers: vec![1, 2, 3, 0],
                },
                EncodedColumn::Numbers {
                    width: 2,
                    values: vec![1.0, 0.0, 2.0, 0.0, 0.0, 1.0],
                },
            ],
        };
        let expected = EncodedAttributes {
            n_rows: 3,
            columns: vec![
                EncodedColumn::Categories {
                    n_values: 4,
                    offsets: vec![0, 1, 3, 5],
                    numbers: vec![0, 2, 3, 2, 3],
                },
                EncodedColumn::Numbers {
                    width: 2,
                    values: vec![0.0, 1.0, 2.0, 0.0, 2.0, 0.0],
                },
            ],
        };
        assert_eq!(all.select(&[2, 1, 1]), expected);
        assert_eq!(all.select(&[0, 1, 2]), all);
        assert_eq!(all.select(&[]).n_rows, 0);
    }

    #[test]
    #[should_panic(expected = "row 1 of 1 rows")]
    fn a_row_that_is_not_there_is_refused() {
        let none = EncodedAttributes {
            n_rows: 1,
            columns: vec![],
        };
        none.select(&[1]);
    }
}
