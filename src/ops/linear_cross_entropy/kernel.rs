//! Loss and gradients of a block of rows at a time, 32 bits, on all cores.
//!
//! The table is gone through twice for each block, a panel of items at a time: first for the exponentials, whose sums grow
//! from panel to panel (Milakov and Gimelshein 2018, <https://arxiv.org/abs/1805.02867>), then for the gradients. Only the
//! exponentials of one block are ever held.

use std::ops::Range;

use rayon::prelude::*;

use super::panel::{Block, PANEL, Panels};
use crate::ops::cpu::{Matrix, MatrixMut, add_product};

/// Parts that are worked on independently, each with its own gradient of the table: enough for most desktops. The
/// number may not depend on the machine's cores, so that sums come out the same everywhere.
const MAX_PARTS: usize = 16;

/// Numbers that the parts' gradients of the table may hold together, if there are more than two: 256 MiB.
const MAX_PARTS_LEN: usize = 1 << 26;

/// Rows that make a part of its own worthwhile.
const LEAST_PART_ROWS: usize = 256;

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
    fn part_rows(&self) -> usize {
        let n_rows = self.targets.len();
        let n_parts = (MAX_PARTS_LEN / self.table.len()).clamp(2, MAX_PARTS);
        let part_rows = n_rows.div_ceil(n_parts).max(LEAST_PART_ROWS);
        part_rows.next_multiple_of(Block::ROWS)
    }

    /// Works out the exponentials of the rows `first..first + n_rows`, and their loss.
    fn block_loss(
        &self,
        panels: &Panels<'_>,
        block: &mut Block,
        first: usize,
        n_rows: usize,
    ) -> f64 {
        let hidden = &self.hidden[first * self.d_model..(first + n_rows) * self.d_model];
        let targets = &self.targets[first..first + n_rows];
        let mut at_target = [0.0; Block::ROWS];
        block.forward(panels, hidden, None, |items, logits| {
            for (row, &target) in targets.iter().enumerate() {
                if items.contains(&(target as usize)) {
                    at_target[row] = logits[row * PANEL + target as usize - items.start];
                }
            }
        });
        let losses = self.factors[first..first + n_rows].iter().enumerate();
        losses
            .map(|(row, &factor)| f64::from(factor) * block.surprise(row, at_target[row]))
            .sum()
    }

    /// The loss without gradients.
    pub(super) fn loss(&self) -> f32 {
        let panels = Panels::new(self.table, self.d_model);
        let n_rows = self.targets.len();
        let blocks: Vec<f64> = (0..n_rows.div_ceil(Block::ROWS))
            .into_par_iter()
            .map_init(
                || Block::new(1),
                |block, index| {
                    let first = index * Block::ROWS;
                    self.block_loss(&panels, block, first, Block::ROWS.min(n_rows - first))
                },
            )
            .collect();
        blocks.iter().sum::<f64>() as f32
    }

    /// The loss and its gradients.
    pub(super) fn solve(&self) -> Solution {
        let panels = Panels::new(self.table, self.d_model);
        let part_rows = self.part_rows();
        let mut d_hidden = vec![0.0; self.hidden.len()];
        let parts: Vec<(f64, Vec<f32>)> = d_hidden
            .par_chunks_mut(part_rows * self.d_model)
            .enumerate()
            .map(|(part, d_hidden)| self.solve_part(&panels, part * part_rows, d_hidden))
            .collect();
        let loss: f64 = parts.iter().map(|(loss, _)| loss).sum();
        Solution {
            loss: loss as f32,
            d_hidden,
            d_table: sum_of_parts(parts.into_iter().map(|(_, table)| table)),
        }
    }

    fn solve_part(
        &self,
        panels: &Panels<'_>,
        first_row: usize,
        d_hidden: &mut [f32],
    ) -> (f64, Vec<f32>) {
        let d_model = self.d_model;
        let mut block = Block::new(panels.len());
        let mut d_table = vec![0.0; self.table.len()];
        let mut loss = 0.0;
        for (index, d_hidden) in d_hidden.chunks_mut(Block::ROWS * d_model).enumerate() {
            let (first, n_rows) = (first_row + index * Block::ROWS, d_hidden.len() / d_model);
            loss += self.block_loss(panels, &mut block, first, n_rows);
            let hidden = Matrix::rows(&self.hidden[first * d_model..], n_rows, d_model, d_model);
            for panel in 0..panels.len() {
                let (items, d_logits) = self.d_logits(panels, &mut block, panel, first, n_rows);
                let d_logits = Matrix::rows(d_logits, n_rows, items.len(), PANEL);
                let numbers = items.start * d_model..items.end * d_model;
                let table = &self.table[numbers.clone()];
                let table = Matrix::rows(table, items.len(), d_model, d_model);
                let out = MatrixMut::rows(d_hidden, n_rows, d_model, d_model);
                add_product(out, 1.0, d_logits, table);
                let out = MatrixMut::rows(&mut d_table[numbers], items.len(), d_model, d_model);
                add_product(out, 1.0, d_logits.transposed(), hidden);
            }
        }
        (loss, d_table)
    }

    /// Items of a panel, and the gradients of the logits that rows `first..first + n_rows` have for them.
    fn d_logits<'b>(
        &self,
        panels: &Panels<'_>,
        block: &'b mut Block,
        panel: usize,
        first: usize,
        n_rows: usize,
    ) -> (Range<usize>, &'b [f32]) {
        let factors = &self.factors[first..first + n_rows];
        let (items, shares) = block.shares(panels, factors, panel);
        let targets = self.targets[first..first + n_rows].iter().zip(factors);
        for (row, (&target, factor)) in targets.enumerate() {
            if items.contains(&(target as usize)) {
                shares[row * PANEL + target as usize - items.start] -= factor;
            }
        }
        (items, shares)
    }
}

/// Sums vectors of one length, number by number, always in the same order.
pub(super) fn sum_of_parts(mut parts: impl Iterator<Item = Vec<f32>>) -> Vec<f32> {
    const TASK_LEN: usize = 1 << 14;
    let mut sum = parts.next().unwrap_or_default();
    let others: Vec<Vec<f32>> = parts.collect();
    sum.par_chunks_mut(TASK_LEN)
        .enumerate()
        .for_each(|(task, sums)| {
            for other in &others {
                let other = &other[task * TASK_LEN..][..sums.len()];
                for (sum, number) in sums.iter_mut().zip(other) {
                    *sum += number;
                }
            }
        });
    sum
}
