//! Values of several metrics for each case.

use std::collections::HashMap;

/// One row a case, one named column a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CaseTable {
    columns: Vec<String>,
    values: Vec<f64>,
}

impl CaseTable {
    /// A table of `values` in row-major order, as many as `columns` a case.
    pub(super) fn new(columns: Vec<String>, values: Vec<f64>) -> Self {
        debug_assert!(!columns.is_empty() && values.len().is_multiple_of(columns.len()));
        Self { columns, values }
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn n_columns(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn n_cases(&self) -> usize {
        self.rows().len()
    }

    /// The values of each case in turn.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        // A table that was left out of a file has no columns and no rows.
        self.values.chunks_exact(self.columns.len().max(1))
    }

    /// The values of one metric, one a case.
    pub(super) fn column(&self, name: &str) -> Option<Vec<f64>> {
        let index = self.columns.iter().position(|column| column == name)?;
        Some(self.rows().map(|row| row[index]).collect())
    }

    /// The mean of each column.
    pub(super) fn means(&self) -> Vec<f64> {
        let all: Vec<usize> = (0..self.n_cases()).collect();
        self.means_of(&all)
    }

    /// The mean of each column over some cases, of which there must be one.
    pub(super) fn means_of(&self, cases: &[usize]) -> Vec<f64> {
        let n_columns = self.n_columns();
        let mut sums = vec![0.0; n_columns];
        for &case in cases {
            let row = &self.values[case * n_columns..][..n_columns];
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        sums.iter().map(|sum| sum / cases.len() as f64).collect()
    }

    /// The different rows, in order of first appearance, and which of them each case has.
    pub(super) fn distinct_rows(&self) -> (Vec<&[f64]>, Vec<u32>) {
        let mut index: HashMap<Vec<u64>, u32> = HashMap::new();
        let mut kinds = Vec::new();
        let kind_of = self
            .rows()
            .map(|row| {
                let bits = row.iter().map(|value| value.to_bits()).collect();
                *index.entry(bits).or_insert_with(|| {
                    kinds.push(row);
                    kinds.len() as u32 - 1
                })
            })
            .collect();
        (kinds, kind_of)
    }
}
