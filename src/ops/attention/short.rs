//! Attention within many sequences of one short length: as many sequences side by side as a vector has numbers.
//!
//! Sequences of a few rows and narrow heads leave a tile almost empty. Here lane `l` of every vector belongs to sequence `l`
//! of a block, so that no number of rows or columns wastes any of it.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::kernel::{Forward, Given, Gradients, Plan, Rows};
use super::{AttentionForm, Visibility};
use crate::ops::cpu::{at_level, small_exponentials};

/// The longest sequence and the widest head that are worked on so; beyond, tiles are full enough.
const MAX_LEN: usize = 64;
const MAX_HEAD: usize = 32;

/// Sequences of a block: numbers of the widest vector.
const LANES: usize = 16;

/// The length that all sequences have, if a plan can be worked on here.
pub(super) fn length(plan: &Plan) -> Option<usize> {
    let is_plain = plan.form == AttentionForm::Softmax
        && plan.visibility == Visibility::bidirectional()
        && plan.dropout.is_none()
        && plan.biases.is_empty()
        && plan.layout.query == plan.layout.key
        && plan.d_head <= MAX_HEAD;
    let length = plan.layout.query.uniform_len().filter(|_| is_plain)?;
    (1..=MAX_LEN).contains(&length).then_some(length)
}

/// As [`Plan::forward`].
pub(super) fn forward(plan: &Plan, len: usize, rows: Rows<'_>) -> Forward {
    let block = Block::of(plan, len);
    let n_block = LANES * block.n_numbers();
    let mut context = vec![0.0; rows.query.len()];
    let mut log_sums = vec![0.0; len * plan.n_heads * plan.layout.n_sequences()];
    let inputs = [rows.query, rows.key, rows.value].map(|rows| rows.par_chunks(n_block));
    let [query, key, value] = inputs;
    let log_blocks = log_sums.par_chunks_mut(LANES * len * plan.n_heads);
    let outputs = context.par_chunks_mut(n_block).zip(log_blocks);
    outputs.zip(query.zip(key.zip(value))).for_each_init(
        || Scratch::new(&block),
        |scratch, ((context, log_sums), (query, (key, value)))| {
            let [turned_query, turned_key, turned_value, ..] = &mut scratch.inputs;
            turn(query, turned_query);
            turn(key, turned_key);
            turn(value, turned_value);
            at_level(ForwardBlock {
                block: &block,
                scratch,
            });
            turn_back(&scratch.outputs[0], context);
            turn_back(&scratch.log_sums, log_sums);
        },
    );
    Forward { context, log_sums }
}

/// As [`Plan::backward`].
pub(super) fn backward(plan: &Plan, len: usize, rows: Rows<'_>, given: Given<'_>) -> Gradients {
    let block = Block::of(plan, len);
    let n_block = LANES * block.n_numbers();
    let n_logs = LANES * len * plan.n_heads;
    let mut query = vec![0.0; rows.query.len()];
    let mut key = vec![0.0; rows.key.len()];
    let mut value = vec![0.0; rows.value.len()];
    let blocks = query
        .par_chunks_mut(n_block)
        .zip(key.par_chunks_mut(n_block))
        .zip(value.par_chunks_mut(n_block))
        .enumerate();
    blocks.for_each_init(
        || Scratch::new(&block),
        |scratch, (index, ((query, key), value))| {
            let known = [
                rows.query,
                rows.key,
                rows.value,
                given.context,
                given.d_context,
            ];
            for (known, turned) in known.into_iter().zip(&mut scratch.inputs) {
                turn(part(known, index, n_block), turned);
            }
            turn(part(given.log_sums, index, n_logs), &mut scratch.log_sums);
            at_level(BackwardBlock {
                block: &block,
                scratch,
            });
            for (output, numbers) in scratch.outputs.iter().zip([query, key, value]) {
                turn_back(output, numbers);
            }
        },
    );
    Gradients {
        query,
        key,
        value,
        biases: vec![0.0; rows.biases.len()],
    }
}

/// The `index`-th of pieces of a length, the last of which may be shorter.
fn part(numbers: &[f32], index: usize, length: usize) -> &[f32] {
    let start = index * length;
    &numbers[start..numbers.len().min(start + length)]
}

/// What a block of sequences is like.
struct Block {
    len: usize,
    n_heads: usize,
    d_head: usize,
    scale: f32,
}

impl Block {
    fn of(plan: &Plan, len: usize) -> Self {
        Self {
            len,
            n_heads: plan.n_heads,
            d_head: plan.d_head,
            scale: plan.scale,
        }
    }

    /// Numbers of one sequence.
    fn n_numbers(&self) -> usize {
        self.len * self.n_heads * self.d_head
    }
}

/// Numbers of a block, sequences side by side: each number of a sequence is [`LANES`] numbers here. Kept from one block to the
/// next.
struct Scratch {
    /// Queries, keys, values; in backward also contexts and their gradients. `[len, n_heads, d_head, LANES]`.
    inputs: [Vec<f32>; 5],
    /// Contexts, or gradients of queries, keys and values.
    outputs: [Vec<f32>; 3],
    /// `[n_heads, len, LANES]`
    log_sums: Vec<f32>,
    /// Weights of one query, and the gradients of its scores. `[len, LANES]`
    weights: [Vec<f32>; 2],
}

