//! Attention on packed rows, 32 bits, on all cores; never more than a block of scores at a time.
//!
//! Forward keeps the logarithm of each query's sum of exponentials, from which backward makes the weights again; dropout
//! is made again from its numbers. Dao et al. 2022, <https://arxiv.org/abs/2205.14135>, on whole rows instead of tiles.

use std::ops::Range;

use rayon::prelude::*;

use super::{AttentionLayout, Dropout, Visibility};
use crate::ops::cpu::{
    Matrix, MatrixMut, add_product, exponentials_in_place, maximum, set_product, small_exponential,
    wide,
};

/// Queries whose scores are held at a time.
const BLOCK_QUERIES: usize = 64;

/// What a call computes, apart from the rows themselves.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) layout: AttentionLayout,
    pub(super) visibility: Visibility,
    pub(super) scale: f32,
    pub(super) dropout: Option<Dropout>,
    pub(super) n_heads: usize,
    pub(super) d_head: usize,
}

/// Packed rows, `[n_rows, n_heads, d_head]`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) query: &'a [f32],
    pub(super) key: &'a [f32],
    pub(super) value: &'a [f32],
}

/// The mixed values, and for each query row and head, sequence by sequence and head by head, the logarithm of its sum of
/// exponentials.
pub(super) struct Forward {
    pub(super) context: Vec<f32>,
    pub(super) log_sums: Vec<f32>,
}

/// Gradients of queries, keys and values.
pub(super) struct Gradients {
    pub(super) query: Vec<f32>,
    pub(super) key: Vec<f32>,
    pub(super) value: Vec<f32>,
}

/// One head of one sequence.
struct Head<'a> {
    plan: &'a Plan,
    rows: Rows<'a>,
    query_len: usize,
    key_len: usize,
    head: usize,
    /// Dropout of the sequence.
    dropout: Option<Dropout>,
}

/// Scores of a block of queries, and what belongs to them; kept from one block to the next.
#[derive(Default)]
struct Scratch {
    scores: Vec<f32>,
    d_weights: Vec<f32>,
    factors: Vec<f32>,
}

impl Plan {
    fn width(&self) -> usize {
        self.n_heads * self.d_head
    }

    /// Cuts rows into those of each sequence.
    fn split<'a>(
        &self,
        mut rows: &'a mut [f32],
        lengths: impl Iterator<Item = usize>,
        width: usize,
    ) -> Vec<&'a mut [f32]> {
        let mut parts = Vec::with_capacity(self.layout.n_sequences());
        for length in lengths {
            let (part, rest) = rows.split_at_mut(length * width);
            parts.push(part);
            rows = rest;
        }
        parts
    }

    /// The heads of a sequence.
    fn heads<'a>(&'a self, rows: Rows<'a>, sequence: usize) -> impl Iterator<Item = Head<'a>> + 'a {
        let (queries, keys) = (
            self.layout.query.range(sequence),
            self.layout.key.range(sequence),
        );
        let width = self.width();
        let cut = |numbers: &'a [f32], range: &Range<usize>| {
            &numbers[range.start * width..range.end * width]
        };
        let rows = Rows {
            query: cut(rows.query, &queries),
            key: cut(rows.key, &keys),
            value: cut(rows.value, &keys),
        };
        let dropout = self.dropout.map(|dropout| dropout.child(sequence as u64));
        (0..self.n_heads).map(move |head| Head {
            plan: self,
            rows,
            query_len: queries.len(),
            key_len: keys.len(),
            head,
            dropout,
        })
    }

    /// Mixes the values.
    pub(super) fn forward(&self, rows: Rows<'_>) -> Forward {
        let mut context = vec![0.0; rows.query.len()];
        let mut log_sums = vec![0.0; self.layout.query.n_rows() * self.n_heads];
        let contexts = self.split(&mut context, self.layout.query.lengths(), self.width());
        let sums = self.split(&mut log_sums, self.layout.query.lengths(), self.n_heads);
        let work = contexts.into_par_iter().zip(sums).enumerate();
        work.for_each_init(
            Scratch::default,
            |scratch, (sequence, (context, log_sums))| {
                for head in self.heads(rows, sequence) {
                    let log_sums = &mut log_sums[head.head * head.query_len..][..head.query_len];
                    head.forward(context, log_sums, scratch);
                }
            },
        );
        Forward { context, log_sums }
    }

    /// Gradients, from those of the mixed values.
    pub(super) fn backward(
        &self,
        rows: Rows<'_>,
        context: &[f32],
        log_sums: &[f32],
        d_context: &[f32],
    ) -> Gradients {
        let mut query = vec![0.0; rows.query.len()];
        let mut key = vec![0.0; rows.key.len()];
        let mut value = vec![0.0; rows.value.len()];
        let width = self.width();
        let queries = self.split(&mut query, self.layout.query.lengths(), width);
        let keys = self.split(&mut key, self.layout.key.lengths(), width);
        let values = self.split(&mut value, self.layout.key.lengths(), width);
        let work = queries.into_par_iter().zip(keys).zip(values).enumerate();
        work.for_each_init(
            Scratch::default,
            |scratch, (sequence, ((d_query, d_key), d_value))| {
                let range = self.layout.query.range(sequence);
                let context = &context[range.start * width..range.end * width];
                let d_context = &d_context[range.start * width..range.end * width];
                let log_sums = &log_sums[range.start * self.n_heads..range.end * self.n_heads];
                for head in self.heads(rows, sequence) {
                    let log_sums = &log_sums[head.head * head.query_len..][..head.query_len];
                    let known = Known {
                        context,
                        d_context,
                        log_sums,
                    };
                    head.backward(&known, [&mut *d_query, &mut *d_key, &mut *d_value], scratch);
                }
            },
        );
        Gradients { query, key, value }
    }
}

/// What backward knows of one head of one sequence; the rows are those of all heads.
struct Known<'a> {
    context: &'a [f32],
    d_context: &'a [f32],
    log_sums: &'a [f32],
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

    fn forward(&self, context: &mut [f32], log_sums: &mut [f32], scratch: &mut Scratch) {
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

    fn backward(
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
