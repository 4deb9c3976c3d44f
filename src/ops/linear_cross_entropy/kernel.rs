//! Loss and gradients in one pass over blocks of rows, 32 bits, on all cores.

use rayon::prelude::*;

use crate::ops::cpu::{
    Matrix, MatrixMut, add_product, exponentials_in_place, maximum, set_product, wide,
};

/// Rows whose logits are held at a time: a block that products are efficient for, and that stays in a cache of a few
/// MiB for some ten thousand items.
const BLOCK_ROWS: usize = 32;

/// Parts that are worked on independently, each with its own gradient of the table: enough for most desktops. The
/// number may not depend on the machine's cores, so that sums come out the same everywhere.
const MAX_PARTS: usize = 16;

/// Numbers that the parts' gradients of the table may hold together: 256 MiB.
const MAX_PARTS_LEN: usize = 1 << 26;

/// Sizes, and what is to be learned.
pub(super) struct Problem<'a> {
    pub(super) hidden: &'a [f32],
    pub(super) table: &'a [f32],
    pub(super) d_model: usize,
    pub(super) targets: &'a [u32],
    pub(super) factors: &'a [f32],
}

/// The loss, and its gradients if asked for.
pub(super) struct Solution {
    pub(super) loss: f32,
    pub(super) d_hidden: Vec<f32>,
    pub(super) d_table: Vec<f32>,
}

impl Problem<'_> {
    fn n_items(&self) -> usize {
        self.table.len() / self.d_model
    }

    fn part_rows(&self) -> usize {
        let n_parts = (MAX_PARTS_LEN / self.table.len()).clamp(1, MAX_PARTS);
        let n_rows = self.targets.len();
        n_rows.div_ceil(n_parts).next_multiple_of(BLOCK_ROWS)
    }

    /// The loss without gradients.
    pub(super) fn loss(&self) -> f32 {
        let n_rows = self.targets.len();
        let blocks: Vec<f64> = (0..n_rows.div_ceil(BLOCK_ROWS))
            .into_par_iter()
            .map_init(
                || vec![0.0; BLOCK_ROWS * self.n_items()],
                |logits, block| {
                    let first = block * BLOCK_ROWS;
                    self.block(first, BLOCK_ROWS.min(n_rows - first), logits)
                },
            )
            .collect();
        blocks.iter().sum::<f64>() as f32
    }

    /// The loss and its gradients.
    pub(super) fn solve(&self) -> Solution {
        let part_rows = self.part_rows();
        let mut d_hidden = vec![0.0; self.hidden.len()];
        let parts: Vec<(f64, Vec<f32>)> = d_hidden
            .par_chunks_mut(part_rows * self.d_model)
            .enumerate()
            .map(|(part, d_hidden)| self.solve_part(part * part_rows, d_hidden))
            .collect();
        let loss: f64 = parts.iter().map(|(loss, _)| loss).sum();
        let mut tables = parts.into_iter().map(|(_, table)| table);
        let mut d_table = tables.next().unwrap_or_default();
        let others: Vec<Vec<f32>> = tables.collect();
        const TASK_LEN: usize = 1 << 14;
        d_table
            .par_chunks_mut(TASK_LEN)
            .enumerate()
            .for_each(|(task, sums)| {
                for other in &others {
                    let other = &other[task * TASK_LEN..][..sums.len()];
                    for (sum, number) in sums.iter_mut().zip(other) {
                        *sum += number;
                    }
                }
            });
        Solution {
            loss: loss as f32,
            d_hidden,
            d_table,
        }
    }

    fn solve_part(&self, first_row: usize, d_hidden: &mut [f32]) -> (f64, Vec<f32>) {
        let (d_model, n_items) = (self.d_model, self.n_items());
        let mut logits = vec![0.0; BLOCK_ROWS * n_items];
        let mut d_table = vec![0.0; self.table.len()];
        let mut loss = 0.0;
        let table = Matrix::rows(self.table, n_items, d_model, d_model);
        for (block, d_hidden) in d_hidden.chunks_mut(BLOCK_ROWS * d_model).enumerate() {
            let (first, n_rows) = (first_row + block * BLOCK_ROWS, d_hidden.len() / d_model);
            loss += self.block(first, n_rows, &mut logits);
            let d_logits = Matrix::rows(&logits, n_rows, n_items, n_items);
            let out = MatrixMut::rows(d_hidden, n_rows, d_model, d_model);
            set_product(out, 1.0, d_logits, table);
            let hidden = Matrix::rows(&self.hidden[first * d_model..], n_rows, d_model, d_model);
            let out = MatrixMut::rows(&mut d_table, n_items, d_model, d_model);
            add_product(out, 1.0, d_logits.transposed(), hidden);
        }
        (loss, d_table)
    }

    /// The loss of a few rows; leaves the gradients of their logits.
    fn block(&self, first: usize, n_rows: usize, logits: &mut [f32]) -> f64 {
        let (d_model, n_items) = (self.d_model, self.n_items());
        let hidden = Matrix::rows(&self.hidden[first * d_model..], n_rows, d_model, d_model);
        let table = Matrix::rows(self.table, n_items, d_model, d_model);
        let out = MatrixMut::rows(logits, n_rows, n_items, n_items);
        set_product(out, 1.0, hidden, table.transposed());
        let mut loss = 0.0;
        for (row, logits) in (first..first + n_rows).zip(logits.chunks_exact_mut(n_items)) {
            let (target, factor) = (self.targets[row] as usize, self.factors[row]);
            let at_target = logits[target];
            let (highest, sum) = wide(|| {
                let highest = maximum(logits);
                let sum = exponentials_in_place(logits, highest);
                let scale = factor / sum;
                for number in logits.iter_mut() {
                    *number *= scale;
                }
                (highest, sum)
            });
            logits[target] -= factor;
            loss += f64::from(factor) * f64::from(highest - at_target + sum.ln());
        }
        loss
    }
}
