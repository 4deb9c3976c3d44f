//! One head of one sequence, a block of queries at a time.

use std::ops::Range;

use super::Dropout;
use super::kernel::{Plan, Rows};
use crate::ops::cpu::{
    Matrix, MatrixMut, add_product, exponentials_in_place, maximum, set_product, small_exponential,
    wide,
};

/// Queries whose scores are held at a time.
const BLOCK_QUERIES: usize = 64;

/// One head of one sequence.
pub(super) struct Head<'a> {
    pub(super) plan: &'a Plan,
    pub(super) rows: Rows<'a>,
    pub(super) query_len: usize,
    pub(super) key_len: usize,
    pub(super) head: usize,
    /// Dropout of the sequence.
    pub(super) dropout: Option<Dropout>,
}

/// Scores of a block of queries, and what belongs to them; kept from one block to the next.
#[derive(Default)]
pub(super) struct Scratch {
    scores: Vec<f32>,
    d_weights: Vec<f32>,
    factors: Vec<f32>,
}

/// What backward knows of one head of one sequence; the rows are those of all heads.
pub(super) struct Known<'a> {
    pub(super) context: &'a [f32],
    pub(super) d_context: &'a [f32],
    pub(super) log_sums: &'a [f32],
}

impl Head<'_> {
    /// Blocks of queries, and the keys that any query of a block sees.
    fn blocks(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
        (0..self.query_len).step_by(BLOCK_QUERIES).map(|first| {
            let queries = first..self.query_len.min(first + BLOCK_QUERIES);
            // What a query sees starts and ends no earlier than what the query before it sees.
            let keys = self.visible(queries.start).start..self.visible(queries.end - 1).end;
            (queries, keys)
        })
    }

    fn visible(&self, query: usize) -> Range<usize> {
        self.plan
            .visibility
            .keys(query, self.query_len, self.key_len)
    }

    /// This head's columns of some rows.
    fn part<'a>(&self, numbers: &'a [f32], rows: &Range<usize>) -> Matrix<'a> {
        let width = self.plan.width();
        let start = rows.start * width + self.head * self.plan.d_head;
        Matrix::rows(&numbers[start..], rows.len(), self.plan.d_head, width)
    }

    fn part_mut<'a>(&self, numbers: &'a mut [f32], rows: &Range<usize>) -> MatrixMut<'a> {
        let width = self.plan.width();
        let start = rows.start * width + self.head * self.plan.d_head;
        MatrixMut::rows(&mut numbers[start..], rows.len(), self.plan.d_head, width)
    }

    /// This head's columns of one row.
    fn columns(&self, row: usize) -> Range<usize> {
        let start = row * self.plan.width() + self.head * self.plan.d_head;
        start..start + self.plan.d_head
    }

    /// Scores of a block of queries.
    fn scores(&self, queries: &Range<usize>, keys: &Range<usize>, scores: &mut Vec<f32>) {
        scores.resize(queries.len() * keys.len(), 0.0);
        let out = MatrixMut::rows(scores, queries.len(), keys.len(), keys.len());
        let (query, key) = (
            self.part(self.rows.query, queries),
            self.part(self.rows.key, keys),
        );
        set_product(out, self.plan.scale, query, key.transposed());
    }

    /// What dropout multiplies the weights of one query by.
    fn fill_factors(
        &self,
        dropout: &Dropout,
        query: usize,
        visible: &Range<usize>,
        factors: &mut Vec<f32>,
    ) {
        factors.resize(visible.len(), 0.0);
        let row = (self.head * self.query_len + query) as u64;
        dropout.child(row).fill(visible.start, factors);
    }

    /// Mixes the values of this head.
    pub(super) fn forward(&self, context: &mut [f32], log_sums: &mut [f32], scratch: &mut Scratch) {
        for (queries, keys) in self.blocks() {
            if keys.is_empty() {
                continue;
            }
            let Scratch {
                scores, factors, ..
            } = scratch;
            self.scores(&queries, &keys, scores);
            let mut inverse_sums = [0.0; BLOCK_QUERIES];
            let rows = queries.clone().zip(scores.chunks_exact_mut(keys.len()));
            for ((query, row), inverse_sum) in rows.zip(&mut inverse_sums) {
                let visible = self.visible(query);
                if visible.is_empty() {
                    row.fill(0.0);
                    continue;
                }
                let (hidden_before, row) = row.split_at_mut(visible.start - keys.start);
                let (row, hidden_after) = row.split_at_mut(visible.len());
                hidden_before.fill(0.0);
                hidden_after.fill(0.0);
                let (highest, sum) = wide(|| {
                    let highest = maximum(row);
                    (highest, exponentials_in_place(row, highest))
                });
                log_sums[query] = highest + sum.ln();
                *inverse_sum = 1.0 / sum;
                if let Some(dropout) = &self.dropout {
                    self.fill_factors(dropout, query, &visible, factors);
                    for (weight, factor) in row.iter_mut().zip(factors.iter()) {
                        *weight *= factor;
                    }
                }
            }
            let weights = Matrix::rows(scores, queries.len(), keys.len(), keys.len());
            let value = self.part(self.rows.value, &keys);
            set_product(self.part_mut(context, &queries), 1.0, weights, value);
            for (query, inverse_sum) in queries.zip(inverse_sums) {
                for number in &mut context[self.columns(query)] {
                    *number *= inverse_sum;
                }
            }
        }
    }

    /// Adds the gradients of this head.
    pub(super) fn backward(
        &self,
        known: &Known<'_>,
        [d_query, d_key, d_value]: [&mut [f32]; 3],
        scratch: &mut Scratch,
    ) {
        for (queries, keys) in self.blocks() {
            if keys.is_empty() {
                continue;
            }
            self.scores(&queries, &keys, &mut scratch.scores);
            scratch.d_weights.resize(queries.len() * keys.len(), 0.0);
            let d_context = self.part(known.d_context, &queries);
            let value = self.part(self.rows.value, &keys);
            let shape = (queries.len(), keys.len());
            let out = MatrixMut::rows(&mut scratch.d_weights, shape.0, shape.1, shape.1);
            set_product(out, 1.0, d_context, value.transposed());
            self.weights_and_d_scores(&queries, &keys, known, scratch);
            let weights = Matrix::rows(&scratch.scores, shape.0, shape.1, shape.1);
            let d_scores = Matrix::rows(&scratch.d_weights, shape.0, shape.1, shape.1);
            let scale = self.plan.scale;
            let (query, key) = (
                self.part(self.rows.query, &queries),
                self.part(self.rows.key, &keys),
            );
            set_product(self.part_mut(d_query, &queries), scale, d_scores, key);
            add_product(
                self.part_mut(d_key, &keys),
                scale,
                d_scores.transposed(),
                query,
            );
            add_product(
                self.part_mut(d_value, &keys),
                1.0,
                weights.transposed(),
                d_context,
            );
        }
    }

    /// Turns scores into weights after dropout, and gradients of those weights into gradients of the scores.
    fn weights_and_d_scores(
        &self,
        queries: &Range<usize>,
        keys: &Range<usize>,
        known: &Known<'_>,
        scratch: &mut Scratch,
    ) {
        let Scratch {
            scores,
            d_weights,
            factors,
        } = scratch;
        let rows = scores
            .chunks_exact_mut(keys.len())
            .zip(d_weights.chunks_exact_mut(keys.len()));
        for (query, (row, d_row)) in queries.clone().zip(rows) {
            let visible = self.visible(query);
            if visible.is_empty() {
                row.fill(0.0);
                d_row.fill(0.0);
                continue;
            }
            let inside = visible.start - keys.start..visible.end - keys.start;
            for hidden in [0..inside.start, inside.end..keys.len()] {
                row[hidden.clone()].fill(0.0);
                d_row[hidden].fill(0.0);
            }
            let (row, d_row) = (&mut row[inside.clone()], &mut d_row[inside]);
            let columns = self.columns(query);
            let both = known.context[columns.clone()]
                .iter()
                .zip(&known.d_context[columns]);
            let mean: f32 = both.map(|(context, d_context)| context * d_context).sum();
            let log_sum = known.log_sums[query];
            match &self.dropout {
                None => wide(|| {
                    for (score, d_weight) in row.iter_mut().zip(d_row) {
                        *score = small_exponential(*score - log_sum);
                        *d_weight = *score * (*d_weight - mean);
                    }
                }),
                Some(dropout) => {
                    self.fill_factors(dropout, query, &visible, factors);
                    wide(|| {
                        for ((score, d_weight), factor) in
                            row.iter_mut().zip(d_row).zip(factors.iter())
                        {
                            let weight = small_exponential(*score - log_sum);
                            *d_weight = weight * (*d_weight * factor - mean);
                            *score = weight * factor;
                        }
                    });
                }
            }
        }
    }
}
