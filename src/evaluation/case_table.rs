//! Values of several metrics for each case.

use std::collections::HashMap;

/// One row a case, one named column a metric.
///
/// Equal rows are stored once: with one target a case there are at most `k + 1` different ones, so that the table of a
/// million cases is a million small numbers, and a bootstrap resample of it little more than its draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CaseTable {
    columns: Vec<String>,
    /// The different rows end to end, in order of first appearance.
    kinds: Vec<f64>,
    /// Which of them each case has.
    kind_of: Vec<u32>,
}

/// A [`CaseTable`] that still grows.
#[derive(Debug)]
pub(super) struct CaseTableBuilder {
    table: CaseTable,
    known: HashMap<Vec<u64>, u32>,
}

impl CaseTableBuilder {
    pub(super) fn new(columns: Vec<String>) -> Self {
        let table = CaseTable {
            columns,
            ..CaseTable::default()
        };
        Self {
            table,
            known: HashMap::new(),
        }
    }

    /// Adds the values of the next case, one a column.
    pub(super) fn push(&mut self, row: &[f64]) {
        debug_assert_eq!(row.len(), self.table.columns.len());
        let bits = row.iter().map(|value| value.to_bits()).collect();
        let next = self.known.len() as u32;
        let kind = *self.known.entry(bits).or_insert(next);
        if kind == next {
            self.table.kinds.extend_from_slice(row);
        }
        self.table.kind_of.push(kind);
    }

    pub(super) fn finish(self) -> CaseTable {
        self.table
    }
}

impl CaseTable {
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn n_cases(&self) -> usize {
        self.kind_of.len()
    }

    /// The values of one metric, one a case.
    pub(super) fn column(&self, name: &str) -> Option<Vec<f64>> {
        let index = self.columns.iter().position(|column| column == name)?;
        let value = |&kind: &u32| self.kinds[kind as usize * self.columns.len() + index];
        Some(self.kind_of.iter().map(value).collect())
    }

    /// The mean of each column over all cases.
    pub(super) fn means(&self) -> Vec<f64> {
        self.means_of(0..self.n_cases())
    }

    /// The mean of each column over some cases, of which there must be one; a case may be named several times.
    pub(super) fn means_of(&self, cases: impl IntoIterator<Item = usize>) -> Vec<f64> {
        let n_columns = self.columns.len();
        let mut counts = vec![0u32; self.kinds.len() / n_columns.max(1)];
        let mut n_cases = 0.0;
        for case in cases {
            counts[self.kind_of[case] as usize] += 1;
            n_cases += 1.0;
        }
        let mut sums = vec![0.0; n_columns];
        for (&count, row) in counts.iter().zip(self.kinds.chunks_exact(n_columns.max(1))) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(count) * value;
            }
        }
        sums.iter().map(|sum| sum / n_cases).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> CaseTable {
        let mut table = CaseTableBuilder::new(["a", "b"].map(str::to_owned).to_vec());
        for row in [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]] {
            table.push(&row);
        }
        table.finish()
    }

    #[test]
    fn columns_are_found_by_name() {
        assert_eq!(table().n_cases(), 3);
        assert_eq!(table().column("b"), Some(vec![2.0, 4.0, 2.0]));
        assert_eq!(table().column("c"), None);
        assert_eq!(CaseTable::default().column("a"), None);
        assert_eq!(CaseTable::default().n_cases(), 0);
    }

    #[test]
    fn means_are_taken_over_the_named_cases() {
        assert_eq!(table().means(), [5.0 / 3.0, 8.0 / 3.0]);
        assert_eq!(table().means_of([0, 1]), [2.0, 3.0]);
        assert_eq!(table().means_of([1, 1, 2, 1]), [2.5, 3.5]);
    }

    #[test]
    fn equal_rows_are_stored_once() {
        assert_eq!(table().kinds, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(table().kind_of, [0, 1, 0]);
    }
}
