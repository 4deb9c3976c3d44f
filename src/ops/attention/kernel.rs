//! Attention on packed rows, 32 bits, on all cores; never more than a tile of scores at a time.
//!
//! Forward keeps the logarithm of each query's sum of exponentials, from which backward makes the weights again; dropout
//! is made again from its numbers. Dao et al. 2022, <https://arxiv.org/abs/2205.14135>.

use std::ops::Range;

use rayon::prelude::*;

use super::bias_rows::{BiasGradient, BiasPlan, BiasRows};
use super::head::{Head, Known};
use super::short;
use super::tile::{Place, Scratch};
use super::{AttentionForm, AttentionLayout, Dropout, Visibility};

/// With fewer sequences than this, heads are spread over the cores one by one, else sequence by sequence.
const MANY_SEQUENCES: usize = 16;

/// What a call computes, apart from the rows themselves.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) layout: AttentionLayout,
    pub(super) visibility: Visibility,
    pub(super) form: AttentionForm,
    pub(super) scale: f32,
    pub(super) dropout: Option<Dropout>,
    pub(super) biases: Vec<BiasPlan>,
    pub(super) n_heads: usize,
    pub(super) d_head: usize,
}

/// Packed rows, `[n_rows, n_heads, d_head]`, and the tables of all biases, `[n_buckets, n_heads]`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) query: &'a [f32],
    pub(super) key: &'a [f32],
    pub(super) value: &'a [f32],
    pub(super) biases: &'a [f32],
}

/// The mixed values, and for each query row and head, sequence by sequence and head by head, the logarithm of its sum of
/// exponentials; no such sums of short sequences, whose weights are made anew.
pub(super) struct Forward {
    pub(super) context: Vec<f32>,
    pub(super) log_sums: Vec<f32>,
}

/// What backward takes from forward and from above.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) context: &'a [f32],
    pub(super) log_sums: &'a [f32],
    pub(super) d_context: &'a [f32],
}

/// Gradients of queries, keys, values and bias tables.
pub(super) struct Gradients {
    pub(super) query: Vec<f32>,
    pub(super) key: Vec<f32>,
    pub(super) value: Vec<f32>,
    pub(super) biases: Vec<f32>,
}

/// Some heads of one sequence, and the numbers that they write.
struct Task<'a, const N: usize> {
    sequence: usize,
    heads: Range<usize>,
    /// Rows of all heads of the sequence, or of the only head.
    outputs: [&'a mut [f32]; N],
}

impl Plan {
    pub(super) fn width(&self) -> usize {
        self.n_heads * self.d_head
    }

    fn heads_apart(&self) -> bool {
        self.layout.n_sequences() < MANY_SEQUENCES && self.n_heads > 1
    }

