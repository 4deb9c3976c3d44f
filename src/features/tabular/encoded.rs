//! Rows of a table as numbers.

use std::ops::Range;

/// Id of a value that training did not see often enough.
pub const UNKNOWN: u32 = 0;

/// Id of a value that is not there.
pub const MISSING: u32 = 1;

/// Rows of a table as numbers, with the fields of a [`TabularShape`](super::TabularShape).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedRows {
    /// Number of rows.
    pub n_rows: usize,
    /// Ids of the fields with one value, each below `n_values` of its field. `[n_rows, n_categories]`, row by row.
    pub categories: Vec<u32>,
    /// Numbers of all fields with numbers, end to end. `[n_rows, n_numbers]`, row by row.
    pub numbers: Vec<f32>,
    /// One for each field with any number of values.
    pub lists: Vec<EncodedList>,
    /// 0 or 1 for each label. `[n_rows, n_labels]`, row by row; empty where labels are not read.
    pub labels: Vec<f32>,
    /// How much each row counts, above 0. `[n_rows]`; empty where all count the same.
    pub weights: Vec<f32>,
    /// The group that a row belongs to, such as its user, as a number that only equality is asked of. `[n_rows]`; empty where
    /// there is none.
    pub groups: Vec<u64>,
    /// When it happened, UTC. `[n_rows]`; empty where there is no time.
    pub times_utc_millis: Vec<i64>,
}

/// A field with any number of values in each row.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedList {
    /// Row `r` has the values `ids[offsets[r]..offsets[r + 1]]`, maybe none. `[n_rows + 1]`.
    pub offsets: Vec<usize>,
    /// Ids of the values of all rows.
    pub ids: Vec<u32>,
    /// Milliseconds from each value to the time of its row, at least 0. As long as `ids`; empty where times are not known.
    pub ages_millis: Vec<i64>,
}

impl Default for EncodedList {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            ids: Vec::new(),
            ages_millis: Vec::new(),
        }
    }
}

impl EncodedRows {
    /// No rows, with as many lists.
    pub fn empty_like(&self) -> Self {
        Self {
            lists: vec![EncodedList::default(); self.lists.len()],
            ..Self::default()
        }
    }

    /// Adds the rows of another of the same fields.
    pub fn append(&mut self, more: &Self) {
        if self.n_rows == 0 {
            self.clone_from(more);
            return;
        }
        self.n_rows += more.n_rows;
        self.categories.extend(&more.categories);
        self.numbers.extend(&more.numbers);
        self.labels.extend(&more.labels);
        self.weights.extend(&more.weights);
        self.groups.extend(&more.groups);
        self.times_utc_millis.extend(&more.times_utc_millis);
        for (list, more) in self.lists.iter_mut().zip(&more.lists) {
            let shift = list.ids.len();
            let ends = more.offsets.iter().skip(1).map(|end| end + shift);
            list.offsets.extend(ends);
            list.ids.extend(&more.ids);
            list.ages_millis.extend(&more.ages_millis);
        }
    }

    /// These rows, in this order; a row may be taken several times.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut selected = self.empty_like();
        for &row in rows {
            selected.push_rows_of(self, row..row + 1);
        }
        selected
    }

    /// The rows of a range.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn range(&self, rows: Range<usize>) -> Self {
        let mut part = self.empty_like();
        part.push_rows_of(self, rows);
        part
    }

    /// Adds rows of another of the same fields.
    ///
    /// # Panics
    /// If there are no such rows.
    pub(super) fn push_rows_of(&mut self, other: &Self, rows: Range<usize>) {
        let n_rows = other.n_rows;
        for row in [rows.start, rows.end.saturating_sub(1)] {
            assert!(
                rows.is_empty() || row < n_rows,
                "row {row} of {n_rows} rows"
            );
        }
        if rows.is_empty() {
            return;
        }
        self.n_rows += rows.len();
        push(&mut self.categories, &other.categories, &rows, n_rows);
        push(&mut self.numbers, &other.numbers, &rows, n_rows);
        push(&mut self.labels, &other.labels, &rows, n_rows);
        push(&mut self.weights, &other.weights, &rows, n_rows);
        push(&mut self.groups, &other.groups, &rows, n_rows);
        let (times, of_other) = (&mut self.times_utc_millis, &other.times_utc_millis);
        push(times, of_other, &rows, n_rows);
        for (list, other) in self.lists.iter_mut().zip(&other.lists) {
            let offsets = &other.offsets[rows.start..=rows.end];
            let values = offsets[0]..offsets[rows.len()];
            let (start, first) = (list.ids.len(), values.start);
            let ends = offsets.iter().skip(1).map(|end| start + end - first);
            list.offsets.extend(ends);
            list.ids.extend(&other.ids[values.clone()]);
            if !other.ages_millis.is_empty() {
                list.ages_millis.extend(&other.ages_millis[values]);
            }
        }
    }

    /// Bytes that the rows take.
    pub fn n_bytes(&self) -> usize {
        let of_lists = self
            .lists
            .iter()
            .map(|list| 8 * (list.offsets.len() + list.ages_millis.len()) + 4 * list.ids.len());
        4 * (self.categories.len() + self.numbers.len() + self.labels.len() + self.weights.len())
            + 8 * (self.groups.len() + self.times_utc_millis.len())
            + of_lists.sum::<usize>()
    }
}

/// Adds some of `n_rows` equal rows that lie end to end.
fn push<T: Copy>(to: &mut Vec<T>, from: &[T], rows: &Range<usize>, n_rows: usize) {
    let width = from.len() / n_rows;
    to.extend_from_slice(&from[rows.start * width..rows.end * width]);
}
