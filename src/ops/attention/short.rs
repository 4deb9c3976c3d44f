//! Attention within many sequences of one short length: as many sequences side by side as a vector has numbers.
//!
//! Sequences of a few rows and narrow heads leave a tile almost empty; lanes do not. The weights are made again in backward.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::factors::Factors;
use super::kernel::{Forward, Given, Gradients, Plan, Rows};
use super::{AttentionForm, Dropout, Visibility};
use crate::ops::cpu::at_level;
use crate::ops::cpu::lanes::{LANES, LaneAttention, Lanes, turn, turn_back};

/// The longest sequence and the widest head that are worked on so; beyond, tiles are full enough.
const MAX_LEN: usize = 64;
const MAX_HEAD: usize = 32;

/// The length that all sequences have, if a plan can be worked on here.
pub(super) fn length(plan: &Plan) -> Option<usize> {
    let is_plain = plan.form == AttentionForm::Softmax
        && plan.visibility == Visibility::bidirectional()
        && plan.biases.is_empty()
        && plan.layout.query == plan.layout.key;
    let length = plan.layout.query.uniform_len().filter(|_| is_plain)?;
    let size = [length, plan.n_heads, plan.d_head];
    is_short(size, plan.dropout.is_some()).then_some(length)
}

/// Whether sequences of a length are worked on so, by length, heads and width of a head.
pub(in crate::ops) fn is_short([len, n_heads, d_head]: [usize; 3], has_dropout: bool) -> bool {
    (1..=MAX_LEN).contains(&len)
        && d_head <= MAX_HEAD
        && (!has_dropout || Factors::fit(len, n_heads))
}

fn block(plan: &Plan, len: usize) -> LaneAttention {
    LaneAttention {
        len,
        n_heads: plan.n_heads,
        d_head: plan.d_head,
        scale: plan.scale,
    }
}

/// As [`Plan::forward`], without sums.
pub(super) fn forward(plan: &Plan, len: usize, rows: Rows<'_>) -> Forward {
    let block = block(plan, len);
    let n_block = LANES * block.n_numbers();
    let mut context = vec![0.0; rows.query.len()];
    let inputs = [rows.query, rows.key, rows.value].map(|rows| rows.par_chunks(n_block));
    let [query, key, value] = inputs;
    let outputs = context.par_chunks_mut(n_block).enumerate();
    outputs.zip(query.zip(key.zip(value))).for_each_init(
        || Scratch::<3, 1, 1>::new(block, plan.dropout),
        |scratch, ((index, context), (query, (key, value)))| {
            scratch.drop_some(index, context.len());
            for (rows, turned) in [query, key, value].into_iter().zip(&mut scratch.inputs) {
                turn(rows, turned.numbers_mut());
            }
            at_level(ForwardBlock(scratch));
            turn_back(scratch.outputs[0].numbers(), context);
        },
    );
    Forward {
        context,
        log_sums: Vec::new(),
    }
}

/// As [`Plan::backward`].
pub(super) fn backward(plan: &Plan, len: usize, rows: Rows<'_>, given: Given<'_>) -> Gradients {
    let block = block(plan, len);
    let n_block = LANES * block.n_numbers();
    let mut query = vec![0.0; rows.query.len()];
    let mut key = vec![0.0; rows.key.len()];
    let mut value = vec![0.0; rows.value.len()];
    let blocks = query
        .par_chunks_mut(n_block)
        .zip(key.par_chunks_mut(n_block))
        .zip(value.par_chunks_mut(n_block))
        .enumerate();
    blocks.for_each_init(
        || Scratch::<4, 3, 2>::new(block, plan.dropout),
        |scratch, (index, ((query, key), value))| {
            scratch.drop_some(index, query.len());
            let (start, end) = (index * n_block, index * n_block + query.len());
            let known = [rows.query, rows.key, rows.value, given.d_context];
            for (known, turned) in known.into_iter().zip(&mut scratch.inputs) {
                turn(&known[start..end], turned.numbers_mut());
            }
            at_level(BackwardBlock(scratch));
            for (output, numbers) in scratch.outputs.iter().zip([query, key, value]) {
                turn_back(output.numbers(), numbers);
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

/// Numbers of a block of sequences, kept from one block to the next.
struct Scratch<const INPUTS: usize, const OUTPUTS: usize, const SQUARES: usize> {
    block: LaneAttention,
    inputs: [Lanes; INPUTS],
    outputs: [Lanes; OUTPUTS],
    /// Weights of one head, and their gradients.
    squares: [Lanes; SQUARES],
    factors: Option<Factors>,
}

impl<const INPUTS: usize, const OUTPUTS: usize, const SQUARES: usize>
    Scratch<INPUTS, OUTPUTS, SQUARES>
{
    fn new(block: LaneAttention, dropout: Option<Dropout>) -> Self {
        Self {
            block,
            inputs: std::array::from_fn(|_| Lanes::new(block.n_numbers())),
            outputs: std::array::from_fn(|_| Lanes::new(block.n_numbers())),
            squares: std::array::from_fn(|_| Lanes::new(block.n_weights())),
            factors: dropout.map(|dropout| Factors::new(block, dropout)),
        }
    }

    /// Makes the factors of the `index`-th block, which has so many numbers.
    fn drop_some(&mut self, index: usize, n_numbers: usize) {
        if let Some(factors) = &mut self.factors {
            let first = index * LANES;
            factors.fill(first..first + n_numbers / self.block.n_numbers());
        }
    }
}

/// Forward of one block: from queries, keys and values.
struct ForwardBlock<'a>(&'a mut Scratch<3, 1, 1>);

impl WithSimd for ForwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(scratch) = self;
        let inputs = scratch.inputs.each_ref();
        let factors = scratch.factors.as_ref();
        let [context] = scratch.outputs.each_mut();
        let [weights] = scratch.squares.each_mut();
        scratch.block.forward(
            simd,
            inputs.map(|rows| S::as_simd_f32s(rows.numbers()).0),
            factors.map(|factors| S::as_simd_f32s(factors.numbers()).0),
            S::as_mut_simd_f32s(context.numbers_mut()).0,
            S::as_mut_simd_f32s(weights.numbers_mut()).0,
        );
    }
}

/// Backward of one block: from queries, keys, values and gradients of contexts.
struct BackwardBlock<'a>(&'a mut Scratch<4, 3, 2>);

impl WithSimd for BackwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(scratch) = self;
        let inputs = scratch.inputs.each_ref();
        let factors = scratch.factors.as_ref();
        let outputs = scratch.outputs.each_mut();
        let squares = scratch.squares.each_mut();
        scratch.block.backward(
            simd,
            inputs.map(|rows| S::as_simd_f32s(rows.numbers()).0),
            factors.map(|factors| S::as_simd_f32s(factors.numbers()).0),
            outputs.map(|rows| S::as_mut_simd_f32s(rows.numbers_mut()).0),
            squares.map(|rows| S::as_mut_simd_f32s(rows.numbers_mut()).0),
        );
    }
}
