//! Attention on packed rows, 32 bits, on all cores; never more than a block of scores at a time.
//!
//! Forward keeps the logarithm of each query's sum of exponentials, from which backward makes the weights again; dropout
//! is made again from its numbers. Dao et al. 2022, <https://arxiv.org/abs/2205.14135>, on whole rows instead of tiles.

use std::ops::Range;

use rayon::prelude::*;

use super::head::{Head, Known, Scratch};
use super::{AttentionLayout, Dropout, Visibility};

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

impl Plan {
    pub(super) fn width(&self) -> usize {
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