impl Scratch {
    fn new(block: &Block) -> Self {
        let lanes = |n_numbers: usize| vec![0.0; n_numbers * LANES];
        Self {
            inputs: std::array::from_fn(|_| lanes(block.n_numbers())),
            outputs: std::array::from_fn(|_| lanes(block.n_numbers())),
            log_sums: lanes(block.len * block.n_heads),
            weights: std::array::from_fn(|_| lanes(block.len)),
        }
    }
}

/// Puts the numbers of sequences, which lie one after the other, side by side. Lanes without a sequence get zeros.
fn turn(sequences: &[f32], turned: &mut [f32]) {
    let n_numbers = turned.len() / LANES;
    if sequences.len() < turned.len() {
        turned.fill(0.0);
    }
    for (lane, sequence) in sequences.chunks_exact(n_numbers).enumerate() {
        let (lanes, _) = turned.as_chunks_mut::<LANES>();
        for (to, number) in lanes.iter_mut().zip(sequence) {
            to[lane] = *number;
        }
    }
}

/// The way back.
fn turn_back(turned: &[f32], sequences: &mut [f32]) {
    let (lanes, _) = turned.as_chunks::<LANES>();
    for (lane, sequence) in sequences.chunks_exact_mut(lanes.len()).enumerate() {
        for (number, from) in sequence.iter_mut().zip(lanes) {
            *number = from[lane];
        }
    }
}

/// Numbers of a block as vectors; those of a lane's part of all vectors, `step` apart.
#[derive(Clone, Copy)]
struct Part {
    /// Vectors for one number of all sequences.
    step: usize,
    /// Which of them.
    index: usize,
    head: usize,
}

impl Block {
    /// Where the first column of a row is.
    #[inline(always)]
    fn at(&self, part: Part, row: usize) -> usize {
        (row * self.n_heads + part.head) * self.d_head * part.step + part.index
    }

    /// The parts of a block: each head, and each vector of the lanes.
    fn parts(&self, step: usize) -> impl Iterator<Item = Part> {
        let n_heads = self.n_heads;
        (0..n_heads).flat_map(move |head| (0..step).map(move |index| Part { step, index, head }))
    }
}

/// Keys whose products with a query are worked on together, as each waits for the one before.
const TOGETHER: usize = 4;

/// The products of a row with some others: `sum over columns of row * other`.
#[inline(always)]
fn products<S: Simd, const N: usize>(
    simd: S,
    (row, at): (&[S::f32s], usize),
    (others, first): (&[S::f32s], [usize; N]),
    (d_head, step): (usize, usize),
) -> [S::f32s; N] {
    let mut sums = [simd.splat_f32s(0.0); N];
    for column in 0..d_head {
        let number = row[at + column * step];
        for (sum, first) in sums.iter_mut().zip(first) {
            *sum = simd.mul_add_e_f32s(number, others[first + column * step], *sum);
        }
    }
    sums
}

/// Forward of one block.
struct ForwardBlock<'a> {
    block: &'a Block,
    scratch: &'a mut Scratch,
}

impl WithSimd for ForwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (block, scratch) = (self.block, self.scratch);
        let [query, key, value, ..] = &scratch.inputs;
        let [query, key, value] = [query, key, value].map(|rows| S::as_simd_f32s(rows).0);
        let [context, ..] = &mut scratch.outputs;
        let context = S::as_mut_simd_f32s(context).0;
        let [weights, _] = &mut scratch.weights;
        let weights = S::as_mut_simd_f32s(weights).0;
        let log_sums = S::as_mut_simd_f32s(&mut scratch.log_sums).0;
        let step = LANES / S::F32_LANES;
        let scale = simd.splat_f32s(block.scale);
        let size = (block.d_head, step);
        for part in block.parts(step) {
            for row in 0..block.len {
                let at = block.at(part, row);
                let mut highest = simd.splat_f32s(f32::NEG_INFINITY);
                let mut keys = 0;
                while keys + TOGETHER <= block.len {
                    let first = std::array::from_fn(|index| block.at(part, keys + index));
                    let found: [_; TOGETHER] = products(simd, (query, at), (key, first), size);
                    for (index, score) in found.into_iter().enumerate() {
                        let score = simd.mul_f32s(score, scale);
                        highest = simd.max_f32s(highest, score);
                        weights[keys + index] = score;
                    }
                    keys += TOGETHER;
                }
                for (key_row, weight) in weights[..block.len].iter_mut().enumerate().skip(keys) {
                    let first = [block.at(part, key_row)];
                    let [score] = products(simd, (query, at), (key, first), size);
                    *weight = simd.mul_f32s(score, scale);
                    highest = simd.max_f32s(highest, *weight);
                }
                let mut sum = simd.splat_f32s(0.0);
                for weight in &mut weights[..block.len] {
                    *weight = small_exponentials(simd, simd.sub_f32s(*weight, highest));
                    sum = simd.add_f32s(sum, *weight);
                }
                let share = simd.div_f32s(simd.splat_f32s(1.0), sum);
                for column in 0..block.d_head {
                    let mut mixed = simd.splat_f32s(0.0);
                    for (key_row, weight) in weights[..block.len].iter().enumerate() {
                        let from = value[block.at(part, key_row) + column * step];
                        mixed = simd.mul_add_e_f32s(*weight, from, mixed);
                    }
                    context[at + column * step] = simd.mul_f32s(mixed, share);
                }
                let log_sum = &mut log_sums[(part.head * block.len + row) * step + part.index];
                *log_sum = simd.add_f32s(highest, logarithms(simd, sum));
            }
        }
    }
}

