//! Sampled loss and gradients of a block of rows at a time, 32 bits, on all cores.

use std::ops::Range;

use rayon::prelude::*;

use super::kernel::sum_of_parts;
use super::panel::{Block, PANEL, Panels};
use crate::ops::cpu::{Matrix, MatrixMut, add_product, set_product, wide};
use crate::sequence::Offsets;

/// Rows of a task; the number may not depend on the machine's cores, so that sums come out the same everywhere.
const TASK_ROWS: usize = 22 * Block::ROWS;

/// Sizes, and what is to be learned.
pub(super) struct Problem<'a> {
    pub(super) hidden: &'a [f32],
    /// The table's row of the target of each row of `hidden`.
    pub(super) target_rows: &'a [f32],
    /// The table's rows of the negatives of each group.
    pub(super) negative_rows: &'a [f32],
    pub(super) d_model: usize,
    pub(super) targets: &'a [u32],
    pub(super) negatives: &'a [u32],
    pub(super) groups: &'a Offsets,
    pub(super) n_negatives: usize,
    /// What is taken from the logit of each target and each negative.
    pub(super) corrections: Option<[&'a [f32]; 2]>,
    pub(super) factors: &'a [f32],
}

/// The loss and its gradients.
pub(super) struct Solution {
    pub(super) loss: f32,
    pub(super) d_hidden: Vec<f32>,
    pub(super) d_target_rows: Vec<f32>,
    pub(super) d_negative_rows: Vec<f32>,
}

/// Some rows of one group, and the gradients that they write.
struct Task<'a> {
    group: usize,
    rows: Range<usize>,
    d_hidden: &'a mut [f32],
    d_target_rows: &'a mut [f32],
}