    /// Cuts outputs, which have so many numbers a row and head, into those of each task.
    ///
    /// Where heads are apart the rows of one head come after those of the other, not side by side.
    fn tasks<'a, const N: usize>(
        &self,
        mut outputs: [&'a mut [f32]; N],
        widths: [usize; N],
        lengths: impl Fn(usize) -> [usize; N],
    ) -> Vec<Task<'a, N>> {
        let n_parts = if self.heads_apart() { self.n_heads } else { 1 };
        let heads = self.n_heads / n_parts;
        let parts = (0..self.layout.n_sequences())
            .flat_map(|sequence| (0..n_parts).map(move |part| (sequence, part)));
        parts
            .map(|(sequence, part)| {
                let mut lengths = lengths(sequence).into_iter().zip(widths);
                let outputs = outputs.each_mut().map(|rest| {
                    let n = lengths
                        .next()
                        .map_or(0, |(length, width)| length * width * heads);
                    let (output, left) = std::mem::take(rest).split_at_mut(n);
                    *rest = left;
                    output
                });
                Task {
                    sequence,
                    heads: part * heads..(part + 1) * heads,
                    outputs,
                }
            })
            .collect()
    }

    /// Where the columns of a head of a task are in its outputs.
    fn place(&self, head: usize) -> Place {
        if self.heads_apart() {
            Place::alone(self.d_head)
        } else {
            Place::among(head, self.n_heads, self.d_head)
        }
    }

    /// Puts the rows of heads that were worked on apart side by side again.
    fn joined(&self, numbers: Vec<f32>, lengths: impl Iterator<Item = usize>) -> Vec<f32> {
        if !self.heads_apart() {
            return numbers;
        }
        let (width, d_head) = (self.width(), self.d_head);
        let mut joined = vec![0.0; numbers.len()];
        let mut start = 0;
        for length in lengths {
            let range = start..start + length * width;
            let rows = joined[range.clone()].par_chunks_exact_mut(width);
            rows.enumerate().for_each(|(row, out)| {
                for (head, out) in out.chunks_exact_mut(d_head).enumerate() {
                    let from = range.start + (head * length + row) * d_head;
                    out.copy_from_slice(&numbers[from..from + d_head]);
                }
            });
            start = range.end;
        }
        joined
    }

    fn head<'a>(
        &'a self,
        rows: Rows<'a>,
        biases: &'a BiasRows,
        sequence: usize,
        head: usize,
    ) -> Head<'a> {
        let (queries, keys) = (
            self.layout.query.range(sequence),
            self.layout.key.range(sequence),
        );
        let width = self.width();
        let cut = |numbers: &'a [f32], range: &Range<usize>| {
            &numbers[range.start * width..range.end * width]
        };
        Head {
            plan: self,
            rows: Rows {
                query: cut(rows.query, &queries),
                key: cut(rows.key, &keys),
                value: cut(rows.value, &keys),
                ..rows
            },
            query_len: queries.len(),
            key_len: keys.len(),
            head,
            dropout: self.dropout.map(|dropout| dropout.child(sequence as u64)),
            bias: biases.of_head(self, head, queries, keys),
        }
    }

    /// Mixes the values.
    pub(super) fn forward(&self, rows: Rows<'_>) -> Forward {
        if let Some(len) = short::length(self) {
            return short::forward(self, len, rows);
        }
        let biases = BiasRows::new(self, rows.biases);
        let mut context = vec![0.0; rows.query.len()];
        let mut log_sums = vec![0.0; self.layout.query.n_rows() * self.n_heads];
        let query_len = |sequence| [self.layout.query.range(sequence).len(); 2];
        let outputs = [&mut context[..], &mut log_sums[..]];
        let tasks = self.tasks(outputs, [self.d_head, 1], query_len);
        tasks
            .into_par_iter()
            .for_each_init(Scratch::default, |scratch, task| {
                let [context, log_sums] = task.outputs;
                for (index, head) in task.heads.enumerate() {
                    let at = self.head(rows, &biases, task.sequence, head);
                    let log_sums = &mut log_sums[index * at.query_len..][..at.query_len];
                    at.forward(self.place(head), context, log_sums, scratch);
                }
            });
        Forward {
            context: self.joined(context, self.layout.query.lengths()),
            log_sums,
        }
    }

    /// Gradients, from those of the mixed values.
    pub(super) fn backward(&self, rows: Rows<'_>, given: Given<'_>) -> Gradients {
        if let Some(len) = short::length(self) {
            return short::backward(self, len, rows, given);
        }
        let biases = BiasRows::new(self, rows.biases);
        let mut query = vec![0.0; rows.query.len()];
        let mut key = vec![0.0; rows.key.len()];
        let mut value = vec![0.0; rows.value.len()];
        let lengths = |sequence| {
            let key_len = self.layout.key.range(sequence).len();
            [self.layout.query.range(sequence).len(), key_len, key_len]
        };
        let outputs = [&mut query[..], &mut key[..], &mut value[..]];
        let tasks = self.tasks(outputs, [self.d_head; 3], lengths);
        let bias_gradients: Vec<BiasGradient> = tasks
            .into_par_iter()
            .map_init(Scratch::default, |scratch, mut task| {
                let mut d_bias = biases.gradient();
                for head in task.heads.clone() {
                    let at = self.head(rows, &biases, task.sequence, head);
                    let outputs = task.outputs.each_mut().map(|output| &mut **output);
                    let known = self.known(given, task.sequence, head);
                    at.backward(&known, self.place(head), outputs, &mut d_bias, scratch);
                }
                d_bias
            })
            .collect();
        Gradients {
            query: self.joined(query, self.layout.query.lengths()),
            key: self.joined(key, self.layout.key.lengths()),
            value: self.joined(value, self.layout.key.lengths()),
            biases: biases.sum(self, &bias_gradients, rows.biases.len()),
        }
    }

    fn known<'a>(&self, given: Given<'a>, sequence: usize, head: usize) -> Known<'a> {
        let range = self.layout.query.range(sequence);
        let rows = range.start * self.width()..range.end * self.width();
        let first = range.start * self.n_heads + head * range.len();
        Known {
            context: &given.context[rows.clone()],
            d_context: &given.d_context[rows],
            log_sums: &given.log_sums[first..first + range.len()],
        }
    }
}