/// Natural logarithms of numbers above 0.
#[inline(always)]
fn logarithms<S: Simd>(simd: S, numbers: S::f32s) -> S::f32s {
    let mut each = [0.0; LANES];
    let each = &mut each[..S::F32_LANES];
    S::as_mut_simd_f32s(each).0[0] = numbers;
    each.iter_mut().for_each(|number| *number = number.ln());
    let _ = simd;
    S::as_simd_f32s(each).0[0]
}

/// The weight of a key, and the gradient of its product with the query, from that product and the gradient of the weight.
///
/// A function, since a closure of this size is not inlined, and then none of its vector instructions are.
#[inline(always)]
fn softmax_gradient<S: Simd>(
    simd: S,
    [product, d_weight]: [S::f32s; 2],
    [scale, log_sum, mean]: [S::f32s; 3],
) -> [S::f32s; 2] {
    let score = simd.mul_f32s(product, scale);
    let weight = small_exponentials(simd, simd.sub_f32s(score, log_sum));
    let d_score = simd.mul_f32s(weight, simd.sub_f32s(d_weight, mean));
    [weight, simd.mul_f32s(d_score, scale)]
}

/// Backward of one block.
struct BackwardBlock<'a> {
    block: &'a Block,
    scratch: &'a mut Scratch,
}

impl WithSimd for BackwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (block, scratch) = (self.block, self.scratch);
        let inputs = scratch.inputs.each_ref();
        let [query, key, value, context, d_context] = inputs.map(|rows| S::as_simd_f32s(rows).0);
        scratch.outputs.iter_mut().for_each(|rows| rows.fill(0.0));
        let outputs = scratch.outputs.each_mut();
        let [d_query, d_key, d_value] = outputs.map(|rows| S::as_mut_simd_f32s(rows).0);
        let [weights, d_scores] = scratch.weights.each_mut();
        let weights = S::as_mut_simd_f32s(weights).0;
        let d_scores = S::as_mut_simd_f32s(d_scores).0;
        let log_sums = S::as_simd_f32s(&scratch.log_sums).0;
        let step = LANES / S::F32_LANES;
        let scale = simd.splat_f32s(block.scale);
        let size = (block.d_head, step);
        for part in block.parts(step) {
            for row in 0..block.len {
                let at = block.at(part, row);
                let log_sum = log_sums[(part.head * block.len + row) * step + part.index];
                let [mean] = products(simd, (context, at), (d_context, [at]), size);
                let known = [scale, log_sum, mean];
                let mut keys = 0;
                while keys + TOGETHER <= block.len {
                    let first = std::array::from_fn(|index| block.at(part, keys + index));
                    let scores: [_; TOGETHER] = products(simd, (query, at), (key, first), size);
                    let found: [_; TOGETHER] =
                        products(simd, (d_context, at), (value, first), size);
                    for index in 0..TOGETHER {
                        let pair = [scores[index], found[index]];
                        let [weight, d_score] = softmax_gradient(simd, pair, known);
                        (weights[keys + index], d_scores[keys + index]) = (weight, d_score);
                    }
                    keys += TOGETHER;
                }
                for key_row in keys..block.len {
                    let first = [block.at(part, key_row)];
                    let [score] = products(simd, (query, at), (key, first), size);
                    let [found] = products(simd, (d_context, at), (value, first), size);
                    let [weight, d_score] = softmax_gradient(simd, [score, found], known);
                    (weights[key_row], d_scores[key_row]) = (weight, d_score);
                }
                for column in 0..block.d_head {
                    let here = at + column * step;
                    let (from, d_from) = (query[here], d_context[here]);
                    let mut sum = simd.splat_f32s(0.0);
                    for key_row in 0..block.len {
                        let there = block.at(part, key_row) + column * step;
                        let (weight, d_score) = (weights[key_row], d_scores[key_row]);
                        sum = simd.mul_add_e_f32s(d_score, key[there], sum);
                        d_key[there] = simd.mul_add_e_f32s(d_score, from, d_key[there]);
                        d_value[there] = simd.mul_add_e_f32s(weight, d_from, d_value[there]);
                    }
                    d_query[here] = sum;
                }
            }
        }
    }
}