impl Problem<'_> {
    /// The loss and its gradients.
    pub(super) fn solve(&self) -> Solution {
        let mut d_hidden = vec![0.0; self.hidden.len()];
        let mut d_target_rows = vec![0.0; self.hidden.len()];
        let tasks = self.tasks(&mut d_hidden, &mut d_target_rows);
        let of_group: Vec<usize> = tasks.iter().map(|task| task.group).collect();
        let parts: Vec<(f64, Vec<f32>)> = tasks
            .into_par_iter()
            .map(|task| self.solve_task(task))
            .collect();
        let loss: f64 = parts.iter().map(|(loss, _)| loss).sum();
        Solution {
            loss: loss as f32,
            d_hidden,
            d_target_rows,
            d_negative_rows: self.joined(&of_group, parts),
        }
    }

    fn tasks<'a>(
        &self,
        mut d_hidden: &'a mut [f32],
        mut d_target_rows: &'a mut [f32],
    ) -> Vec<Task<'a>> {
        let mut tasks = Vec::new();
        for (group, rows) in self.groups.ranges().enumerate() {
            for start in rows.clone().step_by(TASK_ROWS) {
                let rows = start..rows.end.min(start + TASK_ROWS);
                let n_numbers = rows.len() * self.d_model;
                let (of_hidden, rest) = std::mem::take(&mut d_hidden).split_at_mut(n_numbers);
                d_hidden = rest;
                let (of_targets, rest) = std::mem::take(&mut d_target_rows).split_at_mut(n_numbers);
                d_target_rows = rest;
                tasks.push(Task {
                    group,
                    rows,
                    d_hidden: of_hidden,
                    d_target_rows: of_targets,
                });
            }
        }
        tasks
    }

    /// Sums the tasks' gradients of negatives, group by group.
    fn joined(&self, of_group: &[usize], parts: Vec<(f64, Vec<f32>)>) -> Vec<f32> {
        let mut joined = vec![0.0; self.negative_rows.len()];
        let len = self.n_negatives * self.d_model;
        let mut parts = of_group.iter().zip(parts).peekable();
        for (group, out) in joined.chunks_exact_mut(len).enumerate() {
            let mut of_this = Vec::new();
            while let Some((_, (_, part))) = parts.next_if(|(of, _)| **of == group) {
                of_this.push(part);
            }
            if !of_this.is_empty() {
                out.copy_from_slice(&sum_of_parts(of_this.into_iter()));
            }
        }
        joined
    }

    /// The loss of a task, and its part of the gradient of the negatives of its group.
    fn solve_task(&self, task: Task<'_>) -> (f64, Vec<f32>) {
        let (d_model, n_negatives) = (self.d_model, self.n_negatives);
        let len = n_negatives * d_model;
        let negative_rows = &self.negative_rows[task.group * len..][..len];
        let panels = Panels::new(negative_rows, d_model);
        let mut block = Block::new(panels.len());
        let mut d_negative_rows = vec![0.0; len];
        let mut loss = 0.0;
        let block_len = Block::ROWS * d_model;
        let outputs = task.d_hidden.chunks_mut(block_len);
        let outputs = outputs.zip(task.d_target_rows.chunks_mut(block_len));
        for (start, (d_hidden, d_target_rows)) in
            task.rows.clone().step_by(Block::ROWS).zip(outputs)
        {
            let rows = start..task.rows.end.min(start + Block::ROWS);
            let at_target = self.target_logits(&rows);
            self.forward(&panels, &mut block, task.group, &rows, &at_target);
            let numbers = rows.start * d_model..rows.end * d_model;
            let hidden = &self.hidden[numbers.clone()];
            let n_rows = rows.len();
            let hidden_matrix = Matrix::rows(hidden, n_rows, d_model, d_model);
            for panel in 0..panels.len() {
                let factors = &self.factors[rows.clone()];
                let (items, shares) = block.shares(&panels, factors, panel);
                let shares = Matrix::rows(shares, n_rows, items.len(), PANEL);
                let numbers = items.start * d_model..items.end * d_model;
                let negatives = &negative_rows[numbers.clone()];
                let negatives = Matrix::rows(negatives, items.len(), d_model, d_model);
                let out = MatrixMut::rows(d_hidden, n_rows, d_model, d_model);
                match panel {
                    0 => set_product(out, 1.0, shares, negatives),
                    _ => add_product(out, 1.0, shares, negatives),
                }
                let out = &mut d_negative_rows[numbers];
                let out = MatrixMut::rows(out, items.len(), d_model, d_model);
                add_product(out, 1.0, shares.transposed(), hidden_matrix);
            }
            for (index, row) in rows.clone().enumerate() {
                let factor = self.factors[row];
                loss += f64::from(factor) * block.surprise(index, at_target[index]);
                let d_logit = factor * (block.share(index, at_target[index]) - 1.0);
                let columns = index * d_model..(index + 1) * d_model;
                let target = &self.target_rows[row * d_model..][..d_model];
                let gradients = (
                    &mut d_hidden[columns.clone()],
                    &mut d_target_rows[columns.clone()],
                );
                through_target(d_logit, &hidden[columns], target, gradients);
            }
        }
        (loss, d_negative_rows)
    }

    fn target_logits(&self, rows: &Range<usize>) -> [f32; Block::ROWS] {
        let mut logits = [0.0; Block::ROWS];
        let numbers = rows.start * self.d_model..rows.end * self.d_model;
        let hidden = self.hidden[numbers.clone()].chunks_exact(self.d_model);
        let both = hidden.zip(self.target_rows[numbers].chunks_exact(self.d_model));
        for (row, (logit, (hidden, target))) in rows.clone().zip(logits.iter_mut().zip(both)) {
            let correction = self.corrections.map_or(0.0, |[targets, _]| targets[row]);
            *logit = hidden.iter().zip(target).map(|(a, b)| a * b).sum::<f32>() - correction;
        }
        logits
    }

    /// Sums the exponentials of the rows' logits.
    fn forward(
        &self,
        panels: &Panels<'_>,
        block: &mut Block,
        group: usize,
        rows: &Range<usize>,
        at_target: &[f32],
    ) {
        let of_group = group * self.n_negatives..(group + 1) * self.n_negatives;
        let hidden = &self.hidden[rows.start * self.d_model..rows.end * self.d_model];
        let targets = &self.targets[rows.clone()];
        block.forward(
            panels,
            hidden,
            Some(&at_target[..rows.len()]),
            |items, logits| {
                let ids = &self.negatives[of_group.clone()][items.clone()];
                let corrections = self.corrections.map(|[_, of]| &of[of_group.clone()][items]);
                for (logits, &target) in logits.chunks_exact_mut(PANEL).zip(targets) {
                    let logits = &mut logits[..ids.len()];
                    wide(
                        #[inline(always)]
                        || {
                            if let Some(corrections) = corrections {
                                for (logit, correction) in logits.iter_mut().zip(corrections) {
                                    *logit -= correction;
                                }
                            }
                            for (logit, &id) in logits.iter_mut().zip(ids) {
                                *logit = if id == target {
                                    f32::NEG_INFINITY
                                } else {
                                    *logit
                                };
                            }
                        },
                    );
                }
            },
        );
    }
}

/// Adds to the gradient of a row, and writes that of the table's row of its target, what comes through their product.
fn through_target(
    d_logit: f32,
    hidden: &[f32],
    target: &[f32],
    (d_hidden, d_target): (&mut [f32], &mut [f32]),
) {
    for (d_hidden, target) in d_hidden.iter_mut().zip(target) {
        *d_hidden += d_logit * target;
    }
    for (d_target, hidden) in d_target.iter_mut().zip(hidden) {
        *d_target = d_logit * hidden;
    }
}
