//! Rows that are mostly empty.

/// The filled columns of each row and their values, end to end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SparseRows {
    ends: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl SparseRows {
    /// Stores `(column, value)` pairs row by row.
    pub(super) fn from_rows<R>(rows: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = (u32, f32)>,
    {
        let mut stored = Self {
            ends: vec![],
            columns: vec![],
            values: vec![],
        };
        for row in rows {
            for (column, value) in row {
                stored.columns.push(column);
                stored.values.push(value);
            }
            stored.ends.push(stored.columns.len());
        }
        stored
    }

    /// The columns of a row and their values.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        let range = start..self.ends[row];
        let columns = self.columns[range.clone()].iter().copied();
        columns.zip(self.values[range].iter().copied())
    }

    /// Adds a row to a dense one, `weight` times.
    pub(super) fn add_row(&self, row: usize, weight: f32, dense: &mut [f32]) {
        for (column, value) in self.row(row) {
            dense[column as usize] += weight * value;
        }
    }
}
